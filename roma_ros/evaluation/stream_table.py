"""Table of figures by the stream's age for a terminal. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from roma_ros.evaluation.stream_metrics import AgedFigure, AgedValue
from roma_ros.evaluation.stream_protocol import Age
from roma_ros.evaluation.table import number, target_text, verdict

__all__ = ["ages_table"]


def ages_table(figures: Sequence[AgedFigure], title: str) -> Table:
    """Return a table with one row per figure and one column per age.

    A cell has the figure of the session that follows the whole stream, and in brackets that of
    fresh sessions on the same scenes.
    """
    ages = [age for age in Age if any(age in figure.ages for figure in figures)]
    table = Table(title=title, caption="continuous (fresh); targets are for after minute 5")
    table.add_column("figure")
    for age in ages:
        table.add_column(age.value, justify="right")
    table.add_column("95% interval", justify="right")
    table.add_column("target", justify="right")
    table.add_column("")
    table.add_column("- fresh", justify="right")
    table.add_column("")
    for figure in figures:
        here = figure.headline
        interval = None if here is None else here.interval
        table.add_row(
            figure.name,
            *(_cell(figure.ages.get(age)) for age in ages),
            "" if interval is None else "–".join(map(number, interval)),
            target_text(figure.target),
            verdict(figure.met),
            "" if math.isnan(figure.difference) else f"{figure.difference:+.3f}",
            verdict(figure.difference_met),
        )
    return table


def _cell(value: AgedValue | None) -> Text:
    if value is None:
        return Text("")
    text = Text(number(value.value))
    if not math.isnan(value.fresh):
        text.append(f" ({number(value.fresh)})", "dim")
    return text
