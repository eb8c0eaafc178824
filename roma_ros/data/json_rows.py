"""Rows of a JSON array or a JSON Lines file, one at a time.

The file is read in pieces; no more than one row is in memory. What JSON forbids but Python's
parser accepts is refused: a key that stands twice in an object, NaN and infinity.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from roma_ros.benchmarks.files import STRICT_JSON
from roma_ros.data.errors import SampleError

__all__ = ["MAX_ROW", "JsonRow", "decode_row", "read_rows"]

MAX_ROW = 1 << 24
"""Largest row in characters: an hour of frames at 2 fps has about 1 MB of paths."""
PIECE = 1 << 16  # bytes that are read at a time
SPACE = re.compile(r"[ \t\n\r]*")
LONGEST_NUMBER = 32  # characters; a number, or a word such as `true`, may go on in the next piece


@dataclass(frozen=True, slots=True)
class JsonRow:
    """One row of a file.

    Attributes:
        number: of the row, from 1. Lines of JSON Lines that are empty have numbers as well.
        value: what `json.loads` returns for it; `None` if it is no JSON.
        start, size: place of its text in the file, bytes.
        fault: why it is no JSON; `None` if it is.
    """

    number: int
    value: Any
    start: int
    size: int
    fault: str | None = None


def read_rows(path: Path) -> Iterator[JsonRow]:
    """Yield the rows of a file: elements of a JSON array, or lines of JSON Lines.

    A line that is no JSON is yielded with its fault, and the next line follows.

    Raises:
        SampleError: the file cannot be read, holds no row, or is no JSON beyond a row of an array,
            so that the rest of it cannot be read.
    """
    try:
        with path.open("rb") as file:
            if _first_byte(file) == b"[":
                rows = _Array(path, file)
                yield from rows
                count = rows.number
            else:
                count = 0
                for row in _lines(path, file):
                    count += 1
                    yield row
    except OSError as error:
        raise SampleError(f"{path} cannot be read: {error.strerror or error}") from error
    if not count:
        raise SampleError(f"{path} has no row; expected a JSON array or JSON Lines")


def decode_row(text: bytes, place: str) -> Any:
    """Return the value of one row.

    Raises:
        SampleError: it is not UTF-8, or not JSON.
    """
    try:
        return STRICT_JSON.decode(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SampleError(f"{place} is not JSON: {_reason(error)}") from error


def _first_byte(file: BinaryIO) -> bytes:
    """Return the first byte that is no space; the file is then at its beginning, behind a BOM."""
    start = file.read(len(codecs.BOM_UTF8))
    origin = len(start) if start == codecs.BOM_UTF8 else 0
    file.seek(origin)
    first = b" "
    while first and first.isspace():
        first = file.read(1)
    file.seek(origin)
    return first


def _lines(path: Path, file: BinaryIO) -> Iterator[JsonRow]:
    start = file.tell()
    number = 0
    while line := file.readline(MAX_ROW + 1):
        number += 1
        size = len(line)
        if size > MAX_ROW and not line.endswith(b"\n"):
            raise SampleError(
                f"{path}, row {number} is longer than {MAX_ROW:,} bytes; expected one sample a line"
            )
        if line.strip():
            try:
                yield JsonRow(number, STRICT_JSON.decode(line.decode("utf-8")), start, size)
            except (ValueError, RecursionError) as error:
                yield JsonRow(number, None, start, size, _reason(error))
        start += size


class _Array:
    """Reader of the elements of a JSON array.

    Attributes:
        number: of the row that was read last.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.number = 0
        self._path = path
        self._file = file
        self._start = file.tell()  # of what is not done with, bytes
        self._buffer = ""
        self._at = 0  # characters of the buffer that are done with
        self._text = codecs.getincrementaldecoder("utf-8")()
        self._ended = False

    def __iter__(self) -> Iterator[JsonRow]:
        self._skip()
        self._pass(1)  # the bracket
        self._skip()
        if self._next == "]":
            self._pass(1)
        else:
            while True:
                self.number += 1
                yield self._row()
                self._skip()
                after = self._next
                if after not in {",", "]"}:
                    raise SampleError(
                        f"{self._place} is not followed by ',' or ']'; the rest cannot be read"
                    )
                self._pass(1)
                self._skip()
                if after == "]":
                    break
        self._skip()
        if self._next:
            raise SampleError(f"{self._path} goes on after the array, behind row {self.number}")

    @property
    def _place(self) -> str:
        return f"{self._path}, row {self.number}"

    @property
    def _next(self) -> str:
        return self._buffer[self._at : self._at + 1]

    def _row(self) -> JsonRow:
        while True:
            try:
                value, end = STRICT_JSON.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._ended or self._is_broken(error):
                    reason = "the file ends within it" if self._ended else error.msg
                    raise SampleError(
                        f"{self._place} is not JSON: {reason}; the rest cannot be read"
                    ) from error
            except (ValueError, RecursionError) as error:
                raise SampleError(f"{self._place} is not JSON: {_reason(error)}") from error
            else:
                if end + LONGEST_NUMBER < len(self._buffer) or self._ended:
                    start = self._start
                    self._pass(end - self._at)
                    return JsonRow(self.number, value, start, self._start - start)
            self._more(2 * (len(self._buffer) - self._at))

    def _is_broken(self, error: json.JSONDecodeError) -> bool:
        """Return whether no more text can make the row valid."""
        if len(self._buffer) - self._at > MAX_ROW:
            return True
        unfinished = error.msg.startswith("Unterminated string")
        return not unfinished and error.pos + LONGEST_NUMBER < len(self._buffer)

    def _skip(self) -> None:
        """Pass spaces, reading on where the buffer has nothing else."""
        while True:
            found = SPACE.match(self._buffer, self._at)
            assert found is not None
            self._pass(found.end() - self._at)
            if self._next or self._ended:
                return
            self._more(PIECE)

    def _pass(self, count: int) -> None:
        self._start += len(self._buffer[self._at : self._at + count].encode())
        self._at += count

    def _more(self, size: int) -> None:
        piece = self._file.read(max(size, PIECE))
        self._ended = not piece
        try:
            self._buffer = self._buffer[self._at :] + self._text.decode(piece, final=self._ended)
            self._at = 0
        except UnicodeDecodeError as error:
            raise SampleError(
                f"{self._path}, row {max(self.number, 1)} or one after it is not UTF-8; save the "
                "file as UTF-8"
            ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1} of it"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error)
