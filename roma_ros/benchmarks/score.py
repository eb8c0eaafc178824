"""Result of scoring a predictions file: figures, what they count, and what was left out."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.triggers import MAX_WINDOW

__all__ = ["Score", "ScoreFigure", "ScoreSettings", "ScoringProtocol", "mean", "percent"]


class ScoringProtocol(enum.Enum):
    """Rules by which a benchmark is scored."""

    OFFICIAL = "official"
    """Rules of the benchmark's own scorer."""
    ROMA = "roma"
    """Rules of the ROMA paper, some of which look ahead."""
    ONLINE = "online"
    """Rules without look-ahead: one threshold for the set, and a cost for every false alarm."""


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """ScoreSettings of the scorers; `None`: the default of the benchmark and protocol.

    Attributes:
        threshold: p(speak) at or above which a unit counts, in (0, 1].
        window: units; what it does is the protocol's, see docs/public_benchmarks.md.
        tolerance: largest distance in seconds between a segment's end and its sentence, for the
            online protocol of narration.
        subset: the part of an annotation file that is scored, such as `validation`.
        bertscore: folder of a transformers encoder for BERTScore of narrations; `None`: without.

    Raises:
        BenchmarkError: a setting is out of its range.
    """

    threshold: float | None = None
    window: int | None = None
    tolerance: float = 1.0
    subset: str = "validation"
    bertscore: Path | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise BenchmarkError(f"threshold is {self.threshold:g}; expected a number in (0, 1]")
        if self.window is not None and not 1 <= self.window <= MAX_WINDOW:
            raise BenchmarkError(f"window is {self.window}; expected 1 to {MAX_WINDOW} units")
        if not 0 <= self.tolerance < math.inf:
            raise BenchmarkError(f"tolerance is {self.tolerance:g}; expected seconds from 0 on")

    def trigger(self, threshold: float, window: int) -> tuple[float, int]:
        """Return threshold and window in force.

        Args:
            threshold, window: defaults of the benchmark.
        """
        return (
            threshold if self.threshold is None else self.threshold,
            window if self.window is None else self.window,
        )


@dataclass(frozen=True, slots=True)
class ScoreFigure:
    """One figure of a score.

    Attributes:
        name: as the benchmark's own scorer names it, where it has such a figure.
        value: `None` if there was nothing to count.
        count: number of items that it is a mean over or counted in.
        unit: `%`, `s`, `per minute`, or empty.
    """

    name: str
    value: float | None
    count: int
    unit: str = "%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Score of a predictions file.

    Attributes:
        figures: in the order in which they are printed.
        rows: annotation rows that were scored.
        missing: identifiers of rows without a prediction; they count as wrong.
        notes: sentences on what was left out, cut or unusual.
        settings: thresholds and windows in force.
    """

    figures: Sequence[ScoreFigure]
    rows: int
    missing: Sequence[str] = ()
    notes: Sequence[str] = ()
    settings: Mapping[str, float] = field(default_factory=dict)

    def figure(self, name: str) -> ScoreFigure:
        """Return a figure by its name.

        Raises:
            KeyError: there is none of that name.
        """
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Return the score as a JSON object."""
        return {
            "rows": self.rows,
            "settings": dict(self.settings),
            "figures": {
                figure.name: {
                    "value": figure.value,
                    "unit": figure.unit,
                    "count": figure.count,
                }
                for figure in self.figures
            },
            "missing": list(self.missing),
            "notes": list(self.notes),
        }


def mean(values: Sequence[float]) -> float | None:
    """Return the mean, or `None` of an empty sequence."""
    return math.fsum(values) / len(values) if values else None


def percent(name: str, values: Sequence[float]) -> ScoreFigure:
    """Return the mean of values in [0, 1] as a figure in percent."""
    average = mean(values)
    return ScoreFigure(name, None if average is None else 100 * average, len(values))
