"""Outcomes -> the figures of the release, each beside its bar and its trivial baselines.

Needs no torch.
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
    Saying,
)
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.percentiles import p50_p99

__all__ = ["Bar", "Finding", "alert_totals", "answers_by_kind", "find", "pooled"]


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must reach: at least, or at most, a value."""

    value: float
    at_most: bool = False

    def met(self, value: float) -> bool:
        """NaN meets no bar."""
        return value <= self.value if self.at_most else value >= self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One figure.

    Attributes:
        name: with its unit, if it has one.
        value: NaN if there was nothing to measure it on.
        interval: 95%, over worlds; `None` where it was not drawn.
        bar: what it must reach; `None` for one that is only told.
        beside: the same figure for something trivial, by name.
        stands_on: counts that it was measured on, by what is counted.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    bar: Bar | None = None
    beside: Mapping[str, float] = field(default_factory=dict)
    stands_on: Mapping[str, float] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        return None if self.bar is None else self.bar.met(self.value)


def find(outcomes: Outcomes, triggers: TriggerSettings, checkpoint_bytes: int) -> list[Finding]:
    """Every figure, in the order of the table.

    Args:
        outcomes: of the streams.
        triggers: when an alarm goes off.
        checkpoint_bytes: of the checkpoint's folder.
    """
    text = [alert for alert in outcomes.alerts if not alert.spoken]
    spoken = [alert for alert in outcomes.alerts if alert.spoken]
    return [
        *_text_alert_findings(text, triggers),
        *_spoken_alert_findings(spoken, triggers),
        *_narration_findings(outcomes.narrations),
        *_answer_findings(outcomes.answers),
        *_calibration_findings(outcomes),
        _real_time_factor(outcomes),
        Finding(name="checkpoint, MB", value=checkpoint_bytes / 1e6, bar=Bar(25, at_most=True)),
    ]


# --- alerts ---

SERIES: dict[str, Callable[[AlertOutcome], np.ndarray]] = {
    "oracle": lambda outcome: outcome.modality.astype(float),
    "always": lambda outcome: np.ones(len(outcome.labels)),
    "never": lambda outcome: np.zeros(len(outcome.labels)),
}
"""p(speak) of who knows no instruction. The oracle has perfect senses: it fires whenever anything
of the kind that is asked for is there."""


def alert_counts(
    outcomes: Sequence[AlertOutcome],
    triggers: TriggerSettings,
    series: Callable[[AlertOutcome], np.ndarray] = lambda outcome: outcome.p_speak,
) -> list[AlertCounts]:
    """Of each stream, by p(speak) or by what stands in for it."""
    return [
        score_alert(series(outcome), outcome.labels, triggers, recurring=outcome.recurring)
        for outcome in outcomes
    ]


def alert_totals(
    outcomes: Sequence[AlertOutcome], triggers: TriggerSettings
) -> dict[str, AlertCounts]:
    """Of the model (`model`) and of each baseline, over all streams."""
    totals = {"model": total(alert_counts(outcomes, triggers), AlertCounts)}
    for name, series in SERIES.items():
        totals[name] = total(alert_counts(outcomes, triggers, series), AlertCounts)
    return totals


class _AlertFigures:
    """Makes findings of one group of alerts."""

    def __init__(self, outcomes: Sequence[AlertOutcome], triggers: TriggerSettings) -> None:
        self.counts = alert_counts(outcomes, triggers)
        self.worlds = [outcome.world for outcome in outcomes]
        self.totals = alert_totals(outcomes, triggers)

    def finding(
        self,
        name: str,
        figure: Callable[[AlertCounts], Any],
        bar: Bar | None,
        beside: Sequence[str] = tuple(SERIES),
        **stands_on: float,
    ) -> Finding:
        return Finding(
            name=name,
            value=figure(self.totals["model"]),
            interval=interval(self.counts, self.worlds, figure),
            bar=bar,
            beside={other: figure(self.totals[other]) for other in beside},
            stands_on={"streams": len(self.counts), **stands_on},
        )


def _text_alert_findings(
    outcomes: Sequence[AlertOutcome], triggers: TriggerSettings
) -> list[Finding]:
    figures = _AlertFigures(outcomes, triggers)
    model, oracle = figures.totals["model"], figures.totals["oracle"]
    minutes = model.units / 60
    return [
        figures.finding(
            "alert: event recall", lambda c: c.recall, Bar(0.90), events=int(model.events)
        ),
        figures.finding(
            "alert: false alarms per minute",
            lambda c: c.false_alarms_per_minute,
            Bar(0.5, at_most=True),
            minutes=minutes,
        ),
        figures.finding(
            "alert: false-alarm s per minute",
            lambda c: c.false_seconds_per_minute,
            Bar(1.5, at_most=True),
            minutes=minutes,
        ),
        figures.finding("alert: unit F1", lambda c: c.unit_f1, None, minutes=minutes),
        Finding(
            name="alert: unit F1 above oracle's",
            value=model.unit_f1 - oracle.unit_f1,
            bar=Bar(0.2),
            stands_on={"streams": len(outcomes), "minutes": minutes},
        ),
        figures.finding(
            "alert, recurring: recall",
            lambda c: c.recurrence_recall,
            Bar(0.85),
            events=int(model.recurrences),
        ),
    ]


def _spoken_alert_findings(
    outcomes: Sequence[AlertOutcome], triggers: TriggerSettings
) -> list[Finding]:
    figures = _AlertFigures(outcomes, triggers)
    model = figures.totals["model"]
    return [
        figures.finding(
            "alert, spoken: event recall", lambda c: c.recall, Bar(0.80), events=int(model.events)
        ),
        figures.finding(
            "alert, spoken: false alarms per minute",
            lambda c: c.false_alarms_per_minute,
            None,
            minutes=model.units / 60,
        ),
        figures.finding(
            "alert, spoken: unit F1", lambda c: c.unit_f1, None, minutes=model.units / 60
        ),
    ]


# --- narration ---


def _narration_findings(outcomes: Sequence[NarrationOutcome]) -> list[Finding]:
    counts = [score_narration(outcome.due, outcome.said) for outcome in outcomes]
    worlds = [outcome.world for outcome in outcomes]
    summed = total(counts, NarrationCounts)
    always = [score_narration(outcome.due, _every_unit(outcome)) for outcome in outcomes]
    sentences = Counter(saying.text for outcome in outcomes for saying in outcome.due)
    return [
        Finding(
            name="narration: F1 of its times",
            value=summed.f1,
            interval=interval(counts, worlds, lambda c: c.f1),
            bar=Bar(0.85),
            beside={"always": total(always, NarrationCounts).f1, "never": 0.0},
            stands_on={"streams": len(outcomes), "segments": int(summed.due)},
        ),
        Finding(
            name="narration: exact text of matched",
            value=summed.text_accuracy,
            interval=interval(counts, worlds, lambda c: c.text_accuracy),
            bar=Bar(0.80),
            beside={"majority": ratio(max(sentences.values(), default=0), summed.due)},
            stands_on={"streams": len(outcomes), "matched": int(summed.matched)},
        ),
    ]


def _every_unit(outcome: NarrationOutcome) -> list[Saying]:
    return [Saying(unit, "") for unit in range(len(outcome.p_speak))]


# --- answers ---


def _answer_findings(outcomes: Sequence[AnswerOutcome]) -> list[Finding]:
    findings = []
    for spoken, bar in ((False, Bar(0.90)), (True, Bar(0.80))):
        asked = [outcome for outcome in outcomes if outcome.spoken == spoken]
        counts = [score_answer(outcome) for outcome in asked]
        worlds = [outcome.world for outcome in asked]
        findings.append(
            Finding(
                name=f"question, {'spoken' if spoken else 'text'}: accuracy",
                value=total(counts, AnswerCounts).accuracy,
                interval=interval(counts, worlds, lambda c: c.accuracy),
                bar=bar,
                beside={"majority": majority_share([(o.kind, o.right) for o in asked])},
                stands_on={"streams": len(set(worlds)), "questions": len(asked)},
            )
        )
    return findings


def answers_by_kind(outcomes: Sequence[AnswerOutcome]) -> list[dict[str, Any]]:
    """Accuracy and majority baseline of each kind of question."""
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
    """p(speak) and labels of all units of all streams: (units,) each."""
    if not outcomes:
        return np.empty(0), np.empty(0, bool)
    p_speak = np.concatenate([outcome.p_speak for outcome in outcomes])
    return p_speak, np.concatenate([outcome.labels for outcome in outcomes])


def _calibration_findings(outcomes: Outcomes) -> list[Finding]:
    text = [alert for alert in outcomes.alerts if not alert.spoken]
    findings = []
    for name, (p_speak, labels) in {
        "alert": pooled(text),
        "narration": pooled(outcomes.narrations),
    }.items():
        findings.append(
            Finding(
                name=f"{name}: calibration error (ECE)",
                value=calibration_error(reliability(p_speak, labels)),
                beside={"never": float(labels.mean()) if len(labels) else float("nan")},
                stands_on={"units": len(labels)},
            )
        )
    return findings


def step_seconds(outcomes: Outcomes) -> np.ndarray:
    """Encoding and one session's step, of every unit of every stream: (units,)."""
    seconds = [outcome.step_seconds for outcome in outcomes.alerts]
    seconds += [outcome.step_seconds for outcome in outcomes.narrations]
    return np.concatenate(seconds or [np.empty(0)])


def _real_time_factor(outcomes: Outcomes) -> Finding:
    seconds = step_seconds(outcomes)
    p50, p99 = p50_p99(seconds)
    return Finding(
        name="real time factor",
        value=float(seconds.mean()) if len(seconds) else float("nan"),
        bar=Bar(0.15, at_most=True),
        beside={"p50": p50, "p99": p99},
        stands_on={"units": len(seconds)},
    )
