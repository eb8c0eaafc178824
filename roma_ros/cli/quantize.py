"""`roma quantize`: a checkpoint as a bundle for a robot, and what that costs."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roma_ros.cli.arguments import add_device_option, frame_size
from roma_ros.cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from roma_ros.quantize.bundle_writer import BundleOrder
    from roma_ros.quantize.comparison import BundleComparison

__all__ = ["add_to"]

HELP = "make a bundle for a robot out of a checkpoint, and compare the two"
TABLE_WIDTH = 120  # characters, in a file or pipe
MAX_PROMPT_BYTES = 32_768
WORLD_SIZE = (112, 112)  # of the pictures that `roma eval world` shows
RECIPES = """\
recipes
  nf4            backbone in 4 bits (bitsandbytes NF4, double quantisation)
  int8           backbone in 8 bits (bitsandbytes)
  gptq4          backbone in 4 bits by GPTQ, fitted to units (`make gptq` adds what it needs)
  onnx-int8      encoders in ONNX INT8, speak head in ONNX; the backbone as it is
  nf4-onnx-int8  nf4 and onnx-int8 together
  PATH.yaml      your own: backbone, lm_head, vision, audio, speak_head

Embeddings, LM head and speak head stay as the checkpoint has them unless the recipe says
otherwise. OUT is a model folder of its own, with a manifest that hashes every file: give it to
`roma run --model` or to the node as model:=OUT. An encoder in ONNX takes one shape of pictures:
that of --frame-size.

examples:
  roma quantize roma_tiny tiny_nf4 --recipe nf4 --compare
  roma quantize Qwen2.5-Omni-3B omni_jetson --recipe nf4-onnx-int8 --calibrate kitchen.mp4
  roma quantize ROMA roma_nf4 --recipe nf4 --system-prompt-file prompt.txt
  roma quantize --compare tiny_nf4 roma_tiny --eval 100 --json compared.json
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "quantize",
        help=HELP,
        description=f"{HELP.capitalize()}.",
        usage="roma quantize MODEL OUT --recipe RECIPE [options]\n"
        "       roma quantize --compare BUNDLE SOURCE [options]",
        epilog=RECIPES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "first",
        metavar="MODEL",
        help="folder of a checkpoint, or roma_tiny; to compare alone, a bundle",
    )
    parser.add_argument(
        "second",
        metavar="OUT",
        help="folder to write, a bundle's at most; to compare alone, the bundle's source",
    )
    parser.add_argument("--recipe", metavar="RECIPE", help="how each part is stored, see below")
    parser.add_argument(
        "--system-prompt-file",
        type=Path,
        metavar="F",
        help="first turn of every session, kept in the bundle",
    )
    parser.add_argument(
        "--calibrate",
        type=Path,
        nargs="+",
        default=[],
        metavar="CLIP",
        help="video or sound to calibrate with (default: streams of the made-up world)",
    )
    parser.add_argument(
        "--frame-size",
        type=frame_size,
        default=(640, 480),
        metavar="WxH",
        help="of the camera's pictures, for a vision encoder in ONNX (default: 640x480)",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="let the bundle and its source follow the same streams; figures go to its manifest",
    )
    parser.add_argument(
        "--streams", type=int, default=8, help="to compare on, 20 s each (default: %(default)s)"
    )
    parser.add_argument(
        "--eval",
        dest="evaluated",
        type=int,
        metavar="N",
        help="with --compare: also `roma eval world` on N streams of each task, for both",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="with --compare: the figures as JSON"
    )
    add_device_option(parser)
    parser.set_defaults(command=_quantize)


def _quantize(arguments: argparse.Namespace) -> int:
    _check(arguments)
    # torch, transformers and onnx take seconds to import, and `roma --help` needs none.
    from rich.console import Console
    from transformers.utils import logging as transformers_logging

    from roma_ros.quantize.bundle_writer import write_bundle
    from roma_ros.quantize.errors import QuantizeError
    from roma_ros.sources import SourceError
    from roma_ros.thinker import ThinkerError
    from roma_ros.world import SpeechError, WorldError

    console = Console()
    if not console.is_terminal:
        console = Console(width=TABLE_WIDTH)
    transformers_logging.disable_progress_bar()
    try:
        if arguments.recipe is None:
            _compare(arguments, console, bundle=arguments.first, source=arguments.second)
            return 0
        out = Path(arguments.second)
        with console.status("starting") as status:
            manifest = write_bundle(
                _order(arguments), out, on_step=lambda what: status.update(what)
            )
        print(f"{out}: {len(manifest.files)} files, {manifest.bytes / 1e6:,.1f} MB")
        if arguments.compare:
            _compare(arguments, console, bundle=str(out), source=arguments.first)
    except (SourceError, SpeechError, WorldError, OSError) as error:
        raise CommandError(str(error)) from error
    except (QuantizeError, ThinkerError, ValueError) as error:
        raise UsageError(str(error)) from error
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.recipe is None and not arguments.compare:
        raise UsageError("name a --recipe, or --compare a bundle with its source")
    if not arguments.compare and (arguments.evaluated is not None or arguments.json is not None):
        raise UsageError("--eval and --json go with --compare")
    if arguments.json is not None and not arguments.json.absolute().parent.is_dir():
        raise UsageError(f"{arguments.json.absolute().parent} is not a folder; make it first")
    if arguments.streams < 1:
        raise UsageError(f"--streams is {arguments.streams}; expected at least 1")


def _order(arguments: argparse.Namespace) -> BundleOrder:
    from roma_ros.quantize.bundle_writer import BundleOrder
    from roma_ros.quantize.recipe import Recipe

    prompt = None
    if (file := arguments.system_prompt_file) is not None:
        prompt = _prompt(file)
    return BundleOrder(
        model=arguments.first,
        recipe=Recipe.find(arguments.recipe),
        system_prompt=prompt,
        clips=tuple(arguments.calibrate),
        frame_size=arguments.frame_size,
    )


def _prompt(file: Path) -> str:
    try:
        if (size := file.stat().st_size) > MAX_PROMPT_BYTES:
            raise UsageError(
                f"{file} has {size} bytes; a system prompt has at most {MAX_PROMPT_BYTES}"
            )
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read as UTF-8 text: {error}") from error
    if not text:
        raise UsageError(f"{file} is empty; expected a system prompt")
    return text


def _compare(arguments: argparse.Namespace, console: Console, *, bundle: str, source: str) -> None:
    from roma_ros.quantize.benchmark import BenchmarkSettings, run_benchmark_in_subprocess
    from roma_ros.quantize.comparison import compare
    from roma_ros.thinker.bundle import Manifest, is_bundle
    from roma_ros.thinker.checkpoint import resolve_folder

    folders = {"source": resolve_folder(source), "bundle": resolve_folder(bundle)}
    if not is_bundle(folders["bundle"]):
        raise UsageError(f"{bundle} is no bundle; name a bundle first, and then its source")
    manifest = Manifest.read(folders["bundle"])
    settings = BenchmarkSettings(
        streams=arguments.streams, frame_size=manifest.frame_size, device=arguments.device
    )
    evaluated = {}
    if arguments.evaluated is not None and manifest.frame_size not in (None, WORLD_SIZE):
        raise UsageError(
            f"{bundle} takes pictures of {manifest.frame_size} alone, and `roma eval world` shows "
            "112x112; make the bundle with --frame-size 112x112 to evaluate it"
        )
    followed = {}
    for side, folder in folders.items():
        with console.status(f"{folder.name} follows {settings.streams} streams"):
            followed[side] = (folder, run_benchmark_in_subprocess(folder, settings))
        if arguments.evaluated is not None:
            with console.status(f"{folder.name} is evaluated"):
                evaluated[side] = _evaluate(folder, arguments)
    comparison = compare(followed["source"], followed["bundle"])
    figures: dict[str, Any] = comparison.as_dict()
    if evaluated:
        figures["eval"] = {"streams": arguments.evaluated, **evaluated}
    console.print(_table(comparison, evaluated))
    replace(manifest, quality=figures).write(folders["bundle"])
    print(f"the figures are kept in {folders['bundle'] / 'manifest.json'}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _evaluate(folder: Path, arguments: argparse.Namespace) -> dict[str, float | None]:
    """The figures of `roma eval world` by name; `None` for one with nothing to stand on."""
    from roma_ros.evaluation.errors import EvaluationError
    from roma_ros.evaluation.metrics import compute_metrics
    from roma_ros.evaluation.protocol import Protocol
    from roma_ros.evaluation.world_run import evaluate_on_world
    from roma_ros.quantize.comparison import folder_bytes

    try:
        protocol = Protocol(streams=arguments.evaluated)
        outcomes = evaluate_on_world(str(folder), protocol, device=arguments.device)
    except EvaluationError as error:
        raise UsageError(str(error)) from error
    metrics = compute_metrics(outcomes, protocol.triggers, folder_bytes(folder))
    return {
        metric.name: None if metric.value != metric.value else metric.value  # NaN is no JSON
        for metric in metrics
    }


def _table(comparison: BundleComparison, evaluated: dict[str, dict[str, float | None]]) -> Table:
    from rich.table import Table

    one, other = comparison.source, comparison.bundle
    table = Table(title=f"{other.name} beside {one.name}, {comparison.units} units")
    table.add_column("figure")
    for column in (one.name, other.name, "change"):
        table.add_column(column, justify="right")

    def row(name: str, before: float, after: float) -> None:
        change = f"{after / before:.2f}x" if before else ""
        table.add_row(name, f"{before:,.1f}", f"{after:,.1f}", change)

    row("on disk, MB", one.disk_bytes / 1e6, other.disk_bytes / 1e6)
    row("process, MB", one.resident_bytes / 1e6, other.resident_bytes / 1e6)
    row("process at most, MB", one.peak_bytes / 1e6, other.peak_bytes / 1e6)
    if one.device_bytes:
        row("GPU memory at most, MB", one.device_bytes / 1e6, other.device_bytes / 1e6)
    row("unit p50, ms", one.unit.p50, other.unit.p50)
    row("unit p99, ms", one.unit.p99, other.unit.p99)
    if one.token is not None and other.token is not None:
        row("token p50, ms", one.token.p50, other.token.p50)
        row("token p99, ms", one.token.p99, other.token.p99)
    if comparison.mean_change is not None:
        table.add_row("p(speak), mean change", "", "", f"{comparison.mean_change:.4f}")
        table.add_row("p(speak), max change", "", "", f"{comparison.max_change:.4f}")
        table.add_row(
            f"alert goes off ({comparison.fired_together} together)",
            str(one.firings),
            str(other.firings),
            f"{comparison.trigger_agreement:.1%} agree",
        )
    for name, before in evaluated.get("source", {}).items():
        after = evaluated["bundle"][name]
        if before is not None and after is not None:
            table.add_row(name, f"{before:.3f}", f"{after:.3f}", f"{after - before:+.3f}")
    return table
