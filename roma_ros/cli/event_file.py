"""The events of a run as JSON lines, in a file or on the standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from roma_ros.event_schema import Header, Record, encode
from roma_ros.events import Event

__all__ = ["STDOUT", "EventFile"]

STDOUT = Path("-")


class EventFile:
    """Writes a header, and one line for each event at once; docs/events.md tells the fields.

    Args:
        path: of the file; one that exists is emptied by the first event. `-`: standard output.
        header: what the events come from.

    Raises:
        OSError: it cannot be written.
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

    def take(self, event: Event, seconds: float) -> None:
        """Write an event that happened `seconds` after the source's beginning."""
        if not self._sequence:  # a run that cannot start leaves the last one's events alone
            if not self._is_stdout:
                self._file.truncate(0)
            self._file.write(encode(self._header))
        self._sequence += 1
        self._file.write(encode(Record(event=event, sequence=self._sequence, seconds=seconds)))
        self._file.flush()
