"""`roma events`: show, filter, follow and export the events of a run or of a node."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
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
    given_or_found,
    read_events,
)
from roma_ros.cli.event_text import EventLine
from roma_ros.cli.moment import Moment
from roma_ros.cli.signals import stopping_on_signals
from roma_ros.cli.text import clock, one_line
from roma_ros.events import SpeakProbability, StreamStarted
from roma_ros.journal import KINDS, DamagedLine, Header, Line, Record

__all__ = ["add_to", "events"]

MAX_TABLE = 2_000  # rows; more are shown as lines, at once
POLL_PERIOD = 0.25  # seconds
MAX_DAMAGED = 10  # damaged lines that are named one by one
STYLES = {"alert": "bold red", "narration": "cyan", "answer": "green", "fault": "yellow"}

HELP = "show, filter, follow and export the events of a run or of a node"
EXAMPLES = """\
examples:
  roma events events.jsonl                               what `roma run --events` has written
  roma events ~/.ros/roma/roma/journal -f                what a node does, as it happens
  roma events --kind alert --since 2h                    the alerts of the only node here
  roma events events.jsonl --export subtitles.srt
  roma events events.jsonl --watch door --export door.csv

TIMES
  12.5                seconds of the source, or of a node's stream
  90s, 10m, 2h, 1d    ago
  2026-11-27T18:30    a date; local time, unless it has a zone

Damaged lines, as a crash may leave them, are named on the standard error and passed over.

exit codes
  0  done
  1  the export could not be written, or nothing could be read
  2  a wrong argument, or a file that is not there
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_event_command(commands, "events", HELP, EXAMPLES)
    what = parser.add_argument_group("which events")
    what.add_argument(
        "--kind",
        metavar="KIND",
        action="append",
        default=[],
        help=f"only these: {', '.join(KINDS)}; repeatable (default: all but speak_probability)",
    )
    what.add_argument(
        "--watch", metavar="ID", action="append", default=[], help="only of this; repeatable"
    )
    what.add_argument("--since", metavar="TIME", type=_moment, help="only from this time on")
    what.add_argument("--until", metavar="TIME", type=_moment, help="only before this time")
    how = parser.add_argument_group("what to do with them")
    how.add_argument(
        "-f", "--follow", action="store_true", help="go on with those that come, until Ctrl-C"
    )
    how.add_argument(
        "--export", metavar="FILE", type=Path, help=f"write them: {', '.join(FORMATS)}"
    )
    parser.set_defaults(command=events)


def _moment(argument: str) -> Moment:
    try:
        return Moment.parse(argument)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def events(arguments: argparse.Namespace) -> int:
    """Show or export events; returns the exit code.

    Raises:
        UsageError: a wrong argument, or a file that is not there.
        CommandError: nothing could be read, or the export could not be written.
    """
    for kind in arguments.kind:
        if kind not in KINDS:
            raise UsageError(f"--kind {kind[:40]!r}: expected one of {', '.join(KINDS)}")
    path = given_or_found(arguments.path)
    damaged = Damaged()
    if arguments.export is not None:
        _export(arguments, path, damaged)
    elif arguments.follow:
        _follow(arguments, path, damaged)
    else:
        _show(_chosen(arguments, damaged.told(read_events(path))))
    damaged.finish()
    return 0


class Damaged:
    """Names damaged lines on the standard error."""

    def __init__(self) -> None:
        self._damaged = self._whole = 0

    def told(self, lines: Iterable[Line]) -> Iterator[Header | Record]:
        """The lines that are whole."""
        for line in lines:
            if not isinstance(line, DamagedLine):
                self._whole += 1
                yield line
                continue
            self._damaged += 1
            if self._damaged <= MAX_DAMAGED:
                print(f"roma: {one_line(str(line))}", file=sys.stderr)

    def finish(self) -> None:
        """Say how many more there were. Raises CommandError if nothing else was there."""
        if self._damaged > MAX_DAMAGED:
            print(f"roma: {self._damaged} damaged lines in all", file=sys.stderr)
        if self._damaged and not self._whole:
            raise CommandError("no line of it could be read; is it a file of events?")


def _chosen(
    arguments: argparse.Namespace, lines: Iterable[Header | Record]
) -> Iterator[Header | Record]:
    """Headers, and the events that were asked for."""
    kinds = set(arguments.kind) or set(KINDS) - {"speak_probability"}
    begun = 0  # by the last header
    for line in lines:
        if isinstance(line, Header):
            begun = line.wall_ns
        elif line.kind not in kinds or (
            arguments.watch and getattr(line.event, "watch", "") not in arguments.watch
        ):
            continue
        else:
            dated = _dated(line, begun)
            if arguments.since is not None and arguments.since.is_after(dated):
                continue
            if arguments.until is not None and not arguments.until.is_after(dated):
                continue
        yield line


def _is_of(record: Record, watches: Sequence[str]) -> bool:
    """Whether an event is of one of these watches, or of any if there are none."""
    return not watches or getattr(record.event, "watch", "") in watches


def _dated(record: Record, begun: int) -> Record:
    """The record with the computer's time: a file of `roma run` has that of its beginning only."""
    if record.wall_ns is not None or not begun or record.seconds is None:
        return record
    return replace(record, wall_ns=begun + round(record.seconds * 1e9))


# --- showing ---


def _show(lines: Iterable[Header | Record]) -> None:
    console = Console()
    records = (line for line in lines if isinstance(line, Record))
    first = list(islice(records, MAX_TABLE + 1 if console.is_terminal else 1))
    if not first:
        print("roma: there are no such events", file=sys.stderr)
        return
    if not console.is_terminal or len(first) > MAX_TABLE:
        for record in chain(first, records):
            _print(console, record)
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("no.", "time", "event", "watch", "what"):
        table.add_column(name, justify="right" if name == "no." else "left", no_wrap=name != "what")
    for record in first:
        table.add_row(*_cells(record))
    console.print(table)


def _follow(arguments: argparse.Namespace, path: Path, damaged: Damaged) -> None:
    """Lines, as they come, until a signal."""
    console = Console()
    ended: list[bool] = []
    tail = EventTail(path)
    with stopping_on_signals(lambda: ended.append(True)):
        while not ended:
            for line in _chosen(arguments, damaged.told(tail.poll())):
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
    """By the computer's clock in a journal, and by the source's in a file of a run."""
    if record.wall_ns is None:
        return "" if record.seconds is None else clock(record.seconds)
    local = datetime.fromtimestamp(record.wall_ns / 1e9).astimezone()
    return local.isoformat(sep=" ", timespec="seconds")


def _text(record: Record) -> str:
    event = record.event
    if isinstance(event, SpeakProbability):
        return f"{event.p_speak:.3f} of {event.threshold:g}" + (" *" if event.triggered else "")
    if isinstance(event, StreamStarted):
        return f"stream {event.stream} begins ({event.reason.value})"
    line = EventLine.of(event, record.seconds or 0.0)
    return "" if line is None else line.text


def _export(arguments: argparse.Namespace, path: Path, damaged: Damaged) -> None:
    target: Path = arguments.export
    format_of(target)
    if arguments.follow:
        raise UsageError("--export writes what is there; it does not go with --follow")
    if target.exists() and any(target.samefile(each) for each in event_paths(path)):
        raise UsageError(f"--export {target} is what is read; name another file")
    number = export(target, _chosen(arguments, damaged.told(read_events(path))))
    print(f"{number} events written to {target}")
