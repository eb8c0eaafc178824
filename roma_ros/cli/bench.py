"""`roma bench`: the speed of a model on this machine."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roma_ros.cli.arguments import (
    add_context_policy_option,
    add_device_option,
    add_dtype_option,
    add_model_option,
    add_quantization_option,
)
from roma_ros.cli.errors import CommandError, UsageError
from roma_ros.cli.parser import Commands, add_command
from roma_ros.cli.results import check_folder_of

if TYPE_CHECKING:
    import torch
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from roma_ros.thinker import RomaThinker

__all__ = ["add_to"]

LIMIT = 10_000  # units, and seconds of context
BUSY = 0.7  # of a core: with less, other processes have slowed this one
GB = 1e9
DETAILS = """\
Fills the context window, then times whole units (two 1280x720 frames and one
second of audio) by phase, and single tokens of answers. The phase handover is
the second context that replaces a full one. First it probes what
the machine reaches in bytes and operations per second, from which `roma plan
--measured` predicts the same figures.
"""
EPILOG = """\
Speed hardly depends on the weights, so --model-config measures a model
without downloading it: the released architecture with random weights and
roma_tiny's tokenizer. INT8 is the exception: it treats unusually large
activations separately, and random weights produce none.

examples:
  roma bench
  roma bench --model /models/mine --json bench/mine_orin.json
  roma bench --model-config 7b --quantization nf4 --device cuda
  roma bench --model-config 3b --dtype bfloat16 --units 3 --context-seconds 5

exit codes:
  0    measured
  1    the model does not run on this machine, or --json cannot be written
  2    a wrong argument, or a model that cannot be loaded
  130  interrupted by Ctrl-C
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "bench",
        usage="[OPTIONS]",
        summary="measure speed and memory of a model on this machine",
        details=DETAILS,
        epilog=EPILOG,
    )
    model = parser.add_argument_group("model")
    source = model.add_mutually_exclusive_group()
    add_model_option(source)
    source.add_argument(
        "--model-config",
        metavar="NAME",
        help="sizes of a model, with random weights: 3b, 7b (Qwen2.5-Omni), or a folder with "
        "config.json",
    )
    add_quantization_option(model)
    add_device_option(model)
    add_dtype_option(model)
    workload = parser.add_argument_group("workload")
    workload.add_argument(
        "--units", type=int, default=20, help="units to time (default: %(default)s)"
    )
    workload.add_argument(
        "--context-seconds",
        type=int,
        metavar="SECONDS",
        help="length of the context window, s (default: what the checkpoint was trained for, "
        "else 60)",
    )
    add_context_policy_option(workload)
    workload.add_argument(
        "--pixels",
        type=int,
        help="largest area of a resized frame, px; only with --model-config (default: 65536)",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
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

            def report(what: str, done: int, of: int) -> None:
                progress.update(task, description=what, completed=done, total=of)

            device, dtype = _place(arguments)
            thinker = _thinker(arguments, device, dtype, report)
            set_torch_threads(thinker)
            if warning := thinker.context_warning(arguments.context_seconds):
                console.print(f"warning: {warning}", style="yellow", markup=False)
            progress.update(task, description="probing the machine", total=None)
            found = probe(device, dtype)
            measured = measure(
                thinker,
                units=arguments.units,
                context_seconds=arguments.context_seconds,
                context_policy=arguments.context_policy,
                on_progress=report,
            )
    except (PlanningError, ThinkerError, RandomThinkerError, ValueError) as error:
        raise UsageError(str(error)) from error
    except MissingTimingsError as error:
        raise CommandError(str(error)) from error
    except (MemoryError, RuntimeError) as error:  # CUDA's own is a RuntimeError
        raise CommandError(f"the model does not run on this machine: {error}") from error
    record = make_record(
        thinker,
        measured,
        found,
        model=arguments.model_config or arguments.model,
        random_weights=arguments.model_config is not None,
        quantization=arguments.quantization,
    )
    print(_title(record))
    console.print(_table(record))
    print(_summary(record))
    if thinker.device.type == "cpu" and measured.cores_used < BUSY:
        console.print(
            f"warning: other processes were running: this one had {measured.cores_used:.2f} of a "
            "core, so the durations are too long",
            style="yellow",
        )
    if arguments.json is not None:
        try:
            arguments.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"--json {arguments.json} cannot be written: {error}") from error
        print(f"figures: {arguments.json}")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    for name in ("units", "context_seconds"):
        value = getattr(arguments, name)
        if value is not None and not 1 <= value <= LIMIT:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is {value}; expected 1 to {LIMIT:,}")
    if arguments.pixels is not None and arguments.model_config is None:
        raise UsageError("--pixels is only for --model-config; a checkpoint has its own value")
    check_folder_of(arguments.json)


def _place(arguments: argparse.Namespace) -> tuple[torch.device, torch.dtype]:
    from roma_ros.thinker.placement import resolve_device, resolve_dtype

    device = resolve_device(arguments.device)
    return device, resolve_dtype(arguments.dtype, device)


def _thinker(
    arguments: argparse.Namespace,
    device: torch.device,
    dtype: torch.dtype,
    report: Callable[[str, int, int], None],
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
        on_progress=lambda done, of: report("making weights", done, of),
    )


def _title(record: dict[str, Any]) -> str:
    settings, speed = record["settings"], record["speed"]
    quantization = settings["quantization"]
    weights = settings["dtype"] + ("" if quantization == "none" else f", {quantization}")
    return (
        f"{settings['model']}, {weights}, on {record['machine']['name']}\n"
        f"{speed['total']['n']} units of {settings['unit_tokens']} tokens, "
        f"at most {settings['seen_tokens']:,} tokens in context ({settings['context_policy']}); "
        f"{speed['token']['n']} single tokens"
    )


def _table(record: dict[str, Any]) -> Table:
    from rich.table import Table

    speed = record["speed"]
    table = Table("phase", "p50 ms", "p99 ms", "mean ms")
    for column in table.columns[1:]:
        column.justify = "right"
    for phase in ("features", "vision", "audio", "backbone", "head", "handover"):
        table.add_row(phase, *_cells(speed[phase]))
    table.add_section()
    table.add_row("one unit", *_cells(speed["total"]))
    table.add_row("one token", *_cells(speed["token"]))
    return table


def _cells(spread: dict[str, float]) -> tuple[str, ...]:
    return tuple(f"{spread[name]:,.1f}" for name in ("p50", "p99", "mean"))


def _summary(record: dict[str, Any]) -> str:
    memory, probe = record["memory"], record["probe"]
    device = memory["device_peak"]
    peak = f"{_size(device)} of GPU memory" if device else "no GPU"
    return (
        f"real-time factor {record['speed']['real_time_factor']:.2f} with one watch\n"
        f"weights {_size(memory['weights'])}, KV cache {_size(memory['cache'])} per watch; "
        f"peak {_size(memory['process_peak'])} of main memory, {peak}\n"
        f"machine: {probe['bandwidth'] / GB:.1f} GB/s, {probe['rate'] / 1e12:.2f} TFLOP/s, "
        f"{probe['call_seconds'] * 1e6:.1f} µs to start an operation"
    )


def _size(size: float) -> str:
    return f"{size / GB:.2f} GB" if size >= GB else f"{size / 1e6:.1f} MB"


def _progress(console: Console) -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
