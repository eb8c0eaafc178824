"""`roma eval`: how well a checkpoint does."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from roma_ros.cli.arguments import add_device_option, add_model_option, add_trigger_options
from roma_ros.cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

__all__ = ["add_to"]

HELP = "measure a checkpoint on streams that it was never trained on"
TABLE_WIDTH = 160  # characters, in a file or pipe
MEANING = """\
Alerts, narrations and questions, in text and spoken, on worlds and voices of the test split,
through the same sessions and triggers as `roma run` and the ROS node. OUT gets every figure as
JSON; OUT_calibration.png and OUT_sweeps.png are written beside it.

A firing starts when the trigger goes off and ends with the run of units at or above the threshold.
An event is found if a firing starts in it. A firing that starts in no event is a false alarm, and a
false-alarm second is one with the alarm on and no event. A narration's sentence matches the end of
a segment that is at most one second away, one to one. Intervals are a bootstrap over worlds.

examples:
  roma eval world --out bench/eval.json
  roma eval world --model runs/2 --streams 40 --out quick.json
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("eval", help=HELP, description=f"{HELP.capitalize()}.")
    benchmarks = parser.add_subparsers(title="benchmarks", metavar="BENCHMARK", required=True)
    world = benchmarks.add_parser(
        "world",
        help="made-up streams with exact ground truth",
        description="Measure a checkpoint on made-up streams with exact ground truth.",
        epilog=MEANING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    world.add_argument("--out", type=Path, default=Path("eval.json"), help="(default: %(default)s)")
    add_model_option(world)
    add_device_option(world, default="cpu")
    world.add_argument(
        "--streams", type=int, default=500, help="of each task, at least (default: %(default)s)"
    )
    world.add_argument(
        "--seconds", type=int, default=20, help="length of a world (default: %(default)s)"
    )
    world.add_argument(
        "--seed", type=int, default=0, help="first world of the test split (default: %(default)s)"
    )
    add_trigger_options(world)
    world.add_argument(
        "--workers",
        type=int,
        default=2,
        help="processes of one thread each; 1: this one, with torch's threads (default: 2)",
    )
    world.set_defaults(command=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
    # torch, transformers and matplotlib take seconds to import, and `roma --help` needs none.
    from rich.console import Console
    from transformers.utils import logging as transformers_logging

    from roma_ros.evaluation.errors import EvaluationError
    from roma_ros.evaluation.plots import draw_calibration, draw_sweeps
    from roma_ros.evaluation.protocol import Protocol, TriggerSettings
    from roma_ros.evaluation.report import Report
    from roma_ros.evaluation.table import metrics_table
    from roma_ros.evaluation.world_run import evaluate_on_world
    from roma_ros.thinker import CheckpointError, JudgementError
    from roma_ros.thinker.checkpoint import resolve_folder
    from roma_ros.world import SpeechError, WorldError

    out: Path = arguments.out
    if not out.absolute().parent.is_dir():
        raise UsageError(f"{out.absolute().parent} is not a folder; make it first")
    if arguments.workers < 1:
        raise UsageError(f"--workers is {arguments.workers}; expected at least 1")
    begin = time.perf_counter()
    console = Console()
    if not console.is_terminal:
        console = Console(width=TABLE_WIDTH)
    try:
        protocol = Protocol(
            streams=arguments.streams,
            seconds=arguments.seconds,
            seed=arguments.seed,
            triggers=TriggerSettings(
                threshold=arguments.threshold,
                window=arguments.window,
                narration_threshold=arguments.narrate_threshold,
            ),
        )
        folder = resolve_folder(arguments.model)
        transformers_logging.disable_progress_bar()  # it would stay in the terminal
        with _progress(console) as progress:
            task = progress.add_task("following streams", total=None)
            outcomes = evaluate_on_world(
                str(folder),
                protocol,
                device=arguments.device,
                workers=arguments.workers,
                on_progress=lambda done, of: progress.update(task, completed=done, total=of),
            )
    except (WorldError, SpeechError, JudgementError) as error:
        raise CommandError(str(error)) from error
    except (CheckpointError, EvaluationError, ValueError) as error:
        raise UsageError(str(error)) from error
    wall = time.perf_counter() - begin
    report = Report.of(outcomes, protocol, folder, workers=arguments.workers, wall_seconds=wall)
    pictures = (
        out.with_name(f"{out.stem}_calibration.png"),
        out.with_name(f"{out.stem}_sweeps.png"),
    )
    try:
        report.write(out)
        draw_calibration(report, pictures[0])
        draw_sweeps(report, pictures[1])
    except OSError as error:
        raise CommandError(f"the results cannot be written: {error}") from error
    console.print(metrics_table(report.metrics, f"{folder.name} on the test split"))
    print(f"{wall:.0f} s; written to {out}, {pictures[0]} and {pictures[1]}")
    return 0


def _progress(console: Console) -> Progress:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
