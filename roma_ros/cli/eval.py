"""`roma eval`: the quality of a checkpoint on a benchmark."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from roma_ros.cli import eval_score
from roma_ros.cli.arguments import add_device_option, add_model_option, add_trigger_options
from roma_ros.cli.errors import CommandError, UsageError
from roma_ros.cli.parser import Commands, add_command, add_commands

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

__all__ = ["add_to"]

TABLE_WIDTH = 160  # characters, in a file or pipe
EPILOG = """\
examples:
  roma eval world --out bench/eval.json
  roma eval world --model runs/2 --streams 40 --out quick.json

`roma eval BENCHMARK --help` describes a benchmark.
"""
DETAILS = """\
Runs alerts, narrations and questions, written and spoken, on worlds and
voices of the test split, with the same sessions and triggers as `roma run`
and the ROS node. Writes all figures to OUT.json, and plots to
OUT_calibration.png and OUT_sweeps.png.
"""
WORLD_EPILOG = """\
how it counts:
  An alarm starts when the trigger goes off and ends with the run of units at
  or above the threshold. An event is found if an alarm starts in it; an alarm
  that starts in no event is a false alarm. A false-alarm second is one with
  the alarm on and no event. A sentence of a narration matches the end of a
  segment that is at most one second away, one to one. Intervals are a
  bootstrap over worlds.

examples:
  roma eval world --out bench/eval.json
  roma eval world --model runs/2 --streams 40 --out quick.json
  roma eval world --streams 2 --seconds 10        a quick look

exit codes:
  0    evaluated
  1    a stream cannot be rendered or judged, or a result cannot be written
  2    a wrong argument, or a checkpoint that cannot be loaded
  130  interrupted by Ctrl-C
"""


def add_to(commands: Commands) -> None:
    """Add the command and its benchmarks."""
    parser = add_command(
        commands,
        "eval",
        usage="BENCHMARK ...",
        summary="evaluate a checkpoint on streams that it was not trained on",
        epilog=EPILOG,
    )
    benchmarks = add_commands(parser, title="benchmarks", metavar="BENCHMARK")
    world = add_command(
        benchmarks,
        "world",
        usage="[OPTIONS]",
        summary="evaluate a checkpoint on synthetic streams with exact ground truth",
        details=DETAILS,
        epilog=WORLD_EPILOG,
    )
    model = world.add_argument_group("model")
    add_model_option(model)
    add_device_option(model, default="cpu")
    streams = world.add_argument_group("streams")
    streams.add_argument(
        "--streams", type=int, default=500, help="streams per task, at least (default: %(default)s)"
    )
    streams.add_argument(
        "--seconds",
        type=int,
        default=20,
        help="length of a stream, s; 5 to 60 (default: %(default)s)",
    )
    streams.add_argument(
        "--seed",
        type=int,
        default=0,
        help="number of the first world of the test split (default: %(default)s)",
    )
    add_trigger_options(world.add_argument_group("triggers"))
    output = world.add_argument_group("execution and output")
    output.add_argument(
        "--workers",
        type=int,
        default=2,
        help="processes of one thread each; 1: this process, with torch's threads "
        "(default: %(default)s)",
    )
    output.add_argument(
        "--out",
        type=Path,
        default=Path("eval.json"),
        metavar="FILE",
        help="JSON file to write (default: %(default)s)",
    )
    world.set_defaults(command=_evaluate)
    eval_score.add_to(benchmarks)


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
        raise UsageError(f"{out.absolute().parent} is not a folder; create it first")
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
            task = progress.add_task("processing streams", total=None)
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
    plots = (
        out.with_name(f"{out.stem}_calibration.png"),
        out.with_name(f"{out.stem}_sweeps.png"),
    )
    try:
        report.write(out)
        draw_calibration(report, plots[0])
        draw_sweeps(report, plots[1])
    except OSError as error:
        raise CommandError(f"results cannot be written: {error}") from error
    console.print(
        metrics_table(report.metrics, f"{folder.name} on the test split of the synthetic world")
    )
    print(f"took {wall:.0f} s; results: {out}, {plots[0]}, {plots[1]}")
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
