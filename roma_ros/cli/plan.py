"""`roma plan`: whether a model fits a device and keeps up with its sensors, before buying."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from roma_ros.cli.errors import UsageError
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

HELP = "predict whether a model fits a device and keeps up with its sensors"
THIS = "this"
TABLE_WIDTH = 140  # characters, in a file or pipe
MEANING = f"""\
Bytes and operations follow from the model's sizes, seconds from the device's bandwidth, arithmetic
and the cost of starting an operation; a program is taken to reach 75 % of the bandwidth and 50 % of
the arithmetic that a data sheet gives. That, and what starting an operation costs, is assumed: the
figures are for comparing devices, and may be wrong by a factor of two. `roma bench` measures, and
--measured sets predictions beside measurements.

A recipe says how weights are stored: {", ".join(WEIGHT_FORMATS)}.
`none` is bfloat16, or float32 on a CPU. Units are taken to be as large as --pixels allow.

devices: {", ".join(DEVICES)}

examples:
  roma plan --model 7b --recipe nf4
  roma plan --device orin-agx-64 --model 7b --recipe nf4 --watches 2 --context-seconds 120
  roma plan --device this --model 3b
  roma plan --measured bench
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "plan",
        help=HELP,
        description="Predict memory, seconds per unit and per token, by arithmetic.",
        epilog=MEANING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="one of those below, or `this`: this machine, probed for a second (default: all)",
    )
    parser.add_argument(
        "--model",
        default="7b",
        help="3b, 7b, roma_tiny, or a folder with config.json (default: %(default)s)",
    )
    parser.add_argument(
        "--recipe", default="none", help="how weights are stored (default: %(default)s)"
    )
    parser.add_argument("--watches", type=int, default=1, help="at once (default: %(default)s)")
    parser.add_argument(
        "--context-seconds",
        type=int,
        default=60,
        help="that each watch keeps in sight (default: %(default)s)",
    )
    parser.add_argument(
        "--pixels",
        type=int,
        default=65_536,
        help="largest area of a resized frame (default: %(default)s)",
    )
    parser.add_argument(
        "--measured",
        type=Path,
        nargs="?",
        const=Path("bench"),
        metavar="FOLDER",
        help="set predictions beside what `roma bench --json` has written there (default: bench)",
    )
    parser.set_defaults(command=_plan)


def _plan(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=TABLE_WIDTH)
    try:
        if arguments.measured is not None:
            comparisons = read_comparisons(arguments.measured)
            if not comparisons:
                raise UsageError(
                    f"{arguments.measured} has no file of `roma bench`; "
                    f"measure first: roma bench --json {arguments.measured / 'mine.json'}"
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
            print(f"\ndevice figures: {plan.device.source}")
    except PlanningError as error:
        raise UsageError(str(error)) from error
    return 0


def plan_from(arguments: argparse.Namespace) -> Plan:
    """The plan for the one device that the arguments name.

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
            watches=arguments.watches,
        ),
    )


def _this_machine() -> Device:
    from roma_ros.speed import this_machine  # it loads torch, and arithmetic needs none

    return this_machine()


@dataclass(frozen=True, slots=True)
class _Row:
    """One phase: what it costs, and how long that takes."""

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
        "started",
        "seconds",
        title=f"{plan.model.name}, {plan.weight_format.name}, on {plan.device.title}",
        caption=f"units of {work.unit_tokens} tokens, {work.context_seconds} s in sight, "
        f"{work.watches} watch{'es' if work.watches > 1 else ''}",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("features, on the CPU", "", "", "", f"{plan.features:.3f}")
    for row in (
        _Row("vision", costs.vision, plan.vision),
        _Row("audio", costs.audio, plan.audio),
        _Row("backbone, each watch", costs.backbone, plan.backbone),
    ):
        table.add_row(row.name, *_cost_cells(row))
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
        "",
        "peak GB",
        "of GB",
        "s per second",
        "ms per token",
        "spare tokens/s",
        "",
        title=f"{first.model.name}, {first.weight_format.name}, "
        f"{first.workload.watches} x {first.workload.context_seconds} s in sight",
        caption="predicted; `roma plan --help` tells from what",
    )
    for column in table.columns[2:7]:
        column.justify = "right"
    for plan in plans:
        ours = (plan.device.memory - plan.device.reserved) / GB
        table.add_row(
            plan.device.name,
            plan.device.title,
            f"{plan.peak_memory / GB:.1f}",
            f"{ours:.1f}",
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
        ("cache of a watch, MB", plan.cache / 1e6, comparison.cache / 1e6),
    ):
        ratio = measured / predicted
        table.add_row(name, f"{predicted:,.1f}", f"{measured:,.1f}", f"{ratio:.2f}")
    return table
