"""`roma eval`: the quality of a checkpoint on a benchmark."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from roma_ros.cli import eval_score, eval_sweep
from roma_ros.cli.arguments import (
    add_context_policy_option,
    add_device_option,
    add_model_option,
    add_trigger_options,
)
from roma_ros.cli.errors import CommandError, UsageError
from roma_ros.cli.parser import Commands, add_command, add_commands
from roma_ros.cli.results import check_folder_of, table_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from roma_ros.evaluation.protocol import TriggerSettings
    from roma_ros.evaluation.report import Report
    from roma_ros.evaluation.stream_protocol import EvalSection, StreamProtocol
    from roma_ros.evaluation.stream_report import StreamReport

__all__ = ["add_to"]

TABLE_WIDTH = 160  # characters, in a file or pipe
EPILOG = """\
examples:
  roma eval world --out bench/eval.json
  roma eval world --model runs/2 --quick --out quick.json

`roma eval BENCHMARK --help` describes a benchmark.
"""
DETAILS = """\
Runs alerts, narrations and questions, written and spoken, on streams of the
test split, with the same sessions and triggers as `roma run` and the ROS
node. Writes all figures to OUT.json, and plots to OUT_*.png.

sections (--only):
  continuous      streams of 10 minutes, scene after scene with cuts and quiet
                  stretches: figures by the stream's age, each beside fresh
                  sessions on the same scenes
  long            two streams of 60 minutes: the same after minute 30, and step
                  time and memory of the last minute over minute 2
  quiet           30 minutes each of silence and black, of noise and a still
                  picture, and of --footage: false alarms and sentences
  recordings      nothing but --recordings for 10 min, an alert on each
  sights          what moves, lights and covers on --footage
  unknown         instructions with words that no checkpoint knows: false alarms
  twenty_seconds  the same tasks on worlds of 20 s, from a cold start
"""
WORLD_EPILOG = """\
how it counts:
  An alarm starts when the trigger goes off and ends with the run of units at
  or above the threshold. An event is found if an alarm starts in it; an alarm
  that starts in no event is a false alarm. A false-alarm second is one with
  the alarm on and no event. A sentence of a narration matches the end of a
  segment that is at most one second away, one to one; a cut ends a segment.
  Intervals are a bootstrap over streams.

examples:
  roma eval world --out bench/eval.json --recordings ESC-10 --footage clips
  roma eval world --model runs/2 --only continuous,twenty_seconds --streams 2
  roma eval world --model runs/2 --quick          about 3 minutes on one core

exit codes:
  0    evaluated
  1    a stream cannot be rendered or judged, or a result cannot be written
  2    a wrong argument, or a checkpoint that cannot be loaded
  130  interrupted by Ctrl-C
"""
QUICK = {
    "streams": 1,
    "stream_seconds": 360,
    "quiet_seconds": 120,
    "recording_seconds": 180,
    "cases": 8,
}
"""Values of `--quick` for options that are not given."""
FULL = {
    "streams": 5,
    "stream_seconds": 600,
    "quiet_seconds": 1800,
    "recording_seconds": 600,
    "cases": 250,
}
LONG_SECONDS = 3600


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
        "--only",
        metavar="SECTIONS",
        help="sections to run, separated by commas (default: all)",
    )
    streams.add_argument(
        "--quick",
        action="store_true",
        help="a small run without the section long; intervals are wide",
    )
    streams.add_argument(
        "--streams",
        type=int,
        help=f"continuous streams of each kind (default: {FULL['streams']})",
    )
    streams.add_argument(
        "--stream-seconds",
        type=int,
        metavar="SECONDS",
        help=f"length of these, s; 60 to 3600 (default: {FULL['stream_seconds']})",
    )
    streams.add_argument(
        "--cases",
        type=int,
        help=f"20-s streams per task, at least (default: {FULL['cases']})",
    )
    streams.add_argument(
        "--seconds",
        type=int,
        default=20,
        help="length of a 20-s stream, s; 5 to 60 (default: %(default)s)",
    )
    streams.add_argument(
        "--seed",
        type=int,
        default=0,
        help="number of the first stream of the test split (default: %(default)s)",
    )
    streams.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="folder of recorded sounds, such as ESC-10 or ESC-50 (default: none)",
    )
    streams.add_argument(
        "--footage",
        type=Path,
        metavar="DIR",
        help="folder of real video and audio files (default: none)",
    )
    window = world.add_argument_group("context window of the continuous streams")
    window.add_argument(
        "--context-seconds",
        type=float,
        metavar="SECONDS",
        help="length of the window, s (default: what the checkpoint was trained for)",
    )
    add_context_policy_option(window)
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
    eval_sweep.add_to(benchmarks)


def _evaluate(arguments: argparse.Namespace) -> int:
    # torch, transformers and matplotlib take seconds to import, and `roma --help` needs none.
    from transformers.utils import logging as transformers_logging

    from roma_ros.evaluation.errors import EvaluationError
    from roma_ros.evaluation.protocol import Protocol, TriggerSettings
    from roma_ros.evaluation.provenance import checkpoint_files
    from roma_ros.evaluation.report import Report
    from roma_ros.evaluation.results import as_results, write_results
    from roma_ros.evaluation.stream_protocol import EvalSection
    from roma_ros.evaluation.stream_report import StreamReport
    from roma_ros.evaluation.stream_run import evaluate_on_streams
    from roma_ros.evaluation.world_run import evaluate_on_world
    from roma_ros.thinker import CheckpointError, JudgementError
    from roma_ros.thinker.checkpoint import resolve_folder
    from roma_ros.world import SpeechError, WorldError

    out: Path = arguments.out
    check_folder_of(out)
    if arguments.workers < 1:
        raise UsageError(f"--workers is {arguments.workers}; expected at least 1")
    begin = time.perf_counter()
    console = table_console(TABLE_WIDTH)
    twenty = None
    try:
        triggers = TriggerSettings(
            threshold=arguments.threshold,
            window=arguments.window,
            narration_threshold=arguments.narrate_threshold,
        )
        streams = _stream_protocol(arguments, triggers)
        protocol = Protocol(
            streams=_size(arguments, "cases"),
            seconds=arguments.seconds,
            seed=arguments.seed,
            triggers=triggers,
        )
        folder = resolve_folder(arguments.model)
        transformers_logging.disable_progress_bar()  # it would stay in the terminal
        how = {"device": arguments.device, "workers": arguments.workers}
        with _progress(console) as progress:
            task = progress.add_task("continuous streams, seconds", total=None)
            outcomes = evaluate_on_streams(
                str(folder),
                streams,
                **how,
                on_progress=lambda done, of: progress.update(task, completed=done, total=of),
            )
            if streams.runs(EvalSection.TWENTY_SECONDS):
                short = progress.add_task(f"streams of {protocol.seconds} s", total=None)
                found = evaluate_on_world(
                    str(folder),
                    protocol,
                    **how,
                    on_progress=lambda done, of: progress.update(short, completed=done, total=of),
                )
                size = sum(checkpoint_files(folder).values())
                twenty = Report.of(found, protocol, size)
    except (WorldError, SpeechError, JudgementError) as error:
        raise CommandError(str(error)) from error
    except (CheckpointError, EvaluationError, ValueError) as error:
        raise UsageError(str(error)) from error
    wall = time.perf_counter() - begin
    report = StreamReport.of(outcomes, streams)
    results = as_results(folder, report, twenty, workers=arguments.workers, wall_seconds=wall)
    try:
        write_results(out, results)
        plots = _draw(out, report, twenty)
    except OSError as error:
        raise CommandError(f"results cannot be written: {error}") from error
    _print(console, folder.name, report, twenty)
    print(f"took {wall:.0f} s; results: {', '.join(map(str, (out, *plots)))}")
    return 0


def _size(arguments: argparse.Namespace, name: str) -> int:
    """Return the value of an option that `--quick` changes."""
    given: int | None = getattr(arguments, name, None)
    return (QUICK if arguments.quick else FULL)[name] if given is None else given


def _stream_protocol(arguments: argparse.Namespace, triggers: TriggerSettings) -> StreamProtocol:
    from roma_ros.evaluation.stream_protocol import Context, EvalSection, StreamProtocol

    return StreamProtocol(
        streams=_size(arguments, "streams"),
        seconds=_size(arguments, "stream_seconds"),
        long_seconds=LONG_SECONDS,
        quiet_seconds=_size(arguments, "quiet_seconds"),
        recording_seconds=_size(arguments, "recording_seconds"),
        seed=arguments.seed,
        context=Context(
            seconds=arguments.context_seconds,
            policy=None if arguments.context_policy == "auto" else arguments.context_policy,
        ),
        triggers=triggers,
        recordings=arguments.recordings,
        footage=arguments.footage,
        sections=tuple(
            section
            for section in _sections(arguments.only)
            if not (arguments.quick and arguments.only is None and section is EvalSection.LONG)
        ),
    )


def _sections(names: str | None) -> tuple[EvalSection, ...]:
    from roma_ros.evaluation.stream_protocol import EvalSection

    if names is None:
        return tuple(EvalSection)
    known = {section.value: section for section in EvalSection}
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in known:
            raise UsageError(f"--only has {name!r}; expected some of {','.join(known)}")
    return tuple(known[name] for name in wanted)


def _draw(out: Path, report: StreamReport, twenty: Report | None) -> list[Path]:
    """Draw all plots; return their paths."""
    from roma_ros.evaluation.plots import draw_calibration, draw_sweeps
    from roma_ros.evaluation.stream_plots import draw_ages, draw_p_speak

    def path(name: str) -> Path:
        plots.append(out.with_name(f"{out.stem}_{name}.png"))
        return plots[-1]

    plots: list[Path] = []
    if report.continuous:
        draw_ages(report.continuous, path("ages"))
        draw_p_speak(report.outcomes, report.protocol, path("p_speak"))
    if twenty is not None:
        draw_calibration(twenty, path("calibration"))
        draw_sweeps(twenty, path("sweeps"))
    return plots


def _print(console: Console, name: str, report: StreamReport, twenty: Report | None) -> None:
    from roma_ros.evaluation.stream_table import ages_table
    from roma_ros.evaluation.table import metrics_table

    if report.continuous:
        console.print(ages_table(report.continuous, f"{name} on continuous streams, by their age"))
    rows = [row for section in report.sections.values() for row in section]
    if rows:
        console.print(metrics_table(rows, f"{name} on long and quiet streams, real sounds, sights"))
    if twenty is not None:
        title = f"{name} on streams of {twenty.protocol.seconds} s from a cold start"
        console.print(metrics_table(twenty.metrics, title))
    for reason in report.outcomes.left_out:
        console.print(f"left out: {reason}")


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
