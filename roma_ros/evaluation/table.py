"""Table of metrics for a terminal. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from roma_ros.evaluation.metrics import Metric

__all__ = ["metrics_table"]


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
            _number(metric.value),
            "" if metric.interval is None else "–".join(map(_number, metric.interval)),
            _target(metric),
            _verdict(metric),
            "  ".join(f"{name} {_number(value)}" for name, value in metric.baselines.items()),
            ", ".join(f"{value:,.0f} {name}" for name, value in metric.counts.items()),
        )
    return table


def _number(value: float) -> str:
    if math.isnan(value):
        return "none"
    if value == 0:
        return "0"
    return (
        f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    )


def _target(metric: Metric) -> str:
    target = metric.target
    return "" if target is None else f"{'≤' if target.at_most else '≥'} {target.value:g}"


def _verdict(metric: Metric) -> Text:
    if metric.met is None:
        return Text()
    return Text("met", "green") if metric.met else Text("missed", "bold red")
