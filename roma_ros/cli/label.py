"""`roma label`: a file of labels to correct by hand, from what a run published."""

from __future__ import annotations

import argparse
from pathlib import Path

from roma_ros.cli.errors import CommandError, UsageError
from roma_ros.cli.event_reader import read_events
from roma_ros.cli.parser import Commands, add_command
from roma_ros.journal import DamagedLine, Record

__all__ = ["add_to"]

DETAILS = """\
Alerts become labels from the first to the last unit of the run of units at or
above the threshold, narrations from the end of the one before, questions at
the time at which they were asked. Correct the file in a spreadsheet: delete
what is wrong, add what was missed.
"""
EPILOG = """\
examples:
  roma run clip.mp4 --watch "tell me when it rings" --events events.jsonl
  roma label clip.mp4 --from events.jsonl
  roma data build clips --clips . --labels clip.labels.csv --out train.jsonl

exit codes:
  0  the labels are written
  1  they cannot be written
  2  a wrong argument, a missing file, or no event in it
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "label",
        usage="[OPTIONS] CLIP --from EVENTS",
        summary="start a file of labels from what a run published",
        details=DETAILS,
        epilog=EPILOG,
    )
    arguments = parser.add_argument_group("arguments")
    arguments.add_argument("clip", metavar="CLIP", type=Path, help="video that was run")
    options = parser.add_argument_group("files")
    options.add_argument(
        "--from",
        dest="events",
        metavar="FILE",
        type=Path,
        required=True,
        help="file of `roma run CLIP --events`",
    )
    options.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="labels to write (default: CLIP with the suffix .labels.csv)",
    )
    options.add_argument(
        "--overwrite", action="store_true", help="replace a file of labels that exists"
    )
    parser.set_defaults(command=_label)


def _label(arguments: argparse.Namespace) -> int:
    from roma_ros.data import write_labels
    from roma_ros.data.event_labels import labels_of_events

    clip: Path = arguments.clip
    out: Path = arguments.out or clip.with_suffix(".labels.csv")
    if not clip.is_file():
        raise UsageError(f"CLIP is {clip}, which does not exist; expected a video")
    if not arguments.events.is_file():
        raise UsageError(f"--from is {arguments.events}, which does not exist; expected a file")
    if out.exists() and not arguments.overwrite:
        raise UsageError(f"{out} exists; --overwrite replaces it, and --out writes another")
    records = []
    damaged = 0
    for line in read_events(arguments.events):
        damaged += isinstance(line, DamagedLine)
        if isinstance(line, Record) and (not line.source or Path(line.source).name == clip.name):
            seconds = line.seconds if line.source_seconds is None else line.source_seconds
            records.append((line.event, seconds))
    labels = labels_of_events(clip.name, records)
    if not labels:
        raise UsageError(
            f"{arguments.events} has no alert, narration or answer of {clip.name} with a time; "
            "write one with `roma run CLIP --events FILE`"
        )
    try:
        count = write_labels(out, labels)
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from error
    damage = f"; {damaged} lines cannot be read" if damaged else ""
    print(f"{out}: {count} labels to check{damage}")
    return 0
