"""Table of metrics for a terminal. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from roma_ros.evaluation.metrics import Metric, Target

__all__ = ["metrics_table", "number", "target_text", "verdict"]


def metrics_table(metrics: Sequence[Metric], title: str) -> Table:
    """Return a table with one row per metric, its target and whether it is met."""
    table = Table(title=title)
    for column, justify in (
        ("metric", "left"),
        ("value", "right"),
        ("95% interval", "right"),
        ("target", "right"),
        ("", "left"),
        ("baselines", "left"),
        ("measured on", "left"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for metric in metrics:
        table.add_row(
            metric.name,
            number(metric.value),
            "" if metric.interval is None else "–".join(map(number, metric.interval)),
            target_text(metric.target),
            verdict(metric.met),
            "  ".join(f"{name} {number(value)}" for name, value in metric.baselines.items()),
            ", ".join(f"{value:,.0f} {name}" for name, value in metric.counts.items()),
        )
    return table


def number(value: float) -> str:
    """Return a value with about three significant digits; `none` for NaN."""
    if math.isnan(value):
        return "none"
    if value == 0:
        return "0"
    return (
        f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    )


def target_text(target: Target | None) -> str:
    """Return a target such as `≥ 0.9`; empty for none."""
    return "" if target is None else f"{'≤' if target.at_most else '≥'} {target.value:g}"


def verdict(met: bool | None) -> Text:
    """Return `met` or `missed`, coloured; empty for `None`."""
    if met is None:
        return Text()
    return Text("met", "green") if met else Text("missed", "bold red")
