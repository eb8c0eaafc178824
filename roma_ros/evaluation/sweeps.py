"""Sweeps of thresholds and windows over recorded p(speak). Free of torch.

For alerts the result is exact: an alert without a reply adds no token to the stream, so the trigger
does not change later units. A narration's text stays in the stream, so that at another threshold
later units would differ; this is neglected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from roma_ros.evaluation.alert_score import AlertCounts, score_alert
from roma_ros.evaluation.bootstrap import total
from roma_ros.evaluation.narration_score import NarrationCounts, match
from roma_ros.evaluation.outcomes import AlertOutcome, NarrationOutcome
from roma_ros.evaluation.protocol import TriggerSettings

__all__ = [
    "THRESHOLDS",
    "WINDOWS",
    "AlertPoint",
    "NarrationPoint",
    "sweep_alert_threshold",
    "sweep_alert_window",
    "sweep_narration_threshold",
]

THRESHOLDS = (*(n / 20 for n in range(1, 20)), 0.975, 0.99)
WINDOWS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPoint:
    """Scores of alerts at one threshold and window."""

    threshold: float
    window: int
    recall: float
    false_alarms_per_minute: float
    false_seconds_per_minute: float
    unit_f1: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrationPoint:
    """Scores of the times of narrations at one threshold."""

    threshold: float
    f1: float
    precision: float
    recall: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def sweep_alert_threshold(
    outcomes: Sequence[AlertOutcome],
    triggers: TriggerSettings,
    thresholds: Sequence[float] = THRESHOLDS,
) -> tuple[AlertPoint, ...]:
    """Return alert scores at each threshold, with the window of `triggers`."""
    return tuple(_point(outcomes, replace(triggers, threshold=value)) for value in thresholds)


def sweep_alert_window(
    outcomes: Sequence[AlertOutcome], triggers: TriggerSettings, windows: Sequence[int] = WINDOWS
) -> tuple[AlertPoint, ...]:
    """Return alert scores with each window (units), at the threshold of `triggers`."""
    return tuple(_point(outcomes, replace(triggers, window=value)) for value in windows)


def sweep_narration_threshold(
    outcomes: Sequence[NarrationOutcome], thresholds: Sequence[float] = THRESHOLDS
) -> tuple[NarrationPoint, ...]:
    """Return narration scores at each threshold."""
    points = []
    for threshold in thresholds:
        counts = total([_counts(outcome, threshold) for outcome in outcomes], NarrationCounts)
        points.append(
            NarrationPoint(
                threshold=threshold,
                f1=counts.f1,
                precision=counts.precision,
                recall=counts.recall,
            )
        )
    return tuple(points)


def _point(outcomes: Sequence[AlertOutcome], triggers: TriggerSettings) -> AlertPoint:
    counts = [score_alert(outcome.p_speak, outcome.labels, triggers) for outcome in outcomes]
    summed = total(counts, AlertCounts)
    return AlertPoint(
        threshold=triggers.threshold,
        window=triggers.window,
        recall=summed.recall,
        false_alarms_per_minute=summed.false_alarms_per_minute,
        false_seconds_per_minute=summed.false_seconds_per_minute,
        unit_f1=summed.unit_f1,
    )


def _counts(outcome: NarrationOutcome, threshold: float) -> NarrationCounts:
    due = [saying.unit for saying in outcome.due]
    published: list[int] = np.flatnonzero(outcome.p_speak >= threshold).tolist()
    return NarrationCounts(
        due=len(due), published=len(published), matched=len(match(due, published))
    )
