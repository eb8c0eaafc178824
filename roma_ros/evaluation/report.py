"""Report of an evaluation: metrics, calibration and sweeps of the 20-s streams. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from roma_ros.evaluation.alert_score import AlertCounts
from roma_ros.evaluation.calibration import Bin, calibration_error, reliability
from roma_ros.evaluation.metrics import (
    Metric,
    alert_totals,
    answers_by_kind,
    compute_metrics,
    pooled,
    step_seconds,
)
from roma_ros.evaluation.narration_score import TOLERANCE
from roma_ros.evaluation.outcomes import AlertOutcome, Outcomes
from roma_ros.evaluation.protocol import Protocol, TriggerSettings
from roma_ros.evaluation.sweeps import (
    AlertPoint,
    NarrationPoint,
    sweep_alert_threshold,
    sweep_alert_window,
    sweep_narration_threshold,
)
from roma_ros.percentiles import p50_p99
from roma_ros.world import COMMON_KINDS, Split

__all__ = ["Report", "metric_as_dict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Results of an evaluation, for the table, the plots and the JSON file.

    Attributes:
        protocol: settings of the evaluation.
        metrics: rows of the table.
        alert_bins, narration_bins: reliability diagrams of p(speak).
        alert_thresholds, alert_windows, narration_thresholds: sweeps of the trigger settings.
        details: all else, ready for JSON.
    """

    protocol: Protocol
    metrics: tuple[Metric, ...]
    alert_bins: tuple[Bin, ...]
    narration_bins: tuple[Bin, ...]
    alert_thresholds: tuple[AlertPoint, ...]
    alert_windows: tuple[AlertPoint, ...]
    narration_thresholds: tuple[NarrationPoint, ...]
    details: dict[str, Any]

    @classmethod
    def of(
        cls,
        outcomes: Outcomes,
        protocol: Protocol,
        checkpoint_bytes: int,
    ) -> Report:
        """Score outcomes.

        Args:
            outcomes: outcomes of all streams.
            protocol: settings that they were recorded with.
            checkpoint_bytes: size of the checkpoint's folder in bytes.
        """
        triggers = protocol.triggers
        text = [alert for alert in outcomes.alerts if not alert.spoken]
        spoken = [alert for alert in outcomes.alerts if alert.spoken]
        return cls(
            protocol=protocol,
            metrics=tuple(compute_metrics(outcomes, triggers, checkpoint_bytes)),
            alert_bins=reliability(*pooled(text)),
            narration_bins=reliability(*pooled(outcomes.narrations)),
            alert_thresholds=sweep_alert_threshold(text, triggers),
            alert_windows=sweep_alert_window(text, triggers),
            narration_thresholds=sweep_narration_threshold(outcomes.narrations),
            details={
                "first_world": Split.TEST.seed(protocol.seed),
                "narration_tolerance": TOLERANCE,
                "alerts": _alerts_by_kind(text, triggers),
                "spoken_alerts": _alerts_by_kind(spoken, triggers),
                "answers": answers_by_kind([a for a in outcomes.answers if not a.spoken]),
                "spoken_answers": answers_by_kind([a for a in outcomes.answers if a.spoken]),
                "seconds": _work(outcomes),
            },
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as it stands in the JSON file."""
        return {
            "figures": [metric_as_dict(metric) for metric in self.metrics],
            "protocol": asdict(self.protocol),
            **self.details,
            "calibration": {
                "alert": _calibration(self.alert_bins),
                "narration": _calibration(self.narration_bins),
            },
            "sweeps": {
                "alert_threshold": [point.as_dict() for point in self.alert_thresholds],
                "alert_window": [point.as_dict() for point in self.alert_windows],
                "narration_threshold": [point.as_dict() for point in self.narration_thresholds],
            },
        }


def metric_as_dict(metric: Metric) -> dict[str, Any]:
    """Return a metric as it stands in the JSON file."""
    target = metric.target
    return {
        "name": metric.name,
        "value": metric.value,
        "interval_95": metric.interval,
        "bar": None
        if target is None
        else {"at_most" if target.at_most else "at_least": target.value},
        "met": metric.met,
        "beside": dict(metric.baselines),
        "stands_on": dict(metric.counts),
    }


def _alerts_by_kind(
    outcomes: Sequence[AlertOutcome], triggers: TriggerSettings
) -> dict[str, dict[str, dict[str, float]]]:
    """Return scores of the model and of each baseline, for all alerts and for each kind."""
    groups = {"all": list(outcomes)}
    for kind in COMMON_KINDS:
        groups[kind.value] = [outcome for outcome in outcomes if outcome.kind is kind]
    return {
        name: {who: _alert(counts) for who, counts in alert_totals(group, triggers).items()}
        for name, group in groups.items()
    }


def _alert(counts: AlertCounts) -> dict[str, float]:
    return {
        **asdict(counts),
        "recall": counts.recall,
        "recurrence_recall": counts.recurrence_recall,
        "false_alarms_per_minute": counts.false_alarms_per_minute,
        "false_seconds_per_minute": counts.false_seconds_per_minute,
        "unit_f1": counts.unit_f1,
    }


def _calibration(bins: Sequence[Bin]) -> dict[str, Any]:
    return {"error": calibration_error(bins), "bins": [asdict(part) for part in bins]}


def _work(outcomes: Outcomes) -> dict[str, Any]:
    """Return the computation time in seconds of a unit, of decoding after one, of an answer."""
    spoken = [n.speak_seconds[n.speak_seconds > 1e-4] for n in outcomes.narrations]
    return {
        "step": _spread(step_seconds(outcomes)),
        "speak": _spread(np.concatenate(spoken or [np.empty(0)])),
        "answer": _spread(np.array([a.seconds for a in outcomes.answers if not a.spoken])),
    }


def _spread(seconds: np.ndarray) -> dict[str, float]:
    if not len(seconds):
        return {"count": 0}
    p50, p99 = p50_p99(seconds)
    return {"count": len(seconds), "mean": float(seconds.mean()), "p50": p50, "p99": p99}
