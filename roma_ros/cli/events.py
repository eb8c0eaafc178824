"""`roma events`: print, filter, follow and export recorded events."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from roma_ros.cli.errors import CommandError, UsageError
from roma_ros.cli.event_export import FORMATS, export, format_of
from roma_ros.cli.event_reader import (
    EventTail,
    add_event_command,
    event_paths,
    given_or_only_journal,
    read_events,
)
from roma_ros.cli.event_text import EventLine
from roma_ros.cli.moment import Moment
from roma_ros.cli.parser import Commands
from roma_ros.cli.signals import stopping_on_signals
from roma_ros.cli.text import clock, one_line
from roma_ros.events import SpeakProbability, StreamStarted
from roma_ros.journal import KINDS, DamagedLine, Header, Line, Record
from roma_ros.watch import quoted

__all__ = ["DamagedLines", "add_to", "events"]

MAX_TABLE = 2_000  # rows; more events are printed as lines, without waiting for the last
POLL_PERIOD = 0.25  # seconds
MAX_DAMAGED = 10  # damaged lines that are reported one by one
STYLES = {"alert": "bold red", "narration": "cyan", "answer": "green", "fault": "yellow"}

DETAILS = """\
Reads a file of `roma run --events`, or the journal of a node. Prints a table
on a terminal, and plain lines elsewhere.
"""
EPILOG = """\
TIME is one of:
  12.5                seconds of the source or of the node's stream
  90s, 10m, 2h, 1d    ago
  2026-11-27T18:30    a date; local time, unless it has a time zone

Damaged lines, such as a crash may leave, are reported on standard error and
skipped.

examples:
  roma events events.jsonl
  roma events --follow                         the only node here, live
  roma events --kind alert --since 2h
  roma events events.jsonl --watch door --export door.csv

exit codes:
  0    success
  1    the export cannot be written, or no line can be read
  2    a wrong argument, or a missing file
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_event_command(
        commands,
        "events",
        summary="print, filter, follow and export recorded events",
        details=DETAILS,
        epilog=EPILOG,
    )
    selection = parser.add_argument_group("selection")
    selection.add_argument(
        "--kind",
        metavar="KIND",
        action="append",
        default=[],
        help=f"only events of this kind; repeatable: {', '.join(KINDS)} "
        "(default: all but speak_probability)",
    )
    selection.add_argument(
        "--watch",
        metavar="ID",
        action="append",
        default=[],
        help="only events of the watch with this id; repeatable",
    )
    selection.add_argument(
        "--since", metavar="TIME", type=_moment, help="only events from this time on"
    )
    selection.add_argument(
        "--until", metavar="TIME", type=_moment, help="only events before this time"
    )
    output = parser.add_argument_group("output")
    output.add_argument(
        "-f", "--follow", action="store_true", help="print new events as they come, until Ctrl-C"
    )
    output.add_argument(
        "--export",
        metavar="FILE",
        type=Path,
        help=f"write the events to a file, in the format of its suffix: {', '.join(FORMATS)}",
    )
    parser.set_defaults(command=events)


def _moment(argument: str) -> Moment:
    try:
        return Moment.parse(argument)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def events(arguments: argparse.Namespace) -> int:
    """Print or export events; returns the exit code.

    Raises:
        UsageError: a wrong argument, or a missing file.
        CommandError: no line can be read, or the export cannot be written.
    """
    for kind in arguments.kind:
        if kind not in KINDS:
            raise UsageError(f"--kind is {quoted(kind)}; expected one of {', '.join(KINDS)}")
    path = given_or_only_journal(arguments.path)
    damaged = DamagedLines()
    if arguments.export is not None:
        _export(arguments, path, damaged)
    elif arguments.follow:
        _follow(arguments, path, damaged)
    else:
        _show(_chosen(arguments, damaged.skipped(read_events(path))))
    damaged.finish()
    return 0


class DamagedLines:
    """Reporter of damaged lines on standard error."""

    def __init__(self) -> None:
        self._damaged = self._whole = 0

    def skipped(self, lines: Iterable[Line]) -> Iterator[Header | Record]:
        """Yield the whole lines, and report and skip the damaged ones."""
        for line in lines:
            if not isinstance(line, DamagedLine):
                self._whole += 1
                yield line
                continue
            self._damaged += 1
            if self._damaged <= MAX_DAMAGED:
                print(f"roma: {one_line(str(line))}", file=sys.stderr)

    def finish(self) -> None:
        """Report how many there were in all.

        Raises:
            CommandError: all lines were damaged.
        """
        if self._damaged > MAX_DAMAGED:
            print(f"roma: {self._damaged} damaged lines in all", file=sys.stderr)
        if self._damaged and not self._whole:
            raise CommandError(
                "no line can be read; expected a file of `roma run --events`, or a journal"
            )


def _chosen(
    arguments: argparse.Namespace, lines: Iterable[Header | Record]
) -> Iterator[Header | Record]:
    """Yield the headers, and the events that the arguments select."""
    kinds = set(arguments.kind) or set(KINDS) - {"speak_probability"}
    begin_ns = 0  # Unix time, by the last header
    for line in lines:
        if isinstance(line, Header):
            begin_ns = line.wall_ns
        elif line.kind not in kinds or (
            arguments.watch and getattr(line.event, "watch", "") not in arguments.watch
        ):
            continue
        else:
            dated = _dated(line, begin_ns)
            if arguments.since is not None and arguments.since.is_after(dated):
                continue
            if arguments.until is not None and not arguments.until.is_after(dated):
                continue
        yield line


def _dated(record: Record, begin_ns: int) -> Record:
    """Return the record with wall-clock time, which a file of `roma run` has in its header only."""
    if record.wall_ns is not None or not begin_ns or record.seconds is None:
        return record
    return replace(record, wall_ns=begin_ns + round(record.seconds * 1e9))


# --- printing ---


def _show(lines: Iterable[Header | Record]) -> None:
    console = Console()
    records = (line for line in lines if isinstance(line, Record))
    first = list(islice(records, MAX_TABLE + 1 if console.is_terminal else 1))
    if not first:
        print("roma: no events match", file=sys.stderr)
        return
    if not console.is_terminal or len(first) > MAX_TABLE:
        for record in chain(first, records):
            _print(console, record)
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("no.", "time", "event", "watch", "text"):
        table.add_column(name, justify="right" if name == "no." else "left", no_wrap=name != "text")
    for record in first:
        table.add_row(*_cells(record))
    console.print(table)


def _follow(arguments: argparse.Namespace, path: Path, damaged: DamagedLines) -> None:
    """Print events as lines as they come, until a signal."""
    console = Console()
    ended: list[bool] = []
    tail = EventTail(path)
    with stopping_on_signals(lambda: ended.append(True)):
        while not ended:
            for line in _chosen(arguments, damaged.skipped(tail.poll())):
                if isinstance(line, Record):
                    _print(console, line)
            time.sleep(POLL_PERIOD)


def _print(console: Console, record: Record) -> None:
    if console.is_terminal:
        console.print(Text("  ").join(_cells(record)))
    else:
        print(_plain(record), flush=True)


def _cells(record: Record) -> list[Text]:
    style = STYLES.get(record.kind, "")
    watch = one_line(getattr(record.event, "watch", ""))
    return [
        Text(str(record.sequence or ""), style="dim"),
        Text(_time(record)),
        Text(record.kind, style=style),
        Text(watch),
        Text(_text(record), style=style),
    ]


def _plain(record: Record) -> str:
    watch = one_line(getattr(record.event, "watch", ""))
    owner = f" {watch}" if watch else ""
    return f"{_time(record)}  {record.kind}{owner}: {_text(record)}"


def _time(record: Record) -> str:
    """Return the wall-clock time of an event, or else its time in the source."""
    if record.wall_ns is None:
        return "" if record.seconds is None else clock(record.seconds)
    local = datetime.fromtimestamp(record.wall_ns / 1e9).astimezone()
    return local.isoformat(sep=" ", timespec="seconds")


def _text(record: Record) -> str:
    event = record.event
    if isinstance(event, SpeakProbability):
        mark = " *" if event.triggered else ""
        return f"{event.p_speak:.3f} (threshold {event.threshold:g}){mark}"
    if isinstance(event, StreamStarted):
        return f"stream {event.stream} starts ({event.reason.value})"
    line = EventLine.of(event, record.seconds or 0.0)
    return "" if line is None else line.text


def _export(arguments: argparse.Namespace, path: Path, damaged: DamagedLines) -> None:
    target: Path = arguments.export
    format_of(target)
    if arguments.follow:
        raise UsageError("--export and --follow exclude each other; leave one out")
    if target.exists() and any(target.samefile(each) for each in event_paths(path)):
        raise UsageError(f"--export {target} is the file that is read; name another file")
    number = export(target, _chosen(arguments, damaged.skipped(read_events(path))))
    print(f"{target}: {number} events")
