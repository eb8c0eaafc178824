"""Texts of models and users as single lines that are safe on a terminal."""

from __future__ import annotations

__all__ = ["clock", "one_line", "shortened"]


def one_line(text: str) -> str:
    """Return the text without line breaks and terminal control characters."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())


def shortened(text: str, length: int) -> str:
    """Return the text as one line of at most `length` characters."""
    line = one_line(text)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def clock(seconds: float) -> str:
    """Format a time as `7.0 s`, or from a minute on as `2:05` or `1:02:05`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
