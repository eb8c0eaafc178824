"""Figures on quiet streams, recordings, sights, unknown words, and of the load. Free of torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from roma_ros.evaluation.alert_score import AlertCounts, score_alert
from roma_ros.evaluation.bootstrap import interval, ratio, total
from roma_ros.evaluation.intervals import rate_interval, share_interval
from roma_ros.evaluation.metrics import Metric, Target
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.evaluation.stream_outcomes import StreamAlert, StreamLoad, StreamOutcomes
from roma_ros.evaluation.stream_protocol import EvalSection

__all__ = ["load_metrics", "quiet_metrics", "recognition_metrics", "unknown_metrics"]

HOUR = 3600  # units
EARLY = range(60, 120)  # units: minute 2
TRIMMED = 0.1  # share of the shortest and of the longest times that are left out of a mean
QUIET_ALARMS = Target(0.5, at_most=True)
QUIET_SENTENCES = Target(1.0, at_most=True)
UNKNOWN_ALARMS = Target(0.1, at_most=True)
RECOGNITION = {
    EvalSection.RECORDINGS: ("recordings", Target(0.80), Target(0.30, at_most=True)),
    EvalSection.SIGHTS: ("sights", Target(0.90), Target(0.30, at_most=True)),
}
"""Name, target of the recall, and target of the false alarms per minute and watch."""


def quiet_metrics(outcomes: StreamOutcomes, triggers: TriggerSettings) -> list[Metric]:
    """Return false alarms per hour and watch, and sentences per hour, of each quiet stream."""
    metrics = []
    alerts = [alert for alert in outcomes.alerts if alert.section is EvalSection.QUIET]
    for group in dict.fromkeys(alert.group for alert in alerts):
        counts = _total([alert for alert in alerts if alert.group == group], triggers)
        metrics.append(
            _rate(
                f"{group}: false alarms per hour and watch",
                counts.false_alarms,
                counts.units / HOUR,
                QUIET_ALARMS,
                "watch hours",
            )
        )
    for one in outcomes.narrations:
        if one.section is EvalSection.QUIET:
            metrics.append(
                _rate(
                    f"{one.group}: sentences per hour",
                    len(one.session.published),
                    len(one.session.p_speak) / HOUR,
                    QUIET_SENTENCES,
                    "hours",
                )
            )
    return metrics


def recognition_metrics(
    outcomes: StreamOutcomes, section: EvalSection, triggers: TriggerSettings
) -> list[Metric]:
    """Return recall and false alarms per minute and watch of recordings or sights.

    The first rows are over all kinds; those of each kind follow.
    """
    name, recall, alarms = RECOGNITION[section]
    alerts = [alert for alert in outcomes.alerts if alert.section is section]
    if not alerts:
        return []
    counts = [_counts(alert, triggers) for alert in alerts]
    kinds = list(dict.fromkeys(alert.kind for alert in alerts))
    numbers = [kinds.index(alert.kind) for alert in alerts]

    def overall(what: str, figure: Callable[[AlertCounts], float], target: Target) -> Metric:
        summed = total(counts, AlertCounts)
        return Metric(
            name=f"{name}: {what}",
            value=figure(summed),
            interval=interval(counts, numbers, figure),
            target=target,
            counts={"watches": len(alerts), "events": summed.events, "minutes": summed.units / 60},
        )

    metrics = [
        overall("event recall", lambda c: c.recall, recall),
        overall("false alarms per minute and watch", lambda c: c.false_alarms_per_minute, alarms),
    ]
    for kind in kinds:
        here = _total([alert for alert in alerts if alert.kind == kind], triggers)
        metrics.append(
            Metric(
                name=f"{name}, {kind}: event recall",
                value=here.recall,
                interval=share_interval(here.found, here.events),
                counts={"events": here.events},
            )
        )
        metrics.append(
            _rate(
                f"{name}, {kind}: false alarms per minute and watch",
                here.false_alarms,
                here.units / 60,
                None,
                "minutes",
            )
        )
    return metrics


def unknown_metrics(outcomes: StreamOutcomes, triggers: TriggerSettings) -> list[Metric]:
    """Return the false alarms per minute of instructions of unknown words, by stream."""
    alerts = [alert for alert in outcomes.alerts if alert.section is EvalSection.UNKNOWN]
    metrics = []
    for group in dict.fromkeys(alert.group for alert in alerts):
        counts = _total([alert for alert in alerts if alert.group == group], triggers)
        metrics.append(
            _rate(
                f"unknown words, {group}: false alarms per minute",
                counts.false_alarms,
                counts.units / 60,
                UNKNOWN_ALARMS,
                "minutes",
            )
        )
    return metrics


def load_metrics(loads: Sequence[StreamLoad]) -> list[Metric]:
    """Return step time and memory in the last minute of the longest streams over minute 2."""
    metrics = []
    for load in loads:
        units = len(load.unit_seconds)
        if load.section is not EvalSection.LONG or units < 2 * EARLY.stop:
            continue
        last = slice(units - len(EARLY), units)
        first = slice(EARLY.start, EARLY.stop)
        rows = (
            ("step time", _trimmed, load.unit_seconds, Target(1.05, at_most=True)),
            ("KV caches", np.mean, load.cache_bytes, Target(1.02, at_most=True)),
            ("memory of the process", np.mean, load.resident_bytes, Target(1.02, at_most=True)),
        )
        minute = units // 60
        for what, mean, series, target in rows:
            late, early = float(mean(series[last])), float(mean(series[first]))
            metrics.append(
                Metric(
                    name=f"{what}, minute {minute} over minute 2 ({_kind(load.stream)})",
                    value=ratio(late, early),
                    target=target,
                    counts={"ms": 1000 * late} if what == "step time" else {"MB": late / 1e6},
                )
            )
    return metrics


def _kind(stream: str) -> str:
    return "narration" if stream.endswith("narration") else "alerts and questions"


def _trimmed(seconds: np.ndarray) -> float:
    """Return the mean without the shortest and the longest tenth."""
    out = int(TRIMMED * len(seconds))
    return float(np.sort(seconds)[out : len(seconds) - out].mean())


def _counts(alert: StreamAlert, triggers: TriggerSettings) -> AlertCounts:
    return score_alert(alert.session.p_speak, alert.labels, triggers, unclear=alert.unclear)


def _total(alerts: Sequence[StreamAlert], triggers: TriggerSettings) -> AlertCounts:
    return total([_counts(alert, triggers) for alert in alerts], AlertCounts)


def _rate(name: str, count: float, exposure: float, target: Target | None, unit: str) -> Metric:
    return Metric(
        name=name,
        value=ratio(count, exposure),
        interval=rate_interval(count, exposure),
        target=target,
        counts={"times": count, unit: exposure},
    )
