"""`roma data`: build files of samples from clips and public data sets, and check them."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from roma_ros.cli.errors import CommandError, UsageError
from roma_ros.cli.parser import Commands, add_command, add_commands
from roma_ros.cli.results import check_folder_of

if TYPE_CHECKING:
    from roma_ros.data import BuildReport, Row, SkipLog

__all__ = ["add_to"]

CLIPS = "clips"
SETS = {
    "didemo": "DiDeMo: alerts",
    "oops": "OOPS: alerts",
    "charades_sta": "Charades-STA: alerts",
    "qvhighlights": "QVHighlights: alerts",
    "mmduetit": "MMDuetIT: alerts, narrations, questions",
    "coin": "COIN: narrations",
    "youcook2": "YouCook2: narrations",
    "activitynet": "ActivityNet Captions: narrations",
    "streamo": "Streamo: narrations and questions, from states",
    "internvid": "InternVid: questions",
    "cogstream": "CogStream: questions",
    "streamingbench": "StreamingBench: questions, cues",
    "ovo_bench": "OVO-Bench: alerts, narrations, questions",
    "video_mme": "Video-MME: questions",
    "egoschema": "EgoSchema: questions",
}
"""Name of a data set -> title; those of `roma_ros.data.sources`, whose import takes a second."""
SUFFIXES = (".json", ".jsonl")
PROGRESS_PERIOD = 5.0  # seconds
EPILOG = """\
examples:
  roma data build clips --clips kitchen/ --labels labels.csv --out train.jsonl
  roma data build coin --annotations COIN.json --videos coin/ --out coin.jsonl
  roma data check train.jsonl

`roma data ACTION --help` describes an action.
"""
BUILD_DETAILS = """\
NAME is clips, for your own clips with a CSV or JSON file of labels, or a
public data set:
"""
BUILD_MORE = """\
Beside OUT.jsonl it writes OUT.report.json with counts, and OUT.sheet.png with
ten samples at random. Rows that cannot be used are skipped, named on standard
error and counted. docs/data.md has the formats.
"""
BUILD_EPILOG = """\
examples:
  roma data build clips --clips kitchen/ --labels labels.csv --out train.jsonl
  roma data build charades_sta --annotations charades_sta_train.txt \\
      --videos Charades_v1/ --out train.jsonl --spoken

exit codes:
  0  the samples are written
  1  no sample could be made, or a file cannot be written
  2  a wrong argument, a missing file, or with --strict an unusable row
"""
CHECK_DETAILS = """\
Every row is validated, and the video of every sample looked at: whether it is
there, can be opened, is long enough and has sound.
"""
CHECK_EPILOG = """\
examples:
  roma data check train.jsonl
  roma data check train.jsonl --strict

exit codes:
  0  every sample can be used
  1  some cannot
  2  a wrong argument, or a file that cannot be read
"""


def add_to(commands: Commands) -> None:
    """Add the command and its actions."""
    parser = add_command(
        commands,
        "data",
        usage="ACTION ...",
        summary="build files of samples for training, and check them",
        epilog=EPILOG,
    )
    actions = add_commands(parser, title="actions", metavar="ACTION")
    _add_build(actions)
    check = add_command(
        actions,
        "check",
        usage="[OPTIONS] FILE",
        summary="validate a file of samples and the videos that it names",
        details=CHECK_DETAILS,
        epilog=CHECK_EPILOG,
    )
    arguments = check.add_argument_group("arguments")
    arguments.add_argument("file", metavar="FILE", type=Path, help="samples, .json or .jsonl")
    _add_row_options(check.add_argument_group("rows"))
    check.set_defaults(command=_check)


def _add_build(actions: Commands) -> None:
    listed = "".join(f"  {name:<16}{title}\n" for name, title in SETS.items())
    build = add_command(
        actions,
        "build",
        usage="[OPTIONS] NAME --out OUT.jsonl",
        summary="build a file of samples from annotations and videos",
        details=f"{BUILD_DETAILS}{listed}{BUILD_MORE}",
        epilog=BUILD_EPILOG,
    )
    arguments = build.add_argument_group("arguments")
    arguments.add_argument(
        "name", metavar="NAME", choices=(CLIPS, *SETS), help="clips, or a public data set"
    )
    files = build.add_argument_group("files")
    files.add_argument("--clips", metavar="FOLDER", type=Path, help="folder of your own clips")
    files.add_argument(
        "--labels",
        metavar="FILE",
        type=Path,
        help="labels of your clips: CSV or JSON with file, kind, text, start, end, answer; "
        "subtitles beside a clip (.srt, .vtt) are taken as narrations without it",
    )
    files.add_argument(
        "--annotations",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="annotation file of a public data set; repeatable",
    )
    files.add_argument("--videos", metavar="FOLDER", type=Path, help="folder of its videos")
    files.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        required=True,
        help="samples to write: .jsonl, or .json for an array",
    )
    content = build.add_argument_group("samples")
    content.add_argument(
        "--spoken", action="store_true", help="speak instructions and questions, in varied voices"
    )
    content.add_argument(
        "--voices",
        choices=("train", "validation", "test"),
        default="train",
        help="voices to draw from; the three share none (default: %(default)s)",
    )
    content.add_argument(
        "--negatives",
        type=float,
        metavar="SHARE",
        help="alerts for events that do not happen in the video, for each that does "
        "(default: 0.25; for clips 0)",
    )
    content.add_argument(
        "--letters",
        action="store_true",
        help="ask multiple-choice questions with their options, and answer with the letter",
    )
    content.add_argument(
        "--keep-gaps",
        action="store_true",
        help="keep the stretches of narrated videos that have no label (default for clips)",
    )
    content.add_argument(
        "--cut-gaps",
        action="store_true",
        help="cut them out, and join the segments (default for public data sets)",
    )
    content.add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of wording, negatives and voices (default: %(default)s)",
    )
    _add_row_options(build.add_argument_group("rows"))
    build.set_defaults(command=_build)


def _add_row_options(options: argparse._ArgumentGroup) -> None:
    options.add_argument(
        "--strict", action="store_true", help="stop at the first row that cannot be used"
    )
    options.add_argument(
        "--allow-silent", action="store_true", help="use videos that have no sound"
    )


def _build(arguments: argparse.Namespace) -> int:
    from roma_ros.data import BuildOptions, DataError, SkipLog, VideoFolder, build_samples
    from roma_ros.world import Split

    out: Path = arguments.out
    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--out is {out}; expected a name that ends in .jsonl or .json")
    check_folder_of(out)
    if arguments.keep_gaps and arguments.cut_gaps:
        raise UsageError("--keep-gaps and --cut-gaps are both given; expected one of them")
    is_clips = arguments.name == CLIPS
    folder = _folder(arguments, is_clips)
    log = SkipLog(strict=arguments.strict)
    negatives = arguments.negatives
    try:
        options = BuildOptions(
            seed=arguments.seed,
            negatives=(0.0 if is_clips else 0.25) if negatives is None else negatives,
            spoken=arguments.spoken,
            split=Split[arguments.voices.upper()],
            letters=arguments.letters,
            keep_gaps=arguments.keep_gaps or (is_clips and not arguments.cut_gaps),
            allow_silent=arguments.allow_silent,
        )
        videos = VideoFolder(folder)
        rows = _clip_rows(arguments, log) if is_clips else _set_rows(arguments, log)
        report = build_samples(rows, videos, out, options, log, _progress(len(rows)))
    except (DataError, ValueError) as error:
        raise UsageError(str(error)) from error
    if not report.total:
        raise CommandError(f"no sample could be made: {log.summary()}")
    print(report.describe())
    _write_report(out, report, log)
    print(f"{out}: {log.summary()}")
    return 0


def _folder(arguments: argparse.Namespace, is_clips: bool) -> Path:
    wanted, other = ("clips", "videos") if is_clips else ("videos", "clips")
    folder: Path | None = getattr(arguments, wanted)
    if folder is None:
        raise UsageError(f"--{wanted} is missing; `roma data build {arguments.name}` needs it")
    if getattr(arguments, other) is not None:
        raise UsageError(f"--{other} is given; `roma data build {arguments.name}` takes --{wanted}")
    if is_clips and arguments.annotations:
        raise UsageError("--annotations is given; `roma data build clips` takes --labels")
    if not is_clips and arguments.labels is not None:
        raise UsageError("--labels is given; public data sets take --annotations")
    return folder


def _clip_rows(arguments: argparse.Namespace, log: SkipLog) -> list[Row]:
    from roma_ros.data import clip_rows, read_labels

    labels = [] if arguments.labels is None else list(read_labels(arguments.labels, log))
    return clip_rows(arguments.clips, labels, log)


def _set_rows(arguments: argparse.Namespace, log: SkipLog) -> list[Row]:
    from roma_ros.data.sources import SOURCES

    if not arguments.annotations:
        raise UsageError(f"--annotations is missing; `roma data build {arguments.name}` needs it")
    return list(SOURCES[arguments.name](arguments.annotations, log))


def _write_report(out: Path, report: BuildReport, log: SkipLog) -> None:
    from roma_ros.data.report import draw_contact_sheet

    counts, sheet = out.with_suffix(".report.json"), out.with_suffix(".sheet.png")
    values = {
        **report.to_json(),
        "kept": log.kept,
        "skipped": dict(log.skipped),
        "changed": dict(log.changed),
    }
    counts.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    draw_contact_sheet(report.chosen, out.parent, sheet)
    print(f"{counts}, {sheet}: report")


def _check(arguments: argparse.Namespace) -> int:
    from roma_ros.data import BuildReport, DataError, SkipLog, check_videos, iterate_samples
    from roma_ros.data.videos import length_of

    path: Path = arguments.file
    log = SkipLog(strict=arguments.strict)
    report = BuildReport(seed=0, folder=path.parent)
    try:
        samples = iterate_samples(path, log)
        for sample in check_videos(samples, path.parent, log, allow_silent=arguments.allow_silent):
            report.add(sample, length_of(sample, path.parent))
    except DataError as error:
        raise UsageError(str(error)) from error
    log.kept = report.total
    print(report.describe())
    print(f"{path}: {log.summary()}")
    return 1 if log.skipped else 0


def _progress(total: int) -> Callable[[int], None]:
    """Return a function that prints the number of rows that are done, every few seconds."""
    last = time.monotonic()

    def show(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_PERIOD:
            last = time.monotonic()
            print(f"{done:,} of {total:,} rows", file=sys.stderr)

    return show
