"""Plots of an evaluation: calibration of p(speak), and sweeps of thresholds and windows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from roma_ros.evaluation.calibration import Bin, calibration_error
from roma_ros.evaluation.report import Report
from roma_ros.evaluation.sweeps import AlertPoint
from roma_ros.plot_style import BLUE, FAINT, GREEN, GRID, INK, PURPLE, RED, STYLE

__all__ = ["draw_calibration", "draw_sweeps"]

BELOW: dict[str, Any] = {
    "loc": "upper center",
    "bbox_to_anchor": (0.5, -0.14),
    "ncols": 2,
    "frameon": False,
}


def draw_calibration(report: Report, path: Path) -> None:
    """Write reliability diagrams of alerts and narrations as PNG. Raises OSError if that fails."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 5), layout="constrained")
        axes = figure.subplots(2, 2, sharex=True, height_ratios=(3, 1))
        for column, (name, bins) in enumerate(
            (("alert (text)", report.alert_bins), ("narration", report.narration_bins))
        ):
            _draw_reliability(axes[0][column], name, bins)
            _draw_counts(axes[1][column], bins)
        figure.savefig(path, dpi=150)


def draw_sweeps(report: Report, path: Path) -> None:
    """Write the sweeps of threshold and window as a PNG. Raises OSError if that fails."""
    triggers = report.protocol.triggers
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(13, 4.8), layout="constrained")
        thresholds, windows, narrations = figure.subplots(1, 3)
        points = report.alert_thresholds
        _draw_alerts(thresholds, [point.threshold for point in points], points)
        _finish(thresholds, f"alert, window {triggers.window}", "threshold", triggers.threshold)
        points = report.alert_windows
        _draw_alerts(windows, [point.window for point in points], points)
        windows.xaxis.set_major_locator(MaxNLocator(integer=True))
        _finish(
            windows, f"alert, threshold {triggers.threshold:g}", "window, units", triggers.window
        )
        values = [point.threshold for point in report.narration_thresholds]
        for name, colour in (("f1", INK), ("precision", BLUE), ("recall", GREEN)):
            heights = [getattr(point, name) for point in report.narration_thresholds]
            narrations.plot(values, heights, color=colour, label=name.replace("f1", "F1"))
        narrations.set_ylim(0, 1.02)
        narrations.legend(**BELOW)
        _finish(narrations, "narration", "threshold", triggers.narration_threshold)
        figure.savefig(path, dpi=150)


def _draw_reliability(axes: Axes, name: str, bins: Sequence[Bin]) -> None:
    filled = [part for part in bins if part.count]
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", linewidth=1)
    axes.plot(
        [part.p_speak for part in filled],
        [part.share for part in filled],
        color=BLUE,
        marker="o",
        markersize=4,
    )
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel="share of positive labels")
    axes.set_title(f"{name}: calibration error {calibration_error(bins):.3f}", loc="left")
    axes.grid(color=GRID)


def _draw_counts(axes: Axes, bins: Sequence[Bin]) -> None:
    for part in bins:
        axes.bar(part.low, part.count, part.high - part.low, align="edge", color=BLUE, alpha=0.5)
    axes.set_yscale("symlog", linthresh=10)
    axes.set(xlabel="p(speak)", ylabel="units")
    axes.set_axisbelow(True)
    axes.grid(color=GRID)


def _draw_alerts(axes: Axes, values: Sequence[float], points: Sequence[AlertPoint]) -> None:
    shares = (("recall", "event recall", GREEN), ("unit_f1", "unit F1", INK))
    lines = []
    for name, label, colour in shares:
        heights = [getattr(point, name) for point in points]
        lines += axes.plot(values, heights, color=colour, label=label)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("share (solid)")
    rates = axes.twinx()
    rates.spines["right"].set_visible(True)
    for name, label, colour in (
        ("false_alarms_per_minute", "false alarms / min", RED),
        ("false_seconds_per_minute", "false-alarm seconds / min", PURPLE),
    ):
        heights = [getattr(point, name) for point in points]
        lines += rates.plot(values, heights, color=colour, linestyle="--", label=label)
    rates.set_ylim(0, max(1.0, rates.get_ylim()[1]))  # rates of 0 at the bottom of a scale
    rates.set_ylabel("per minute (dashed)")
    axes.legend(handles=lines, **BELOW)


def _finish(axes: Axes, title: str, label: str, default: float) -> None:
    axes.axvline(default, color=FAINT, linestyle=":", linewidth=1)
    axes.set_title(title, loc="left")
    axes.set_xlabel(label)
    axes.set_axisbelow(True)
    axes.grid(color=GRID)
