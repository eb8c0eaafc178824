"""Thresholds and windows tried on kept streams: chosen on a validation part, scored on the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.registry import BENCHMARKS, read_rows_and_streams, score_streams
from roma_ros.benchmarks.score import Score, ScoreSettings, ScoringProtocol

__all__ = ["ScoreSweep", "SweptScore", "sweep_scores", "validation_rows"]


@dataclass(frozen=True, slots=True)
class SweptScore:
    """Score of the validation part at one setting; `None`: the protocol has no such setting."""

    threshold: float | None
    window: int | None
    score: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSweep:
    """Result of a sweep.

    Attributes:
        figure: name of the figure by which the setting is chosen; the highest is the best.
        points: every setting, on the validation part.
        best: the chosen point; of equal ones, the first.
        rest: score of the other rows at the chosen setting, which no choice has seen.
    """

    figure: str
    points: tuple[SweptScore, ...]
    best: SweptScore
    rest: Score


def validation_rows(rows: Mapping[str, Any], share: float) -> set[str]:
    """Return the identifiers of the validation part.

    Rows of one video are on one side. Which side depends on the video's name alone, so that it is
    the same for every predictions file and whatever other rows there are.

    Args:
        rows: annotation rows by identifier.
        share: of the videos, in (0, 1).
    """
    return {
        identifier for identifier, row in rows.items() if _fraction(_video(identifier, row)) < share
    }


def sweep_scores(
    name: str,
    protocol: ScoringProtocol,
    annotations: Path,
    predictions: Path,
    *,
    thresholds: Sequence[float],
    windows: Sequence[int],
    share: float = 0.2,
    figure: str | None = None,
    settings: ScoreSettings | None = None,
) -> ScoreSweep:
    """Score streams at every threshold and window, and choose one on a part of the rows.

    Args:
        name: key of `BENCHMARKS`.
        protocol: rules to score by, `roma` or `online`.
        annotations: the benchmark's own annotation file.
        predictions: JSON Lines of streams with p(speak).
        thresholds, windows: to try.
        share: of the videos on which the setting is chosen, in (0, 1).
        figure: name of the figure to choose by; `None`: the first one.
        settings: the other settings.

    Raises:
        BenchmarkError: a file does not fit, a part has no row, there is no such figure, or the
            benchmark has no such protocol for streams.
    """
    benchmark = BENCHMARKS[name]
    settings = settings or ScoreSettings()
    if protocol not in benchmark.streams:
        known = " or ".join(known.value for known in benchmark.streams) or "none"
        raise BenchmarkError(
            f"{name} has no protocol {protocol.value} for streams of p(speak); expected {known}"
        )
    if not 0 < share < 1:
        raise BenchmarkError(f"share is {share:g}; expected a number between 0 and 1")
    rows, streams = read_rows_and_streams(benchmark, annotations, predictions, settings)
    chosen = validation_rows(rows, share)

    def score_part(inside: bool, threshold: float | None, window: int | None) -> Score:
        part = {key: row for key, row in rows.items() if (key in chosen) is inside}
        kept = {key: stream for key, stream in streams.items() if key in part}
        if not kept:
            side = "validation part" if inside else "rest"
            raise BenchmarkError(
                f"{predictions}: no stream is in the {side}; give more rows, or another share"
            )
        tried = replace(settings, threshold=threshold, window=window)
        return score_streams(benchmark, protocol, part, kept, tried, str(predictions))

    default = score_part(True, None, None)
    name_of_figure = figure or default.figures[0].name
    if name_of_figure not in {known.name for known in default.figures}:
        known_names = ", ".join(known.name for known in default.figures)
        raise BenchmarkError(f"figure {name_of_figure!r} is none of {known_names}")
    has = " ".join(default.settings)
    points = tuple(
        SweptScore(threshold, window, score_part(True, threshold, window))
        for threshold in (thresholds if "threshold" in has else (None,))
        for window in (windows if "window" in has else (None,))
    )

    def value(point: SweptScore) -> float:
        found = point.score.figure(name_of_figure).value
        return -1.0 if found is None else found

    best = max(points, key=value)
    return ScoreSweep(
        figure=name_of_figure,
        points=points,
        best=best,
        rest=score_part(False, best.threshold, best.window),
    )


def _video(identifier: str, row: Any) -> str:
    span = getattr(row, "span", None)
    return str(span[0] if span else getattr(row, "video", identifier))


def _fraction(name: str) -> float:
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
