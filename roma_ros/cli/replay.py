"""`roma replay`: a recorded run under other thresholds, windows and cooldowns."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product

from rich.table import Table

from roma_ros.cli.errors import UsageError
from roma_ros.cli.event_reader import add_event_command, given_or_only_journal, read_events
from roma_ros.cli.events import DamagedLines
from roma_ros.cli.parser import Commands
from roma_ros.cli.results import table_console
from roma_ros.cli.text import clock
from roma_ros.journal import RecordedUnit, RecordedWatch, ReplaySettings, recorded_watches
from roma_ros.watch import Watch, WatchError, WatchKind, quoted

__all__ = ["add_to", "replay"]

MAX_ROWS = 200  # combinations of settings
TABLE_WIDTH = 160  # characters, in a file or pipe
TIMES = 6  # times that a row lists

DETAILS = """\
Prints a row for each combination of settings: how many alerts or narrations it
would have given, how many per hour, and when. A setting that is left out is as
recorded. p(speak) is read from the file, not computed again.
"""
EPILOG = """\
The file needs events of the kind speak_probability: `roma run --events` writes
them, and a node with journal.kinds: [alert, narration, answer, stream_started,
speak_probability].

examples:
  roma replay events.jsonl --threshold 0.3 0.5 0.7 0.9
  roma replay events.jsonl --watch door --threshold 0.6 --window 1 2 3
  roma replay ~/.ros/roma/roma/journal --threshold 0.8 --cooldown 30

exit codes:
  0    success
  1    no line can be read
  2    a wrong argument, a missing file, or one without speak_probability
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_event_command(
        commands,
        "replay",
        summary="apply other thresholds, windows and cooldowns to a recorded run",
        details=DETAILS,
        epilog=EPILOG,
    )
    settings = parser.add_argument_group("settings to try")
    settings.add_argument(
        "--threshold", metavar="P", type=float, nargs="+", help="p(speak) thresholds, 0 to 1"
    )
    settings.add_argument(
        "--window", metavar="UNITS", type=int, nargs="+", help="windows, in units (s)"
    )
    settings.add_argument(
        "--cooldown", metavar="SECONDS", type=float, nargs="+", help="cooldowns, s"
    )
    selection = parser.add_argument_group("selection")
    selection.add_argument(
        "--watch",
        metavar="ID",
        action="append",
        default=[],
        help="only the watch with this id; repeatable (default: all)",
    )
    parser.set_defaults(command=replay)


def replay(arguments: argparse.Namespace) -> int:
    """Print a table per watch; returns the exit code.

    Raises:
        UsageError: a wrong argument, or a file without speak_probability events.
        CommandError: no line can be read.
    """
    settings = _settings(arguments)
    path = given_or_only_journal(arguments.path)
    damaged = DamagedLines()
    found = recorded_watches(damaged.skipped(read_events(path)))
    damaged.finish()
    if not found:
        raise UsageError(
            f"{path} has no speak_probability of a watch; expected a file of `roma run --events`, "
            "or the journal of a node with speak_probability in journal.kinds"
        )
    _print([each for each in found if _is_chosen(each, arguments.watch, found)], settings)
    return 0


def _is_chosen(
    recording: RecordedWatch, names: Sequence[str], found: Sequence[RecordedWatch]
) -> bool:
    there = [each.watch for each in found]
    for name in names:
        if name not in there:
            raise UsageError(f"--watch is {quoted(name)}; expected one of {', '.join(there)}")
    return not names or recording.watch in names


def _settings(arguments: argparse.Namespace) -> list[ReplaySettings]:
    combinations = list(
        product(
            arguments.threshold or [None], arguments.window or [None], arguments.cooldown or [None]
        )
    )
    if combinations == [(None, None, None)]:
        raise UsageError("no settings to try; give --threshold, --window or --cooldown")
    if len(combinations) > MAX_ROWS:
        raise UsageError(
            f"the settings have {len(combinations)} combinations; expected at most {MAX_ROWS}"
        )
    for threshold, window, cooldown in combinations:
        try:  # a watch checks the ranges
            Watch(
                id="replay",
                kind=WatchKind.ALERT,
                instruction="replay",
                threshold=1.0 if threshold is None else threshold,
                window=1 if window is None else window,
                cooldown=0.0 if cooldown is None else cooldown,
            )
        except WatchError as error:
            raise UsageError(str(error).partition(": ")[2]) from error
    return [ReplaySettings(threshold=t, window=w, cooldown=c) for t, w, c in combinations]


def _print(chosen: Sequence[RecordedWatch], settings: Sequence[ReplaySettings]) -> None:
    console = table_console(TABLE_WIDTH)
    for recording in chosen:
        name = recording.kind.value
        table = Table(
            title=f"{name} {recording.watch}, {len(recording.units)} units",
            title_justify="left",
            box=None,
            header_style="dim",
        )
        for column in ("threshold", "window", "cooldown", f"{name}s", "per hour"):
            table.add_column(column, justify="right")
        table.add_column("when")
        table.add_row("as recorded", *_result(recording, recording.recorded, None))
        for each in _without_repeats(recording, settings):
            threshold = "as recorded" if each.threshold is None else f"{each.threshold:g}"
            table.add_row(threshold, *_result(recording, recording.replay(each), each))
        console.print(table)


def _without_repeats(
    recording: RecordedWatch, settings: Sequence[ReplaySettings]
) -> list[ReplaySettings]:
    """Return the settings that differ for the recording: narrations have a threshold only."""
    if recording.kind is WatchKind.ALERT:
        return list(settings)
    return list(dict.fromkeys(ReplaySettings(threshold=each.threshold) for each in settings))


def _result(
    recording: RecordedWatch, units: Sequence[RecordedUnit], settings: ReplaySettings | None
) -> tuple[str, ...]:
    """Return the cells of a row after the threshold."""
    window = recording.window if settings is None or settings.window is None else settings.window
    cooldown = (
        recording.cooldown if settings is None or settings.cooldown is None else settings.cooldown
    )
    known = recording.kind is WatchKind.ALERT and (recording.settings or settings)
    hourly = 3_600 * len(units) / len(recording.units)
    times = [clock(unit.seconds) if unit.seconds is not None else "?" for unit in units[:TIMES]]
    if len(units) > TIMES:
        times.append(f"and {len(units) - TIMES} more")
    return (
        str(window) if known else "",
        f"{cooldown:g} s" if known else "",
        str(len(units)),
        f"{hourly:.1f}",
        ", ".join(times),
    )
