"""Text of annotation files: reading of a file, and plain words."""

from __future__ import annotations

from pathlib import Path

from roma_ros.benchmarks.files import read_utf8
from roma_ros.data.errors import DataError

__all__ = ["clean", "read_text"]

MAX_BYTES = 1 << 28


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, without a byte order mark.

    Raises:
        DataError: it cannot be read, is too large, or is not UTF-8.
    """
    return read_utf8(path, MAX_BYTES, DataError)


def clean(text: str) -> str:
    """Return a text with single spaces, and without what is no text."""
    return " ".join(text.replace("\0", " ").split())
