"""Log of a training run: `log.jsonl` and a plot of it, `log.png`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from transformers import TrainerCallback, TrainerState

from roma_ros.plot_style import BLUE, GREEN, GRID, INK, PURPLE, RED, STYLE

__all__ = ["LOG_NAME", "PLOT_NAME", "LogPlot", "draw_log", "write_log"]

LOG_NAME, PLOT_NAME = "log.jsonl", "log.png"
Entries = Sequence[Mapping[str, float]]

# Of a logarithmic scale: 1, 2, 5, 10, ...
PLAIN = FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "125" else "")
SMOOTH = 15  # entries that a heavy line is the moving mean of; at most a tenth of all


class LogPlot(TrainerCallback):
    """Trainer callback that writes `log.jsonl` and `log.png` to the folder of a run.

    The log is rewritten from the Trainer's history, which a resumed run takes from its checkpoint:
    no step is logged twice, and no step that was undone.

    Args:
        folder: folder of the run; created if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_log(self, _args: object, state: TrainerState, _control: object, **_: object) -> None:
        if state.is_world_process_zero:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_log(state.log_history, self._folder / LOG_NAME)

    def on_save(self, _args: object, state: TrainerState, _control: object, **_: object) -> None:
        if state.is_world_process_zero:
            draw_log(state.log_history, self._folder / PLOT_NAME)

    def on_train_end(
        self, _args: object, state: TrainerState, _control: object, **_: object
    ) -> None:
        self.on_save(_args, state, _control)


def write_log(entries: Entries, file: Path) -> None:
    """Write one JSON object per line, atomically.

    Args:
        entries: the Trainer's `log_history`.
        file: path of the file; one that exists is replaced.
    """
    part = file.with_suffix(".part")
    lines = (json.dumps({"step": entry["step"], **entry}) for entry in entries)
    part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    part.replace(file)


def draw_log(entries: Entries, file: Path) -> None:
    """Draw losses, accuracies, learning rate and gradient norm over steps and units.

    Args:
        entries: the Trainer's `log_history`; an entry may lack any of the figures.
        file: path of the PNG.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 6), layout="constrained")
        (losses, scores), (rate, norm) = figure.subplots(2, 2, sharex=True)
        for name, label, colour in (
            ("loss", "total", INK),
            ("text_loss", "text", BLUE),
            ("speak_loss", "speak", RED),
            ("fact_loss", "auxiliary", GREEN),
        ):
            _draw(losses, entries, name, label, colour, positive=True)
        for name, label, colour in (
            ("text_accuracy", "text accuracy", BLUE),
            ("speak_f1", "speak F1", RED),
            ("eval_alert_recall", "eval: alert recall", PURPLE),
            ("eval_narration_f1", "eval: narration F1", GREEN),
            ("eval_question_exact", "eval: answers", INK),
        ):
            _draw(scores, entries, name, label, colour)
        _draw(rate, entries, "learning_rate", "", PURPLE, smooth=False)
        _draw(norm, entries, "grad_norm", "", GREEN, positive=True)
        scores.set_ylim(0, 1.02)
        rate.set_ylim(0, 1.1 * max(_series(entries, "learning_rate")[1], default=1))
        for axes, title in (
            (losses, "loss"),
            (scores, "accuracy of text, F1 of p(speak)"),
            (rate, "learning rate"),
            (norm, "gradient norm"),
        ):
            axes.set_title(title, loc="left")
            axes.grid(color=GRID)
            if axes in (losses, norm) and axes.lines:
                axes.set_yscale("log")
                axes.yaxis.set_major_formatter(PLAIN)
                axes.yaxis.set_minor_formatter(PLAIN)
            if axes in (losses, scores) and axes.lines:
                axes.legend(edgecolor="none", framealpha=0.8)
        for axes in (rate, norm):
            axes.set_xlabel("step")
        for axes in (losses, scores):
            _draw_units(axes, entries)
        figure.savefig(file, dpi=120)


def _draw(
    axes: Axes,
    entries: Entries,
    name: str,
    label: str,
    colour: str,
    *,
    smooth: bool = True,
    positive: bool = False,  # leave out values that a logarithmic axis cannot show
) -> None:
    steps, values = _series(entries, name)
    if positive:
        steps, values = steps[values > 0], values[values > 0]
    if not len(values):
        return
    width = min(SMOOTH, len(values) // 10)
    many = smooth and width > 1
    axes.plot(
        steps,
        values,
        color=colour,
        label=None if many else label,
        linewidth=0.8 if many else 1.5,
        alpha=0.3 if many else 1.0,
        marker="o" if len(values) == 1 else None,
    )
    if many:
        window = np.ones(width)
        counts = np.convolve(np.ones(len(values)), window, mode="same")
        means = np.convolve(values, window, mode="same") / counts
        axes.plot(steps, means, color=colour, label=label, linewidth=1.5)


def _draw_units(axes: Axes, entries: Entries) -> None:
    """Add an axis of processed units along the upper edge."""
    steps, units = _series(entries, "units")
    if len(units) < 2 or (np.diff(units) <= 0).any():
        return
    thousands = units / 1000
    upper = axes.secondary_xaxis(
        "top",
        # Linear beyond both ends: the axis extends further than the data.
        functions=(_stretched(steps, thousands), _stretched(thousands, steps)),
    )
    upper.set_xlabel("thousand units processed")


def _stretched(known: npt.NDArray[np.float64], at: npt.NDArray[np.float64]) -> Any:
    slope = (at[-1] - at[0]) / (known[-1] - known[0])

    def value(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        points = np.asarray(points, np.float64)
        inside = np.interp(points, known, at)
        beyond = np.minimum(points - known[0], 0) + np.maximum(points - known[-1], 0)
        drawn: npt.NDArray[np.float64] = inside + slope * beyond
        return drawn

    return value


def _series(entries: Entries, name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return steps and values of the entries that have a finite value of that name."""
    known = [(entry["step"], entry[name]) for entry in entries if name in entry]
    pairs = np.array(known, np.float64).reshape(-1, 2)
    pairs = pairs[np.isfinite(pairs[:, 1])]
    return pairs[:, 0], pairs[:, 1]
