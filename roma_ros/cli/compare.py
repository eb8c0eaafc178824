"""`roma compare`: size, memory, speed and quality of a bundle beside its source checkpoint."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roma_ros.cli.arguments import add_device_option
from roma_ros.cli.errors import CommandError, UsageError
from roma_ros.cli.parser import Commands, add_command
from roma_ros.cli.results import check_folder_of, table_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from roma_ros.quantize.comparison import BundleComparison

__all__ = ["add_to"]

TABLE_WIDTH = 120  # characters, in a file or pipe
WORLD_SIZE = (112, 112)  # pixels, of the frames that `roma eval world` renders
DETAILS = """\
Runs both on the same synthetic streams, each in its own process, and prints
size, memory, time per unit and token, and how far p(speak) and the alerts
differ. The figures are also written to the bundle's manifest.json, under
`quality`.
"""
EPILOG = """\
examples:
  roma compare roma_tiny tiny_nf4
  roma compare Qwen2.5-Omni-3B omni_nf4 --device cuda --json compared.json
  roma compare roma_tiny tiny_nf4 --eval 100

exit codes:
  0    compared
  1    a stream cannot be rendered, or a result cannot be written
  2    a wrong argument, or a model that cannot be loaded
  130  interrupted by Ctrl-C
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "compare",
        usage="[OPTIONS] SOURCE BUNDLE",
        summary="compare a bundle with its source checkpoint",
        details=DETAILS,
        epilog=EPILOG,
    )
    models = parser.add_argument_group("arguments")
    models.add_argument(
        "source", metavar="SOURCE", help="folder of the source checkpoint, or roma_tiny"
    )
    models.add_argument("bundle", metavar="BUNDLE", help="folder that `roma quantize` has written")
    options = parser.add_argument_group("comparison")
    options.add_argument(
        "--streams", type=int, default=8, help="streams of 20 s each (default: %(default)s)"
    )
    options.add_argument(
        "--eval",
        dest="eval_streams",
        type=int,
        metavar="N",
        help="also run `roma eval world` for both, on N streams per task",
    )
    add_device_option(options)
    output = parser.add_argument_group("output")
    output.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.set_defaults(command=_compare_models)


def _compare_models(arguments: argparse.Namespace) -> int:
    check_folder_of(arguments.json)
    if arguments.streams < 1:
        raise UsageError(f"--streams is {arguments.streams}; expected at least 1")
    # torch and transformers take seconds to import, and `roma --help` needs neither.
    from transformers.utils import logging as transformers_logging

    from roma_ros.quantize.errors import QuantizeError
    from roma_ros.thinker import ThinkerError
    from roma_ros.world import SpeechError, WorldError

    console = table_console(TABLE_WIDTH)
    transformers_logging.disable_progress_bar()
    try:
        _compare(arguments, console)
    except (SpeechError, WorldError, OSError) as error:
        raise CommandError(str(error)) from error
    except (QuantizeError, ThinkerError, ValueError) as error:
        raise UsageError(str(error)) from error
    return 0


def _compare(arguments: argparse.Namespace, console: Console) -> None:
    from roma_ros.quantize.benchmark import BenchmarkSettings, run_benchmark_in_subprocess
    from roma_ros.quantize.comparison import compare
    from roma_ros.thinker.bundle import Manifest, is_bundle
    from roma_ros.thinker.checkpoint import resolve_folder

    source, bundle = resolve_folder(arguments.source), resolve_folder(arguments.bundle)
    if not is_bundle(bundle):
        raise UsageError(
            f"BUNDLE {arguments.bundle} has no manifest.json; expected a folder that `roma "
            "quantize` has written, after its SOURCE"
        )
    manifest = Manifest.read(bundle)
    if arguments.eval_streams is not None and manifest.frame_size not in (None, WORLD_SIZE):
        raise UsageError(
            f"{arguments.bundle} takes frames of {manifest.frame_size} only, and --eval renders "
            "112x112; make the bundle with --frame-size 112x112 to evaluate it"
        )
    settings = BenchmarkSettings(
        streams=arguments.streams, frame_size=manifest.frame_size, device=arguments.device
    )
    results = []
    evaluations: dict[str, dict[str, float | None]] = {}
    for side, folder in (("source", source), ("bundle", bundle)):
        with console.status(f"{folder.name}: {settings.streams} streams"):
            results.append((folder, run_benchmark_in_subprocess(folder, settings)))
        if arguments.eval_streams is not None:
            with console.status(f"{folder.name}: roma eval world"):
                evaluations[side] = _evaluate(folder, arguments)
    comparison = compare(*results)
    figures: dict[str, Any] = comparison.as_dict()
    if evaluations:
        figures["eval"] = {"streams": arguments.eval_streams, **evaluations}
    console.print(_table(comparison, evaluations))
    replace(manifest, quality=figures).write(bundle)
    print(f"figures: {bundle / 'manifest.json'}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _evaluate(folder: Path, arguments: argparse.Namespace) -> dict[str, float | None]:
    """Return the figures of `roma eval world` by name; `None` for one without samples."""
    from roma_ros.evaluation.errors import EvaluationError
    from roma_ros.evaluation.metrics import compute_metrics
    from roma_ros.evaluation.protocol import Protocol
    from roma_ros.evaluation.world_run import evaluate_on_world
    from roma_ros.quantize.comparison import folder_bytes

    try:
        protocol = Protocol(streams=arguments.eval_streams)
        outcomes = evaluate_on_world(str(folder), protocol, device=arguments.device)
    except EvaluationError as error:
        raise UsageError(str(error)) from error
    metrics = compute_metrics(outcomes, protocol.triggers, folder_bytes(folder))
    return {
        metric.name: None if metric.value != metric.value else metric.value  # NaN is no JSON
        for metric in metrics
    }


def _table(comparison: BundleComparison, evaluations: dict[str, dict[str, float | None]]) -> Table:
    from rich.table import Table

    one, other = comparison.source, comparison.bundle
    table = Table(title=f"{other.name} compared with {one.name}, {comparison.units} units")
    table.add_column("figure")
    for column in (one.name, other.name, "change"):
        table.add_column(column, justify="right")

    def row(name: str, before: float, after: float) -> None:
        change = f"{after / before:.2f}x" if before else ""
        table.add_row(name, f"{before:,.1f}", f"{after:,.1f}", change)

    row("size on disk, MB", one.disk_bytes / 1e6, other.disk_bytes / 1e6)
    row("main memory, MB", one.resident_bytes / 1e6, other.resident_bytes / 1e6)
    row("peak main memory, MB", one.peak_bytes / 1e6, other.peak_bytes / 1e6)
    if one.device_bytes:
        row("peak GPU memory, MB", one.device_bytes / 1e6, other.device_bytes / 1e6)
    row("unit p50, ms", one.unit.p50, other.unit.p50)
    row("unit p99, ms", one.unit.p99, other.unit.p99)
    if one.token is not None and other.token is not None:
        row("token p50, ms", one.token.p50, other.token.p50)
        row("token p99, ms", one.token.p99, other.token.p99)
    if comparison.mean_change is not None:
        table.add_row("p(speak), mean change", "", "", f"{comparison.mean_change:.4f}")
        table.add_row("p(speak), max change", "", "", f"{comparison.max_change:.4f}")
        table.add_row(
            f"alerts ({comparison.fired_together} at the same units)",
            str(one.firings),
            str(other.firings),
            f"{comparison.trigger_agreement:.1%} agree",
        )
    for name, before in evaluations.get("source", {}).items():
        after = evaluations["bundle"][name]
        if before is not None and after is not None:
            table.add_row(name, f"{before:.3f}", f"{after:.3f}", f"{after - before:+.3f}")
    return table
