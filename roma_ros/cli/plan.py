"""`roma plan`: predicted memory and speed of a model on a device."""

from __future__ import annotations

import argparse
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from roma_ros.cli.errors import UsageError
from roma_ros.cli.parser import Commands, add_command
from roma_ros.cli.results import table_console
from roma_ros.planning import (
    DEVICES,
    GB,
    WEIGHT_FORMATS,
    Comparison,
    Cost,
    Device,
    ModelShape,
    Plan,
    PlanningError,
    Workload,
    find_device,
    find_weight_format,
    make_plan,
    read_comparisons,
)

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["add_to", "plan_from"]

THIS = "this"
TABLE_WIDTH = 140  # characters, in a file or pipe
DETAILS = """\
Computes memory and operations from the model's sizes, and seconds from the
device's bandwidth, arithmetic and cost of starting an operation. A program is
assumed to reach 75 % of the bandwidth and 50 % of the arithmetic of the data
sheet, so the figures can be wrong by a factor of two: compare devices with
them, and measure with `roma bench`.
"""
EPILOG = f"""\
recipes (how weights are stored; none: bfloat16, or float32 on a CPU):
{textwrap.fill(", ".join(WEIGHT_FORMATS), 76, initial_indent="  ", subsequent_indent="  ")}

devices:
{textwrap.fill(", ".join(DEVICES), 76, initial_indent="  ", subsequent_indent="  ")}

examples:
  roma plan --model 7b --recipe nf4
  roma plan --device orin-agx-64 --recipe nf4 --watches 2 --context-seconds 120
  roma plan --device this --model 3b
  roma plan --measured bench

exit codes:
  0  predicted, even if the model does not fit or keep up
  2  a wrong argument, or no measurement in the folder of --measured
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "plan",
        usage="[OPTIONS]",
        summary="predict memory and speed of a model on a device",
        details=DETAILS,
        epilog=EPILOG,
    )
    subject = parser.add_argument_group("model and device")
    subject.add_argument(
        "--model",
        default="7b",
        help="3b, 7b (Qwen2.5-Omni), roma_tiny, or a folder with config.json "
        "(default: %(default)s)",
    )
    subject.add_argument(
        "--recipe", default="none", help="how weights are stored; see below (default: %(default)s)"
    )
    subject.add_argument(
        "--device",
        metavar="NAME",
        help="a device of the list below, or this: the present machine, probed for a second "
        "(default: a table of all devices)",
    )
    workload = parser.add_argument_group("workload")
    workload.add_argument(
        "--watches", type=int, default=1, help="watches at the same time (default: %(default)s)"
    )
    workload.add_argument(
        "--context-seconds",
        type=int,
        default=60,
        metavar="SECONDS",
        help="length of each watch's context window, s (default: %(default)s)",
    )
    workload.add_argument(
        "--context-policy",
        choices=("evict", "handover"),
        default="handover",
        help="what a watch does when its window is full; evict is for checkpoints that were "
        "trained on it (default: %(default)s)",
    )
    workload.add_argument(
        "--pixels",
        type=int,
        default=65_536,
        help="area of a resized frame, px (default: %(default)s)",
    )
    comparison = parser.add_argument_group("comparison")
    comparison.add_argument(
        "--measured",
        type=Path,
        nargs="?",
        const=Path("bench"),
        metavar="FOLDER",
        help="compare predictions with the files of `roma bench --json` in FOLDER "
        "(without FOLDER: bench)",
    )
    parser.set_defaults(command=_plan)


def _plan(arguments: argparse.Namespace) -> int:

    console = table_console(TABLE_WIDTH)
    try:
        if arguments.measured is not None:
            comparisons = read_comparisons(arguments.measured)
            if not comparisons:
                raise UsageError(
                    f"{arguments.measured} has no file of `roma bench --json`; expected at least "
                    f"one. Measure first: roma bench --json {arguments.measured / 'mine.json'}"
                )
            for comparison in comparisons:
                console.print(_comparison_table(comparison))
        elif arguments.device is None:
            console.print(_devices_table(_plans(arguments)))
        else:
            plan = plan_from(arguments)
            console.print(_plan_table(plan))
            for line in plan.summary():
                print(line)
            print(f"\nsource of the device figures: {plan.device.source}")
    except PlanningError as error:
        raise UsageError(str(error)) from error
    return 0


def plan_from(arguments: argparse.Namespace) -> Plan:
    """Make the plan for the device that the arguments name.

    Raises:
        PlanningError: an unknown name, or a number out of range.
    """
    device = _this_machine() if arguments.device == THIS else find_device(arguments.device)
    return _on(device, arguments)


def _plans(arguments: argparse.Namespace) -> list[Plan]:
    return [_on(device, arguments) for device in DEVICES.values()]


def _on(device: Device, arguments: argparse.Namespace) -> Plan:
    return make_plan(
        ModelShape.named(arguments.model),
        device,
        find_weight_format(arguments.recipe),
        Workload(
            pixels=arguments.pixels,
            context_seconds=arguments.context_seconds,
            handover=arguments.context_policy == "handover",
            watches=arguments.watches,
        ),
    )


def _this_machine() -> Device:
    from roma_ros.speed import this_machine  # it loads torch, and arithmetic needs none

    return this_machine()


@dataclass(frozen=True, slots=True)
class _Row:
    """Cost and duration of one phase."""

    name: str
    cost: Cost
    seconds: float


def _plan_table(plan: Plan) -> Table:
    from rich.table import Table

    work, costs = plan.workload, plan.costs
    table = Table(
        "",
        "GFLOP",
        "GB moved",
        "operations started",
        "seconds",
        title=f"{plan.model.name}, {plan.weight_format.name}, on {plan.device.title}",
        caption=f"units of {work.unit_tokens} tokens, {work.context_seconds} s of context "
        f"({'handover' if work.handover else 'evict'}), "
        f"{work.watches} watch{'es' if work.watches > 1 else ''}",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("features (on the CPU)", "", "", "", f"{plan.features:.3f}")
    for row in (
        _Row("vision", costs.vision, plan.vision),
        _Row("audio", costs.audio, plan.audio),
        _Row("backbone, per watch", costs.backbone, plan.backbone),
    ):
        table.add_row(row.name, *_cost_cells(row))
    if plan.handover:
        table.add_row("handover, per watch, on average", "", "", "", f"{plan.handover:.3f}")
    table.add_section()
    table.add_row("one second of the stream", "", "", "", f"{plan.real_time_factor:.3f}")
    table.add_row("one token", *_cost_cells(_Row("", costs.token, plan.token)))
    return table


def _cost_cells(row: _Row) -> tuple[str, ...]:
    cost = row.cost
    moved = f"{cost.bytes / GB:.2f}"
    return f"{cost.operations / 1e9:,.1f}", moved, f"{cost.calls:,}", f"{row.seconds:.3f}"


def _devices_table(plans: list[Plan]) -> Table:
    from rich.table import Table

    first = plans[0]
    table = Table(
        "--device",
        "name",
        "peak GB",
        "usable GB",
        "real-time factor",
        "ms per token",
        "spare tokens/s",
        "keeps up",
        title=f"{first.model.name}, {first.weight_format.name}, "
        f"{first.workload.watches} watch{'es' if first.workload.watches > 1 else ''}, "
        f"{first.workload.context_seconds} s of context",
        caption="predicted, not measured; see `roma plan --help`",
    )
    for column in table.columns[2:7]:
        column.justify = "right"
    for plan in plans:
        usable = (plan.device.memory - plan.device.reserved) / GB
        table.add_row(
            plan.device.name,
            plan.device.title,
            f"{plan.peak_memory / GB:.1f}",
            f"{usable:.1f}",
            f"{plan.real_time_factor:.2f}",
            f"{plan.token * 1e3:.0f}",
            str(plan.spare_tokens),
            _verdict(plan),
        )
    return table


def _verdict(plan: Plan) -> str:
    if not plan.fits:
        return "[red]does not fit[/]"
    return "[green]yes[/]" if plan.keeps_up else "[red]too slow[/]"


def _comparison_table(comparison: Comparison) -> Table:
    from rich.table import Table

    plan = comparison.plan
    table = Table("", "predicted", "measured", "measured / predicted", title=comparison.title)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, predicted, measured in (
        ("vision, ms", plan.vision * 1e3, comparison.vision * 1e3),
        ("audio, ms", plan.audio * 1e3, comparison.audio * 1e3),
        ("backbone and head, ms", plan.backbone * 1e3, comparison.backbone * 1e3),
        ("one token, ms", plan.token * 1e3, comparison.token * 1e3),
        ("weights, MB", plan.weights / 1e6, comparison.weights / 1e6),
        ("KV cache per watch, MB", plan.cache / 1e6, comparison.cache / 1e6),
    ):
        ratio = measured / predicted
        table.add_row(name, f"{predicted:,.1f}", f"{measured:,.1f}", f"{ratio:.2f}")
    return table
