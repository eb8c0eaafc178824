"""Report of a build: counts, hours, positives, lengths, and a contact sheet of ten samples."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from roma_ros.data.errors import SampleError
from roma_ros.data.sample_units import sample_units
from roma_ros.data.samples import Sample
from roma_ros.plot_style import BLUE, FAINT, GRID, INK, RED, STYLE
from roma_ros.task import Task

__all__ = ["BuildReport", "draw_contact_sheet"]

SHOWN = 10
COLUMNS = 8
WIDTH = 160  # pixels of a frame
TALLEST = 0.72  # height of a frame, in widths of a column
DUE, GIVEN = -0.11, -0.18  # heights of the two bars
MAX_UNITS = 600  # of a sample on the sheet
LENGTHS = (10, 30, 60, 120, 300, 600, 1800)
"""Upper bounds in seconds of the classes of lengths."""
NAMES = {Task.ALERT: "alert", Task.NARRATION: "narration", Task.QUESTION: "question"}


@dataclass(slots=True)
class BuildReport:
    """Counts of the samples of a build, and ten of them at random.

    Attributes:
        seed: seed of the choice.
        folder: folder that the paths of the samples are relative to.
        samples: number of samples by task.
        units: number of units with a label of p(speak), by task; those of questions have none.
        positive: number of units after which something is due, by task.
        negative_samples: number of alerts whose event does not happen.
        spoken: number of spoken queries; queries: of all.
        seconds: length of all samples.
        unknown: number of samples of unknown length.
        videos: hashes of the names of the videos.
        lengths: number of samples by class of length.
        chosen: ten samples at random.
    """

    seed: int
    folder: Path
    samples: Counter[Task] = field(default_factory=Counter)
    units: Counter[Task] = field(default_factory=Counter)
    positive: Counter[Task] = field(default_factory=Counter)
    negative_samples: int = 0
    spoken: int = 0
    queries: int = 0
    seconds: float = 0.0
    unknown: int = 0
    videos: set[int] = field(default_factory=set)
    lengths: Counter[str] = field(default_factory=Counter)
    chosen: list[Sample] = field(default_factory=list)

    def add(self, sample: Sample, seconds: float | None) -> None:
        """Count a sample whose video has a length, in seconds, if that is known."""
        self.samples[sample.task] += 1
        self.queries += len(sample.queries)
        self.spoken += sum(query.audio is not None for query in sample.queries)
        self.videos.add(hash(sample.video))
        due = len({answer.unit for answer in sample.answers if answer.unit is not None})
        self.positive[sample.task] += due
        self.negative_samples += sample.task is Task.ALERT and not due
        if seconds is None:
            self.unknown += 1
        else:
            self.seconds += seconds
            self.lengths[_class_of(seconds)] += 1
            if sample.task is not Task.QUESTION:
                self.units[sample.task] += math.ceil(seconds)
        self._choose(sample)

    @property
    def total(self) -> int:
        """Number of samples."""
        return self.samples.total()

    def to_json(self) -> dict[str, Any]:
        """Return the counts as a JSON object."""
        return {
            "samples": {NAMES[task]: count for task, count in self.samples.items()},
            "videos": len(self.videos),
            "hours": round(self.seconds / 3600, 3),
            "samples_of_unknown_length": self.unknown,
            "lengths_seconds": {name: self.lengths[name] for name in _classes()},
            "labelled_units": {NAMES[task]: count for task, count in self.units.items()},
            "positive_units": {NAMES[task]: count for task, count in self.positive.items()},
            "alerts_without_event": self.negative_samples,
            "queries": self.queries,
            "spoken_queries": self.spoken,
        }

    def describe(self) -> str:
        """Return the counts as lines of text."""
        lines = [
            f"{self.total:,} samples on {len(self.videos):,} videos, {self.seconds / 3600:.2f} h"
        ]
        for task, count in self.samples.items():
            due, units = self.positive[task], self.units[task]
            if task is Task.QUESTION:
                detail = f"{due:,} answers"
            else:
                share = f" ({100 * due / units:.1f} % of {units:,})" if units else ""
                detail = f"{due:,} positive units{share}"
            if task is Task.ALERT:
                detail += f", {self.negative_samples:,} without the event"
            lines.append(f"{NAMES[task]:>10}: {count:,}; {detail}")
        if self.spoken:
            lines.append(f"{'spoken':>10}: {self.spoken:,} of {self.queries:,} queries")
        known = [f"{name}: {self.lengths[name]:,}" for name in _classes() if self.lengths[name]]
        if known:
            lines.append(f"{'lengths':>10}: {', '.join(known)}")
        return "\n".join(lines)

    def _choose(self, sample: Sample) -> None:
        """Keep ten of the samples so far, each with the same chance."""
        if len(self.chosen) < SHOWN:
            self.chosen.append(sample)
            return
        place = Random(f"{self.seed} {self.total}").randrange(self.total)
        if place < SHOWN:
            self.chosen[place] = sample


def _classes() -> list[str]:
    bounds = [0, *LENGTHS]
    names = [f"{low} to {high} s" for low, high in itertools.pairwise(bounds)]
    return [*names, f"over {LENGTHS[-1]} s"]


def _class_of(seconds: float) -> str:
    return _classes()[int(np.searchsorted(LENGTHS, seconds))]


def draw_contact_sheet(samples: list[Sample], folder: Path, path: Path) -> None:
    """Draw frames of samples over time with their labels, one sample a row.

    The bars below the frames are the stream: red where something is due, and below that blue where
    a query is given.

    Args:
        samples: the samples, at most ten or so.
        folder: folder that their paths are relative to.
        path: PNG file to write.

    Raises:
        OSError: the file cannot be written.
    """
    with mpl.rc_context(STYLE):
        rows = max(len(samples), 1)
        figure = Figure(figsize=(13, 1.9 * rows), dpi=100, layout="constrained")
        axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
        for axis, sample in zip(axes, samples, strict=False):
            _draw_sample(axis, sample, folder)
        figure.savefig(path)


def _draw_sample(axis: Any, sample: Sample, folder: Path) -> None:
    fault, frames, count = "", [], 0
    try:
        # Frames are kept small, so that a long video takes no memory.
        for unit in itertools.islice(sample_units(sample, folder), MAX_UNITS):
            count = unit.index + 1
            frames.append(None if unit.frames is None else _small(unit.frames[0]))
    except SampleError as error:
        fault = str(error)
    seconds = max(count, 1)
    picked = np.unique(np.linspace(0, max(count - 1, 0), COLUMNS).round().astype(int))
    axis.axis("off")
    for column, unit in enumerate(picked if frames else ()):
        frame = frames[unit]
        if frame is not None:
            ratio = frame.shape[0] / frame.shape[1]
            width = min(0.96, TALLEST / ratio)
            left = column + (1 - width) / 2
            axis.imshow(frame, extent=(left, left + width, 0, width * ratio))
        axis.text(column + 0.04, 0.03, f"{unit} s", color="white", fontsize=7, backgroundcolor=INK)
    axis.set(xlim=(0, COLUMNS), ylim=(-0.2, TALLEST), aspect="equal")
    scale = COLUMNS / seconds
    for lane in (DUE, GIVEN):
        axis.add_patch(_bar(lane, 0, COLUMNS, GRID))
    for unit in np.flatnonzero(sample.labels(seconds)).tolist():
        axis.add_patch(_bar(DUE, unit * scale, scale, RED))
    for query in sample.queries:
        left = min(query.time, seconds - 0.2) * scale
        axis.add_patch(_bar(GIVEN, left, max(query.duration, 0.2) * scale, BLUE))
    axis.set_title(_title(sample, fault), fontsize=8, loc="left", color=INK, parse_math=False)


def _title(sample: Sample, fault: str) -> str:
    asked = sample.queries[0]
    said = "; ".join(f"{a.time:g} s: {a.text}" for a in sample.answers[:4] if a.time is not None)
    if sample.task is Task.ALERT:
        times = [f"{answer.unit}" for answer in sample.answers]
        shown = ", ".join(times[:12]) + (", ..." if len(times) > 12 else "")
        said = f"positive units {shown}" if times else "the event does not happen"
    spoken = " (spoken)" if asked.audio else ""
    first = f"{NAMES[sample.task]} {sample.id}{spoken} at {asked.time:g} s: {asked.text}"
    return f"{_line(first)}\n{_line(fault or said)}"


def _line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 170 else text[:169] + "…"


def _bar(lane: float, left: float, width: float, color: str) -> Rectangle:
    return Rectangle((left, lane), width, 0.06, facecolor=color, edgecolor=FAINT, linewidth=0.2)


def _small(frame: np.ndarray) -> np.ndarray:
    step = max(frame.shape[1] // WIDTH, 1)
    return np.ascontiguousarray(frame[::step, ::step])
