"""The folder of an event journal: files that are only ever appended to, a bounded number of them.

A file is named by the first sequence number that it may hold, so that the names sort by time and
nothing has to be renamed: `events-000000000001.jsonl`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from roma_ros.durable_file import lock_file, make_private_folder, sync_folder
from roma_ros.journal.lines import MAX_LINE

__all__ = ["JournalFiles", "journal_paths", "lines_after", "sequence_of"]

LOCK = "lock"
_NAME = re.compile(r"events-(\d{12,19})\.jsonl")
_SEQUENCE = re.compile(rb'\{"sequence": (\d{1,19}),')
_TAIL = 64 * 1024  # bytes that are read at once from a file's end


def journal_paths(folder: Path) -> list[Path]:
    """The files of a journal, oldest first; empty if there is none.

    Raises:
        OSError: the folder cannot be read.
    """
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def sequence_of(path: Path) -> int:
    """The first sequence number that a file of a journal may hold, by its name."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        raise ValueError(f"{path} is not a file of a journal")
    return int(found[1])


def line_sequence(line: bytes) -> int:
    """The sequence number of a line, without decoding it; 0 if it has none."""
    found = _SEQUENCE.match(line)
    return int(found[1]) if found else 0


def lines_after(path: Path, sequence: int) -> Iterator[tuple[int, bytes]]:
    """Numbered lines of a file with a higher number than `sequence`, without reading all of it.

    Nothing if the file has been deleted meanwhile. Raises OSError.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        low, high = 0, file.seek(0, os.SEEK_END)
        while high - low > _TAIL:
            middle = (low + high) // 2
            number, _ = _next_numbered(file, middle)
            if 0 < number <= sequence:
                low = middle
            else:
                high = middle
        number, line = _next_numbered(file, low)
        while number:
            if number > sequence:
                yield number, line
            number, line = _next_numbered(file)


def _next_numbered(file: BinaryIO, position: int = -1) -> tuple[int, bytes]:
    """The next line that has a number, from a position in any line on; 0 at the end."""
    if position >= 0:
        file.seek(max(0, position - 1))
        if position > 0:
            file.readline(MAX_LINE + 1)  # the rest of a line
    while line := file.readline(MAX_LINE + 1):
        if number := line_sequence(line):
            return number, line
    return 0, b""


class JournalFiles:
    """Appends lines to the newest file of a folder. For one thread.

    Args:
        folder: made if it is not there.
        max_bytes: size at which a new file is begun.
        files: how many are kept; the oldest are deleted.
        head: the line that each file begins with, and each opening.
    """

    def __init__(self, folder: Path, *, max_bytes: int, files: int, head: bytes = b"") -> None:
        self.folder = folder
        self.head = head
        self._max_bytes = max_bytes
        self._files = files
        self._lock: int | None = None
        self._file: int | None = None
        self._size = 0

    def open(self) -> int:
        """Lock the folder, and find the newest sequence number in it; 0 if there is none.

        Raises:
            FileInUseError: it is locked already.
            OSError: it cannot be made or read.
        """
        make_private_folder(self.folder)
        if self._lock is None:
            self._lock = lock_file(self.folder / LOCK, str(self.folder))
        paths = journal_paths(self.folder)
        return max((_newest_sequence(path) for path in paths[-2:]), default=0)

    def append(self, lines: bytes, sequence: int) -> None:
        """Write whole lines, all of them or none.

        Args:
            sequence: the first that stands in them.

        Raises:
            OSError: they cannot be written.
        """
        if self._file is not None and os.fstat(self._file).st_nlink == 0:
            self._close_file()  # somebody has deleted it
        if self._file is None:
            self._open_file(sequence, len(lines))
        elif self._size + len(lines) > self._max_bytes:
            self.sync()
            self._close_file()
            self._begin_file(sequence)
        self._write(lines)

    def sync(self) -> None:
        """Wait until all that was written would outlast a power cut. Raises OSError."""
        if self._file is not None:
            os.fsync(self._file)

    def give_up_file(self) -> None:
        """Close the file after an error, so that the next `append` opens it anew."""
        self._close_file()

    def close(self) -> None:
        """Close the file and free the lock."""
        self._close_file()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _open_file(self, sequence: int, length: int) -> None:
        """Go on with the newest file, or begin one."""
        make_private_folder(self.folder)
        paths = journal_paths(self.folder)
        if not paths or _size(paths[-1]) + len(self.head) + length > self._max_bytes:
            self._begin_file(sequence)
            return
        self._file = _opened(paths[-1])
        self._size = os.fstat(self._file).st_size
        cut = self._size > 0 and os.pread(self._file, 1, self._size - 1) != b"\n"
        self._write((b"\n" if cut else b"") + self.head)

    def _begin_file(self, sequence: int) -> None:
        path = self.folder / f"events-{sequence:012d}.jsonl"
        self._file = _opened(path)
        self._size = os.fstat(self._file).st_size
        self._write(self.head)
        os.fsync(self._file)
        sync_folder(self.folder)
        for old in journal_paths(self.folder)[: -self._files]:
            old.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        if self._file is None:
            raise RuntimeError("the journal's file is not open")
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, self._size)  # no half line
            raise
        self._size += len(data)

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _size(path: Path) -> int:
    return path.stat().st_size


def _newest_sequence(path: Path) -> int:
    """The highest number near a file's end, a cut line's too; at least its name's less one."""
    for line in _lines_backwards(path):
        if number := line_sequence(line):
            return number
    return sequence_of(path) - 1


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Lines from the last to the first; of one longer than MAX_LINE, only the end."""
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        rest = b""
        while position > 0:
            length = min(_TAIL, position)
            position = file.seek(position - length)
            first, *lines = (file.read(length) + rest).split(b"\n")
            yield from reversed(lines)
            rest = first if len(first) <= MAX_LINE else b""
        yield rest
