"""Folder of an event journal: a bounded number of append-only files.

A file is named by the first sequence number that it may hold, so that names sort by time and no
file is renamed: `events-000000000001.jsonl`.
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
    """Return the files of a journal, oldest first; empty if there are none.

    Raises:
        OSError: the folder cannot be read.
    """
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def sequence_of(path: Path) -> int:
    """Return the first sequence number that a file of a journal may hold, by its name.

    Raises:
        ValueError: the file is not one of a journal.
    """
    found = _NAME.fullmatch(path.name)
    if found is None:
        raise ValueError(f"{path} is not a file of a journal")
    return int(found[1])


def line_sequence(line: bytes) -> int:
    """Return the sequence number of a line without decoding it; 0 if it has none."""
    found = _SEQUENCE.match(line)
    return int(found[1]) if found else 0


def lines_after(path: Path, sequence: int) -> Iterator[tuple[int, bytes]]:
    """Yield number and line, for numbers above `sequence`, by a binary search in the file.

    Yields nothing if the file was deleted meanwhile.

    Raises:
        OSError: the file cannot be read.
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
    """Return the next numbered line after a position, which may be within a line; 0: none."""
    if position >= 0:
        file.seek(max(0, position - 1))
        if position > 0:
            file.readline(MAX_LINE + 1)  # the rest of a line
    while line := file.readline(MAX_LINE + 1):
        if number := line_sequence(line):
            return number, line
    return 0, b""


class JournalFiles:
    """Writer of a journal's folder: appends lines to its newest file. For one thread.

    Args:
        folder: folder of the files; made if it is missing.
        max_bytes: size at which a new file is started [bytes].
        files: files that are kept; older ones are deleted.
        head: line that is written at the beginning of each file, and after each start.
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
        """Lock the folder, and return the newest sequence number in it; 0 if there is none.

        Raises:
            FileInUseError: the folder is locked already.
            OSError: the folder cannot be made or read.
        """
        make_private_folder(self.folder)
        if self._lock is None:
            self._lock = lock_file(self.folder / LOCK, str(self.folder))
        paths = journal_paths(self.folder)
        return max((_newest_sequence(path) for path in paths[-2:]), default=0)

    def append(self, lines: bytes, sequence: int) -> None:
        """Write whole lines, all of them or none.

        Args:
            lines: whole lines.
            sequence: first sequence number in them.

        Raises:
            OSError: the lines cannot be written.
        """
        if self._file is not None and os.fstat(self._file).st_nlink == 0:
            self._close_file()  # the file was deleted
        if self._file is None:
            self._open_file(sequence, len(lines))
        elif self._size + len(lines) > self._max_bytes:
            self.sync()
            self._close_file()
            self._begin_file(sequence)
        self._write(lines)

    def sync(self) -> None:
        """Sync the file to the disk, so that it survives a power cut.

        Raises:
            OSError: the file cannot be synced.
        """
        if self._file is not None:
            os.fsync(self._file)

    def close_after_error(self) -> None:
        """Close the file after an error, so that the next `append` opens it again."""
        self._close_file()

    def close(self) -> None:
        """Close the file and free the lock."""
        self._close_file()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _open_file(self, sequence: int, length: int) -> None:
        """Open the newest file, or start a new one."""
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
    """Return the last number in a file, a cut line's too; without one, its name's less one."""
    for line in _lines_backwards(path):
        if number := line_sequence(line):
            return number
    return sequence_of(path) - 1


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Yield lines from the last to the first; of one longer than MAX_LINE, only the end."""
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
