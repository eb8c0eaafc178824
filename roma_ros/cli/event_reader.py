"""Events of a file, or of a journal's folder: all that there are, and those that come."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from roma_ros.cli.errors import UsageError
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

__all__ = ["EventTail", "add_event_command", "event_paths", "given_or_found", "read_events"]

PIECE = 2**20  # bytes


def given_or_found(path: Path | None) -> Path:
    """The path that was given, or the journal of the only node that has one here.

    Raises:
        UsageError: it is not there; there is no journal; or there are several.
    """
    if path is not None:
        if not path.exists():
            raise UsageError(f"there is no file or folder {path}")
        return path
    journals = [f / JOURNAL for f in state_folders() if journal_paths(f / JOURNAL)]
    if len(journals) == 1:
        return journals[0]
    if not journals:
        raise UsageError(
            "no node has a journal here; name a file of `roma run --events`, or a journal's folder"
        )
    raise UsageError("several nodes have a journal, name one: " + ", ".join(map(str, journals)))


def event_paths(path: Path) -> list[Path]:
    """The files that a file or folder stands for, oldest first.

    Raises:
        UsageError: a folder is no journal, or cannot be read.
    """
    if not path.is_dir():
        return [path]
    try:
        paths = journal_paths(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not paths:
        raise UsageError(f"{path} is no journal: it has no files such as events-000000000001.jsonl")
    return paths


def read_events(path: Path) -> Iterator[Line]:
    """Read all lines of a file or a journal. Raises UsageError."""
    for each in event_paths(path):
        try:
            yield from read_lines(each)
        except OSError as error:
            raise UsageError(f"{each} cannot be read: {error.strerror}") from error


class EventTail:
    """Reads a file or a journal on, from where the last `poll` has come to.

    Args:
        path: of the file, or the journal's folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at: Path | None = None
        self._position = 0
        self._number = 0
        self._rest = b""

    def poll(self) -> Iterator[Line]:
        """Read the lines that are whole by now, and have not been read before."""
        for path in self._paths():
            if self._at is not None and path < self._at:
                continue
            if path != self._at:
                yield from self._give_up_rest()
                self._at, self._position, self._number = path, 0, 0
            yield from self._poll(path)

    def _paths(self) -> list[Path]:
        """A journal may have no file yet."""
        return journal_paths(self._path) if self._path.is_dir() else [self._path]

    def _poll(self, path: Path) -> Iterator[Line]:
        try:
            with path.open("rb") as file:
                if path.stat().st_size < self._position:  # written anew
                    self._position, self._number, self._rest = 0, 0, b""
                file.seek(self._position)
                while piece := file.read(PIECE):
                    self._position += len(piece)
                    *lines, self._rest = (self._rest + piece).split(b"\n")
                    yield from map(self._read, lines)
                    if len(self._rest) > MAX_LINE:
                        self._rest = self._rest[:MAX_LINE]
        except FileNotFoundError:
            return  # rotated away meanwhile
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error

    def _read(self, line: bytes) -> Line:
        self._number += 1
        try:
            return decode(line)
        except SchemaError as error:
            assert self._at is not None
            return DamagedLine(path=self._at, number=self._number, reason=str(error))

    def _give_up_rest(self) -> Iterator[Line]:
        """A line of the file before that nobody has ended."""
        if self._rest:
            yield self._read(self._rest)
        self._rest = b""


def add_event_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    about: str,
    examples: str,
) -> argparse.ArgumentParser:
    """Add a command that reads events, with the argument that says which file or journal."""
    parser = commands.add_parser(
        name,
        help=about,
        description=about[0].upper() + about[1:] + ".",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        type=Path,
        help="file of events, or folder of a journal (default: the journal of the only node here)",
    )
    return parser
