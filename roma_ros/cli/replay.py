"""`roma replay`: what other thresholds, windows and cooldowns would have done."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product

from rich.console import Console
from rich.table import Table

from roma_ros.cli.errors import UsageError
from roma_ros.cli.event_reader import add_event_command, given_or_found, read_events
from roma_ros.cli.events import Damaged
from roma_ros.cli.text import clock
from roma_ros.journal import RecordedUnit, RecordedWatch, ReplaySettings, recorded_watches
from roma_ros.watch import Watch, WatchError, WatchKind

__all__ = ["add_to", "replay"]

MAX_ROWS = 200  # combinations of settings
WIDE = 160  # characters, in a pipe
TIMES = 6  # times that are shown in a row

HELP = "what other thresholds would have done with a recorded run"
EXAMPLES = """\
examples:
  roma replay events.jsonl --threshold 0.3 0.5 0.7 0.9
  roma replay events.jsonl --watch door --threshold 0.6 --window 1 2 3 --cooldown 30
  roma replay ~/.ros/roma/roma/journal --threshold 0.8

Each row is a setting, and what would have come of it: how many alerts, or narrations, how many an
hour, and when. A setting that is left out is as it was recorded. p(speak) is not computed again.

The file needs events of the kind speak_probability: `roma run --events` writes them; a node's
journal does with journal.kinds: [alert, narration, answer, stream_started, speak_probability].

exit codes
  0  done
  1  nothing could be read
  2  a wrong argument, a file that is not there, or one without speak_probability
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_event_command(commands, "replay", HELP, EXAMPLES)
    parser.add_argument("--threshold", metavar="P", type=float, nargs="+", help="p(speak) to try")
    parser.add_argument("--window", metavar="UNITS", type=int, nargs="+", help="windows to try")
    parser.add_argument(
        "--cooldown", metavar="SECONDS", type=float, nargs="+", help="cooldowns to try"
    )
    parser.add_argument(
        "--watch", metavar="ID", action="append", default=[], help="only this; repeatable"
    )
    parser.set_defaults(command=replay)


def replay(arguments: argparse.Namespace) -> int:
    """Print a table; returns the exit code.

    Raises:
        UsageError: a wrong argument, or a file without what is needed.
        CommandError: nothing could be read.
    """
    settings = _settings(arguments)
    path = given_or_found(arguments.path)
    damaged = Damaged()
    found = recorded_watches(damaged.told(read_events(path)))
    damaged.finish()
    if not found:
        raise UsageError(
            f"{path} has no speak_probability of a watch, so there is nothing to replay; "
            "`roma run --events` writes them, and a node with speak_probability in journal.kinds"
        )
    _print([each for each in found if _is_chosen(each, arguments.watch, found)], settings)
    return 0


def _is_chosen(
    recording: RecordedWatch, names: Sequence[str], found: Sequence[RecordedWatch]
) -> bool:
    there = [each.watch for each in found]
    for name in names:
        if name not in there:
            raise UsageError(f"--watch {name[:64]!r}: there are {', '.join(there)}")
    return not names or recording.watch in names


def _settings(arguments: argparse.Namespace) -> list[ReplaySettings]:
    combinations = list(
        product(
            arguments.threshold or [None], arguments.window or [None], arguments.cooldown or [None]
        )
    )
    if combinations == [(None, None, None)]:
        raise UsageError("nothing to try: give --threshold, --window or --cooldown")
    if len(combinations) > MAX_ROWS:
        raise UsageError(f"{len(combinations)} combinations; at most {MAX_ROWS} are shown")
    for threshold, window, cooldown in combinations:
        try:  # a watch says best what is out of its range
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
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    for recording in chosen:
        name = recording.kind.value
        table = Table(
            title=f"{name} {recording.watch}, {len(recording.units)} units",
            title_justify="left",
            box=None,
            header_style="dim",
        )
        for column in ("threshold", "window", "cooldown", f"{name}s", "an hour"):
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
    """A narration has neither window nor cooldown."""
    if recording.kind is WatchKind.ALERT:
        return list(settings)
    return list(dict.fromkeys(ReplaySettings(threshold=each.threshold) for each in settings))


def _result(
    recording: RecordedWatch, units: Sequence[RecordedUnit], settings: ReplaySettings | None
) -> tuple[str, ...]:
    """The cells after the threshold."""
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
