"""Text of annotation files: reading of a file, and plain words."""

from __future__ import annotations

from pathlib import Path

from roma_ros.data.errors import DataError

__all__ = ["clean", "read_text"]

MAX_BYTES = 1 << 28


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, without a byte order mark.

    Raises:
        DataError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(f"{path} has {size:,} bytes; expected at most {MAX_BYTES:,}")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}, line {line} is not UTF-8; save the file as UTF-8") from error


def clean(text: str) -> str:
    """Return a text with single spaces, and without what is no text."""
    return " ".join(text.replace("\0", " ").split())
