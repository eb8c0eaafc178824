"""Text of models and users as one line that a terminal shows as it is."""

from __future__ import annotations

__all__ = ["clock", "one_line", "shortened"]


def one_line(text: str) -> str:
    """The text without line breaks and without characters that would steer a terminal."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())


def shortened(text: str, length: int) -> str:
    """One line of at most `length` characters."""
    line = one_line(text)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def clock(seconds: float) -> str:
    """`7.0 s`, or `2:05` and `1:02:05` from a minute on."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
