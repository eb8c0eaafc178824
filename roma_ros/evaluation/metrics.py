"""Published metrics, computed from outcomes, each with its target and its trivial baselines.

The scores are defined in `alert_score`, `narration_score`, `answer_score` and `calibration`. Free
of torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from roma_ros.evaluation.alert_score import AlertCounts, score_alert
from roma_ros.evaluation.answer_score import AnswerCounts, majority_share, score_answer
from roma_ros.evaluation.bootstrap import interval, ratio, total
from roma_ros.evaluation.calibration import calibration_error, reliability
from roma_ros.evaluation.narration_score import NarrationCounts, score_narration
from roma_ros.evaluation.outcomes import (
    AlertOutcome,
    AnswerOutcome,
    NarrationOutcome,
    Outcomes,
)
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.percentiles import p50_p99
from roma_ros.world import TimedText

__all__ = ["Metric", "Target", "alert_totals", "answers_by_kind", "compute_metrics", "pooled"]


@dataclass(frozen=True, slots=True)
class Target:
    """Target of a metric: at least a value, or at most a value if `at_most`."""

    value: float
    at_most: bool = False

    def met(self, value: float) -> bool:
        """Return whether a value meets the target; NaN does not."""
        return value <= self.value if self.at_most else value >= self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row of the report.

    Attributes:
        name: name of the metric, with its unit if it has one.
        value: measured value; NaN without data.
        interval: 95 % bootstrap interval over worlds; `None` if not computed.
        target: required value; `None` for a metric that is only reported.
        baselines: the same metric of trivial models, by name.
        counts: number of streams, events, minutes and so on behind the value.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    target: Target | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, float] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.target.met(self.value)


def compute_metrics(
    outcomes: Outcomes, triggers: TriggerSettings, checkpoint_bytes: int
) -> list[Metric]:
    """Compute every metric, in the order of the table.

    Args:
        outcomes: outcomes of all streams.
        triggers: thresholds of the triggers, applied to the recorded p(speak) of alerts.
        checkpoint_bytes: size of the checkpoint's folder in bytes.
    """
    text = [alert for alert in outcomes.alerts if not alert.spoken]
    spoken = [alert for alert in outcomes.alerts if alert.spoken]
    return [
        *_text_alert_metrics(text, triggers),
        *_spoken_alert_metrics(spoken, triggers),
        *_narration_metrics(outcomes.narrations),
        *_answer_metrics(outcomes.answers),
        *_calibration_metrics(outcomes),
        _real_time_factor(outcomes),
        Metric(
            name="checkpoint, MB", value=checkpoint_bytes / 1e6, target=Target(25, at_most=True)
        ),
    ]


# --- alerts ---

SERIES: dict[str, Callable[[AlertOutcome], np.ndarray]] = {
    "oracle": lambda outcome: outcome.modality.astype(float),
    "always": lambda outcome: np.ones(len(outcome.labels)),
    "never": lambda outcome: np.zeros(len(outcome.labels)),
}
"""p(speak) of baselines that do not know the instruction. The oracle detects perfectly: it is 1
whenever anything of the event's modality is present (`AlertOutcome.modality`)."""


def alert_counts(
    outcomes: Sequence[AlertOutcome],
    triggers: TriggerSettings,
    series: Callable[[AlertOutcome], np.ndarray] = lambda outcome: outcome.p_speak,
) -> list[AlertCounts]:
    """Return the counts of each stream, from its p(speak) or from a baseline's series."""
    return [
        score_alert(series(outcome), outcome.labels, triggers, recurring=outcome.recurring)
        for outcome in outcomes
    ]


def alert_totals(
    outcomes: Sequence[AlertOutcome], triggers: TriggerSettings
) -> dict[str, AlertCounts]:
    """Return the summed counts of the model (`model`) and of each baseline by name."""
    totals = {"model": total(alert_counts(outcomes, triggers), AlertCounts)}
    for name, series in SERIES.items():
        totals[name] = total(alert_counts(outcomes, triggers, series), AlertCounts)
    return totals


class _AlertMetrics:
    """Metrics of one group of alerts."""

    def __init__(self, outcomes: Sequence[AlertOutcome], triggers: TriggerSettings) -> None:
        self.counts = alert_counts(outcomes, triggers)
        self.worlds = [outcome.world for outcome in outcomes]
        self.totals = alert_totals(outcomes, triggers)

    def metric(
        self,
        name: str,
        figure: Callable[[AlertCounts], Any],
        target: Target | None,
        baselines: Sequence[str] = tuple(SERIES),
        **counts: float,
    ) -> Metric:
        return Metric(
            name=name,
            value=figure(self.totals["model"]),
            interval=interval(self.counts, self.worlds, figure),
            target=target,
            baselines={other: figure(self.totals[other]) for other in baselines},
            counts={"streams": len(self.counts), **counts},
        )


def _text_alert_metrics(
    outcomes: Sequence[AlertOutcome], triggers: TriggerSettings
) -> list[Metric]:
    figures = _AlertMetrics(outcomes, triggers)
    model, oracle = figures.totals["model"], figures.totals["oracle"]
    minutes = model.units / 60
    return [
        figures.metric(
            "alert: event recall", lambda c: c.recall, Target(0.90), events=int(model.events)
        ),
        figures.metric(
            "alert: false alarms per minute",
            lambda c: c.false_alarms_per_minute,
            Target(0.5, at_most=True),
            minutes=minutes,
        ),
        figures.metric(
            "alert: false-alarm s per minute",
            lambda c: c.false_seconds_per_minute,
            Target(1.5, at_most=True),
            minutes=minutes,
        ),
        figures.metric("alert: unit F1", lambda c: c.unit_f1, None, minutes=minutes),
        Metric(
            name="alert: unit F1 above oracle's",
            value=model.unit_f1 - oracle.unit_f1,
            target=Target(0.2),
            counts={"streams": len(outcomes), "minutes": minutes},
        ),
        figures.metric(
            "alert, recurring: recall",
            lambda c: c.recurrence_recall,
            Target(0.85),
            events=int(model.recurrences),
        ),
    ]


def _spoken_alert_metrics(
    outcomes: Sequence[AlertOutcome], triggers: TriggerSettings
) -> list[Metric]:
    figures = _AlertMetrics(outcomes, triggers)
    model = figures.totals["model"]
    return [
        figures.metric(
            "alert, spoken: event recall",
            lambda c: c.recall,
            Target(0.80),
            events=int(model.events),
        ),
        figures.metric(
            "alert, spoken: false alarms per minute",
            lambda c: c.false_alarms_per_minute,
            None,
            minutes=model.units / 60,
        ),
        figures.metric(
            "alert, spoken: unit F1", lambda c: c.unit_f1, None, minutes=model.units / 60
        ),
    ]


# --- narration ---


def _narration_metrics(outcomes: Sequence[NarrationOutcome]) -> list[Metric]:
    counts = [score_narration(outcome.due, outcome.published) for outcome in outcomes]
    worlds = [outcome.world for outcome in outcomes]
    summed = total(counts, NarrationCounts)
    always = [score_narration(outcome.due, _every_unit(outcome)) for outcome in outcomes]
    sentences = Counter(saying.text for outcome in outcomes for saying in outcome.due)
    return [
        Metric(
            name="narration: F1 of its times",
            value=summed.f1,
            interval=interval(counts, worlds, lambda c: c.f1),
            target=Target(0.85),
            baselines={"always": total(always, NarrationCounts).f1, "never": 0.0},
            counts={"streams": len(outcomes), "segments": int(summed.due)},
        ),
        Metric(
            name="narration: exact text of matched",
            value=summed.text_accuracy,
            interval=interval(counts, worlds, lambda c: c.text_accuracy),
            target=Target(0.80),
            baselines={"majority": ratio(max(sentences.values(), default=0), summed.due)},
            counts={"streams": len(outcomes), "matched": int(summed.matched)},
        ),
    ]


def _every_unit(outcome: NarrationOutcome) -> list[TimedText]:
    return [TimedText(unit, "") for unit in range(len(outcome.p_speak))]


# --- answers ---


def _answer_metrics(outcomes: Sequence[AnswerOutcome]) -> list[Metric]:
    metrics = []
    for spoken, target in ((False, Target(0.90)), (True, Target(0.80))):
        asked = [outcome for outcome in outcomes if outcome.spoken == spoken]
        counts = [score_answer(outcome) for outcome in asked]
        worlds = [outcome.world for outcome in asked]
        metrics.append(
            Metric(
                name=f"question, {'spoken' if spoken else 'text'}: accuracy",
                value=total(counts, AnswerCounts).accuracy,
                interval=interval(counts, worlds, lambda c: c.accuracy),
                target=target,
                baselines={"majority": majority_share([(o.kind, o.right) for o in asked])},
                counts={"streams": len(set(worlds)), "questions": len(asked)},
            )
        )
    return metrics


def answers_by_kind(outcomes: Sequence[AnswerOutcome]) -> list[dict[str, Any]]:
    """Return accuracy and majority baseline of each kind of question, ready for JSON."""
    rows = []
    for kind in dict.fromkeys(outcome.kind for outcome in outcomes):
        asked = [outcome for outcome in outcomes if outcome.kind is kind]
        counts = total([score_answer(outcome) for outcome in asked], AnswerCounts)
        rows.append(
            {
                "kind": kind.name.lower(),
                "example": kind.value,
                "questions": int(counts.asked),
                "accuracy": counts.accuracy,
                "majority": majority_share([(kind, outcome.right) for outcome in asked]),
            }
        )
    return sorted(rows, key=lambda row: str(row["kind"]))


# --- calibration and speed ---


def pooled(
    outcomes: Sequence[AlertOutcome] | Sequence[NarrationOutcome],
) -> tuple[np.ndarray, np.ndarray]:
    """Concatenate p(speak) and labels of all streams: float and bool (units,)."""
    if not outcomes:
        return np.empty(0), np.empty(0, bool)
    p_speak = np.concatenate([outcome.p_speak for outcome in outcomes])
    return p_speak, np.concatenate([outcome.labels for outcome in outcomes])


def _calibration_metrics(outcomes: Outcomes) -> list[Metric]:
    text = [alert for alert in outcomes.alerts if not alert.spoken]
    metrics = []
    for name, (p_speak, labels) in {
        "alert": pooled(text),
        "narration": pooled(outcomes.narrations),
    }.items():
        metrics.append(
            Metric(
                name=f"{name}: calibration error (ECE)",
                value=calibration_error(reliability(p_speak, labels)),
                baselines={"never": float(labels.mean()) if len(labels) else float("nan")},
                counts={"units": len(labels)},
            )
        )
    return metrics


def step_seconds(outcomes: Outcomes) -> np.ndarray:
    """Return the computation time of each unit of all streams in seconds: float (units,)."""
    seconds = [outcome.step_seconds for outcome in outcomes.alerts]
    seconds += [outcome.step_seconds for outcome in outcomes.narrations]
    return np.concatenate(seconds or [np.empty(0)])


def _real_time_factor(outcomes: Outcomes) -> Metric:
    seconds = step_seconds(outcomes)
    p50, p99 = p50_p99(seconds)
    return Metric(
        name="real time factor",
        value=float(seconds.mean()) if len(seconds) else float("nan"),
        target=Target(0.15, at_most=True),
        baselines={"p50": p50, "p99": p99},
        counts={"units": len(seconds)},
    )
