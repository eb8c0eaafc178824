"""Readers of event files and journals: all events, or new ones as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from roma_ros.cli.errors import UsageError
from roma_ros.cli.parser import CommandParser, Commands, add_command
from roma_ros.journal import (
    MAX_LINE,
    DamagedLine,
    Line,
    SchemaError,
    decode,
    journal_paths,
    read_lines,
)
from roma_ros.state_folder import JOURNAL, state_folders

__all__ = ["EventTail", "add_event_command", "event_paths", "given_or_only_journal", "read_events"]

PIECE = 2**20  # bytes


def given_or_only_journal(path: Path | None) -> Path:
    """Return the given path, or else the journal of the only node on this machine.

    Args:
        path: file or journal folder; `None`: look for a journal.

    Raises:
        UsageError: the path does not exist, or there is no journal, or there are several.
    """
    if path is not None:
        if not path.exists():
            raise UsageError(f"PATH {path} does not exist; expected a file or a folder")
        return path
    journals = [f / JOURNAL for f in state_folders() if journal_paths(f / JOURNAL)]
    if len(journals) == 1:
        return journals[0]
    if not journals:
        raise UsageError(
            "no node has a journal on this machine; give PATH: a file of `roma run --events`, or a "
            "journal folder"
        )
    raise UsageError(
        "several nodes have a journal; give one as PATH: " + ", ".join(map(str, journals))
    )


def event_paths(path: Path) -> list[Path]:
    """Return the files of a journal folder, oldest first; for a file, the file itself.

    Raises:
        UsageError: the folder is no journal, or cannot be read.
    """
    if not path.is_dir():
        return [path]
    try:
        paths = journal_paths(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not paths:
        raise UsageError(
            f"{path} is no journal; expected files such as events-000000000001.jsonl in it"
        )
    return paths


def read_events(path: Path) -> Iterator[Line]:
    """Read all lines of a file or a journal.

    Raises:
        UsageError: a file cannot be read.
    """
    for each in event_paths(path):
        try:
            yield from read_lines(each)
        except OSError as error:
            raise UsageError(f"{each} cannot be read: {error.strerror}") from error


class EventTail:
    """Reader that continues a file or a journal from where its last `poll` has stopped.

    Args:
        path: event file or journal folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at: Path | None = None
        self._position = 0
        self._number = 0
        self._rest = b""

    def poll(self) -> Iterator[Line]:
        """Read the lines that have been completed since the last call.

        Raises:
            UsageError: a file cannot be read.
        """
        for path in self._paths():
            if self._at is not None and path < self._at:
                continue
            if path != self._at:
                yield from self._flush_rest()
                self._at, self._position, self._number = path, 0, 0
            yield from self._poll(path)

    def _paths(self) -> list[Path]:
        """Return the files that exist; a journal may have none yet."""
        return journal_paths(self._path) if self._path.is_dir() else [self._path]

    def _poll(self, path: Path) -> Iterator[Line]:
        try:
            with path.open("rb") as file:
                if path.stat().st_size < self._position:  # overwritten
                    self._position, self._number, self._rest = 0, 0, b""
                file.seek(self._position)
                while piece := file.read(PIECE):
                    self._position += len(piece)
                    *lines, self._rest = (self._rest + piece).split(b"\n")
                    yield from map(self._read, lines)
                    if len(self._rest) > MAX_LINE:
                        self._rest = self._rest[:MAX_LINE]
        except FileNotFoundError:
            return  # removed by rotation meanwhile
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error

    def _read(self, line: bytes) -> Line:
        self._number += 1
        try:
            return decode(line)
        except SchemaError as error:
            assert self._at is not None
            return DamagedLine(path=self._at, number=self._number, reason=str(error))

    def _flush_rest(self) -> Iterator[Line]:
        """Read the rest of the previous file as a line: it will not be completed."""
        if self._rest:
            yield self._read(self._rest)
        self._rest = b""


def add_event_command(
    commands: Commands, name: str, *, summary: str, details: str, epilog: str
) -> CommandParser:
    """Add a command that reads events, with its PATH argument.

    Args:
        commands: the commands of the parent parser.
        name: word on the command line.
        summary, details, epilog: texts of the help, as for `add_command`.
    """
    parser = add_command(
        commands, name, usage="[OPTIONS] [PATH]", summary=summary, details=details, epilog=epilog
    )
    arguments = parser.add_argument_group("arguments")
    arguments.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        type=Path,
        help="file of `roma run --events`, or journal folder of a node (default: the journal of "
        "the only node on this machine)",
    )
    return parser
