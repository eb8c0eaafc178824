"""Events of a run as JSON lines, in a file or on standard output."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from roma_ros.cli.source_time import SourceTime
from roma_ros.events import Event
from roma_ros.journal import Header, Record, encode

__all__ = ["STDOUT", "EventFile"]

STDOUT = Path("-")


class EventFile:
    """Writer of a header and one line per event; docs/events.md has the fields.

    Use as a context manager.

    Args:
        path: file to write; the first event truncates an existing one. `-`: standard output.
        header: source, model and watches of the run.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._header = header
        self._sequence = 0
        self._is_stdout = path == STDOUT
        self._file: BinaryIO = sys.stdout.buffer if self._is_stdout else path.open("ab")

    def __enter__(self) -> EventFile:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if not self._is_stdout:
            self._file.close()

    def take(self, event: Event, seconds: float, source: SourceTime | None = None) -> None:
        """Write an event that happened `seconds` after the run's beginning."""
        if not self._sequence:  # a run that cannot start keeps the last one's events
            if _is_regular(self._file):
                self._file.truncate(0)
            self._file.write(encode(self._header))
        self._sequence += 1
        record = Record(
            event=event,
            sequence=self._sequence,
            seconds=seconds,
            source="" if source is None else source.source,
            source_seconds=None if source is None else source.seconds,
        )
        self._file.write(encode(record))
        self._file.flush()


def _is_regular(file: BinaryIO) -> bool:
    """Return whether the file can be truncated: not a pipe, a terminal or a device."""
    try:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode) and file is not sys.stdout.buffer
    except (AttributeError, OSError):
        return False
