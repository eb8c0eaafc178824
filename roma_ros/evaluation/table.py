"""Findings as a table for a terminal. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from roma_ros.evaluation.metrics import Finding

__all__ = ["findings_table"]


def findings_table(findings: Sequence[Finding], title: str) -> Table:
    """A row for each, with its bar and whether it is met."""
    table = Table(title=title)
    for column, justify in (
        ("figure", "left"),
        ("measured", "right"),
        ("95% interval", "right"),
        ("bar", "right"),
        ("", "left"),
        ("beside it", "left"),
        ("stands on", "left"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for finding in findings:
        table.add_row(
            finding.name,
            _number(finding.value),
            "" if finding.interval is None else "–".join(map(_number, finding.interval)),
            _bar(finding),
            _verdict(finding),
            "  ".join(f"{name} {_number(value)}" for name, value in finding.beside.items()),
            ", ".join(f"{value:,.0f} {name}" for name, value in finding.stands_on.items()),
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


def _bar(finding: Finding) -> str:
    bar = finding.bar
    return "" if bar is None else f"{'≤' if bar.at_most else '≥'} {bar.value:g}"


def _verdict(finding: Finding) -> Text:
    if finding.met is None:
        return Text()
    return Text("met", "green") if finding.met else Text("missed", "bold red")
