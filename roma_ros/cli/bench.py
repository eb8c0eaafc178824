"""`roma bench`: how fast a model is on this machine."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roma_ros.cli.arguments import (
    add_device_option,
    add_dtype_option,
    add_model_option,
    add_quantization_option,
)
from roma_ros.cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    import torch
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from roma_ros.thinker import RomaThinker

__all__ = ["add_to"]

HELP = "measure how fast a model is on this machine"
LIMIT = 10_000  # units, and seconds in sight
BUSY = 0.7  # of a core: with less, a CPU was not ours
GB = 1e9
MEANING = """\
A session is filled with as many seconds as it keeps in sight; then whole units of 1280x720 video
and sound are timed, by phase, and single tokens of answers. Speed does not depend on what weights
are, so --model-config measures a device without a download: the backbone and the encoders of the
released checkpoint, with random weights and roma_tiny's tokenizer. One thing does depend on them:
INT8 computes unusually large activations apart, and random weights have none.

Beforehand a probe finds what the machine reaches: bytes a second, operations a second. `roma plan
--measured` predicts from it, and shows the prediction beside the measurement.

examples:
  roma bench
  roma bench --model-config qwen2.5-omni-7b --random-weights --quantization nf4 --device cuda
  roma bench --model-config 3b --random-weights --dtype bfloat16 --units 3 --context-seconds 5
  roma bench --model /models/mine --json bench/mine_orin.json
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "bench",
        help=HELP,
        description="Seconds per unit by phase and per token, and memory, on this machine.",
        epilog=MEANING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group()
    add_model_option(source)
    source.add_argument(
        "--model-config",
        metavar="NAME",
        help="qwen2.5-omni-3b or -7b (3b, 7b), or a folder with config.json: sizes alone",
    )
    parser.add_argument(
        "--random-weights", action="store_true", help="say so: --model-config has no others"
    )
    add_quantization_option(parser)
    add_device_option(parser)
    add_dtype_option(parser)
    parser.add_argument("--units", type=int, default=20, help="to be timed (default: %(default)s)")
    parser.add_argument(
        "--context-seconds",
        type=int,
        help="that the session keeps in sight (default: what the checkpoint was trained for, or 60 "
        "where it does not say)",
    )
    parser.add_argument(
        "--pixels",
        type=int,
        help="largest area of a resized frame, with --model-config (default: 65536)",
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write everything to this file")
    parser.set_defaults(command=_bench)


def _bench(arguments: argparse.Namespace) -> int:
    # torch and transformers take seconds to import, and `roma --help` needs neither.
    from rich.console import Console
    from transformers.utils import logging as transformers_logging

    from roma_ros.planning import PlanningError
    from roma_ros.speed import (
        MissingTimingsError,
        RandomThinkerError,
        make_record,
        measure,
        probe,
    )
    from roma_ros.thinker import ThinkerError, set_torch_threads

    _check(arguments)
    console = Console()
    transformers_logging.disable_progress_bar()  # it would stay in the terminal
    try:
        with _progress(console) as progress:
            task = progress.add_task("loading", total=None)

            def tell(what: str, done: int, of: int) -> None:
                progress.update(task, description=what, completed=done, total=of)

            device, dtype = _place(arguments)
            thinker = _thinker(arguments, device, dtype, tell)
            set_torch_threads(thinker)
            if warning := thinker.context_warning(arguments.context_seconds):
                console.print(f"warning: {warning}", style="yellow", markup=False)
            progress.update(task, description="probing the machine", total=None)
            found = probe(device, dtype)
            measured = measure(
                thinker,
                units=arguments.units,
                context_seconds=arguments.context_seconds,
                on_progress=tell,
            )
    except (PlanningError, ThinkerError, RandomThinkerError, ValueError) as error:
        raise UsageError(str(error)) from error
    except MissingTimingsError as error:
        raise CommandError(str(error)) from error
    except (MemoryError, RuntimeError) as error:  # CUDA's own is a RuntimeError
        raise CommandError(f"it does not run on this machine: {error}") from error
    record = make_record(
        thinker,
        measured,
        found,
        model=arguments.model_config or arguments.model,
        random_weights=arguments.random_weights,
        quantization=arguments.quantization,
    )
    console.print(_table(record))
    console.print(_summary(record))
    if thinker.device.type == "cpu" and measured.cores_used < BUSY:
        console.print(
            f"the machine was busy: this process had {measured.cores_used:.2f} of a core, and the "
            "durations are longer than the model's own",
            style="yellow",
        )
    if arguments.json is not None:
        try:
            arguments.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{arguments.json} cannot be written: {error}") from error
        print(f"written to {arguments.json}")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    for name in ("units", "context_seconds"):
        value = getattr(arguments, name)
        if value is not None and not 1 <= value <= LIMIT:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is {value}; expected 1 to {LIMIT:,}")
    if arguments.random_weights and arguments.model_config is None:
        raise UsageError(
            "--random-weights needs the sizes of a model: --model-config 3b, 7b, or a folder"
        )
    if arguments.model_config is not None and not arguments.random_weights:
        raise UsageError(
            "--model-config gives sizes alone; add --random-weights, or give --model a checkpoint"
        )
    if arguments.pixels is not None and arguments.model_config is None:
        raise UsageError("--pixels goes with --model-config; a checkpoint has its own")
    if arguments.json is not None and not arguments.json.absolute().parent.is_dir():
        raise UsageError(f"{arguments.json.absolute().parent} is not a folder; make it first")


def _place(arguments: argparse.Namespace) -> tuple[torch.device, torch.dtype]:
    from roma_ros.thinker.placement import resolve_device, resolve_dtype

    device = resolve_device(arguments.device)
    return device, resolve_dtype(arguments.dtype, device)


def _thinker(
    arguments: argparse.Namespace,
    device: torch.device,
    dtype: torch.dtype,
    tell: Callable[[str, int, int], None],
) -> RomaThinker:
    from roma_ros.speed import make_random_thinker
    from roma_ros.thinker import Quantization, RomaThinker

    if arguments.model_config is None:
        return RomaThinker.from_pretrained(
            arguments.model,
            device=arguments.device,
            dtype=arguments.dtype,
            quantization=arguments.quantization,
        )
    return make_random_thinker(
        arguments.model_config,
        device=device,
        dtype=dtype,
        quantization=Quantization(arguments.quantization),
        max_pixels=arguments.pixels or 65_536,
        on_progress=lambda done, of: tell("making weights", done, of),
    )


def _table(record: dict[str, Any]) -> Table:
    from rich.table import Table

    settings, speed = record["settings"], record["speed"]
    kind = settings["dtype"] + (
        "" if settings["quantization"] == "none" else f", {settings['quantization']}"
    )
    table = Table(
        "phase",
        "p50 ms",
        "p99 ms",
        title=f"{settings['model']}, {kind}, on {record['machine']['name']}",
        caption=f"{speed['total']['n']} units of {settings['unit_tokens']} tokens, "
        f"{settings['seen_tokens']:,} in sight; {speed['token']['n']} single tokens",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for phase in ("features", "vision", "audio", "backbone", "head"):
        table.add_row(phase, *_cells(speed[phase]))
    table.add_section()
    table.add_row("one unit", *_cells(speed["total"]))
    table.add_row("one token", *_cells(speed["token"]))
    return table


def _cells(spread: dict[str, float]) -> tuple[str, str]:
    return f"{spread['p50']:,.1f}", f"{spread['p99']:,.1f}"


def _summary(record: dict[str, Any]) -> str:
    memory, probe = record["memory"], record["probe"]
    device = memory["device_peak"]
    peak = f"{device / GB:.2f} GB on the GPU" if device else "no GPU"
    return (
        f"real time factor {record['speed']['real_time_factor']:.2f} under one watch\n"
        f"weights {memory['weights'] / GB:.2f} GB, cache {memory['cache'] / GB:.2f} GB a watch; "
        f"at most {memory['process_peak'] / GB:.2f} GB in the process, {peak}\n"
        f"the machine reached {probe['bandwidth'] / GB:.1f} GB/s and "
        f"{probe['rate'] / 1e12:.2f} TFLOP/s, and starts an operation in "
        f"{probe['call_seconds'] * 1e6:.1f} µs"
    )


def _progress(console: Console) -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
