"""Plots on continuous streams: figures over the stream's age, and p(speak) over ten minutes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roma_ros.evaluation.stream_metrics import AgedFigure
from roma_ros.evaluation.stream_outcomes import Session, StreamOutcomes
from roma_ros.evaluation.stream_protocol import Age, EvalSection, StreamProtocol
from roma_ros.plot_style import BLUE, FAINT, GREEN, GRID, INK, STYLE
from roma_ros.world.alert import Window, windows

__all__ = ["draw_ages", "draw_p_speak"]

COLUMNS = 4
SHOWN = 600  # units of p(speak)
SHORT = {
    Age.FIRST_MINUTE: "1",
    Age.TO_FIVE: "2 to 5",
    Age.AFTER_FIVE: "from 6",
    Age.AFTER_THIRTY: "from 31",
}


def draw_ages(figures: Sequence[AgedFigure], path: Path) -> None:
    """Write each figure over the stream's age as PNG. Raises OSError if that fails."""
    drawn = [figure for figure in figures if len(figure.ages) > 1]
    rows = max(-(-len(drawn) // COLUMNS), 1)
    with mpl.rc_context(STYLE):
        page = Figure(figsize=(14, 3 * rows), layout="constrained")
        axes = page.subplots(rows, COLUMNS, squeeze=False).ravel()
        for panel, figure in zip(axes, drawn, strict=False):
            _draw_ages(panel, figure)
        for panel in axes[len(drawn) :]:
            panel.set_axis_off()
        if drawn:
            page.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        page.savefig(path, dpi=150)


def draw_p_speak(outcomes: StreamOutcomes, protocol: StreamProtocol, path: Path) -> None:
    """Write p(speak) of alerts and a narration over ten minutes, with the events, as PNG.

    Raises:
        OSError: the file cannot be written.
    """
    panels: list[tuple[str, Session, tuple[Window, ...], float]] = []
    threshold = protocol.triggers.threshold
    for group in ("typed", "spoken", "kept"):
        alerts = [a for a in outcomes.alerts if a.group == group and a.labels.any()]
        if alerts:
            best = max(alerts, key=lambda a: len(windows(a.labels[:SHOWN])))
            title = f"{best.instruction} ({group})"
            panels.append((title, best.session, windows(best.labels), threshold))
    told = [one for one in outcomes.narrations if one.section is EvalSection.CONTINUOUS]
    for narration in told[:1]:
        due = tuple(Window(text.unit, text.unit) for text in narration.due)
        narrated = protocol.triggers.narration_threshold
        panels.append(("narration, sentences due", narration.session, due, narrated))
    if not panels:
        return
    with mpl.rc_context(STYLE):
        page = Figure(figsize=(14, 2 * len(panels)), layout="constrained")
        axes = page.subplots(len(panels), 1, sharex=True, squeeze=False).ravel()
        for panel, (title, session, events, line) in zip(axes, panels, strict=True):
            _draw_series(panel, title, session, events, line)
        axes[-1].set_xlabel("minutes of the stream")
        page.savefig(path, dpi=150)


def _draw_ages(axes: Axes, figure: AgedFigure) -> None:
    values = list(figure.ages.values())
    places = np.arange(len(values))
    heights = np.array([value.value for value in values])
    spans = [value.interval or (value.value, value.value) for value in values]
    low = heights - [span[0] for span in spans]
    high = np.array([span[1] for span in spans]) - heights
    errors = np.nan_to_num(np.clip([low, high], 0, None))
    axes.errorbar(
        places, heights, errors, color=BLUE, marker="o", capsize=3, label="one session, 95 %"
    )
    fresh = [value.fresh for value in values]
    if not np.isnan(fresh).all():
        axes.plot(
            places, fresh, color=INK, linestyle="--", marker="s", label="a fresh session a scene"
        )
    if figure.target is not None:
        axes.axhline(figure.target.value, color=GREEN, linestyle=":", label="target")
    axes.set_xticks(places, [SHORT[age] for age in figure.ages])
    axes.set_title(figure.name, loc="left", fontsize=9)
    axes.set_xlabel("minute of the stream")
    if figure.share:
        axes.set_ylim(min(0.5, float(np.nanmin(heights)) - 0.05), 1.02)
    else:
        axes.set_ylim(bottom=0)
    axes.grid(color=GRID)


def _draw_series(
    axes: Axes, title: str, session: Session, events: Sequence[Window], threshold: float
) -> None:
    series = session.p_speak[:SHOWN]
    for event in events:
        if event.first < SHOWN:
            axes.axvspan(event.first / 60, (event.last + 1) / 60, color=GREEN, alpha=0.3, lw=0)
    axes.step(np.arange(len(series)) / 60, series, where="post", color=BLUE, linewidth=0.8)
    axes.axhline(threshold, color=FAINT, linestyle=":")
    axes.set(ylim=(-0.02, 1.02), xlim=(0, len(series) / 60), ylabel="p(speak)")
    axes.set_title(title, loc="left", fontsize=9)
