"""Figures on continuous streams by the stream's age, each beside fresh sessions. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from roma_ros.evaluation.alert_score import AlertCounts, score_alert
from roma_ros.evaluation.answer_score import AnswerCounts
from roma_ros.evaluation.bootstrap import interval, ratio, total
from roma_ros.evaluation.metrics import Target
from roma_ros.evaluation.narration_score import TOLERANCE, NarrationCounts, match
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.evaluation.stream_outcomes import (
    Session,
    StreamAlert,
    StreamAnswer,
    StreamNarration,
    StreamOutcomes,
)
from roma_ros.evaluation.stream_protocol import HEADLINE, Age, EvalSection
from roma_ros.world import TimedText

__all__ = [
    "DIFFERENCE",
    "AgedFigure",
    "AgedValue",
    "aged_figures",
    "alert_counts_within",
    "narration_counts_within",
]

DIFFERENCE = Target(-0.03)
"""Target of every share: continuous minus fresh."""

Outcome = TypeVar("Outcome", StreamAlert, StreamNarration)
Counts = TypeVar("Counts")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgedValue:
    """A figure at one age of the streams.

    Attributes:
        value: measured on sessions that follow the whole stream; NaN without data.
        interval: 95 % bootstrap interval over streams; `None` if not computed.
        fresh: the same of fresh sessions on the same scenes; NaN if none were run.
        counts: number of events, minutes and so on behind the value.
    """

    value: float
    interval: tuple[float, float] | None
    fresh: float
    counts: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgedFigure:
    """One row of the table.

    Attributes:
        name: name of the figure, with its unit if it has one.
        ages: the figure at each age that the streams reach.
        target: required value after minute 5; `None` for a figure that is only reported.
        share: whether it is a share, for which `DIFFERENCE` is required too.
    """

    name: str
    ages: Mapping[Age, AgedValue]
    target: Target | None = None
    share: bool = True

    @property
    def headline(self) -> AgedValue | None:
        """The figure at the age that the target is for; `None` if no stream is that old."""
        return self.ages.get(HEADLINE)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; `None` without a target or without data."""
        here = self.headline
        if self.target is None or here is None or math.isnan(here.value):
            return None
        return self.target.met(here.value)

    @property
    def difference(self) -> float:
        """Continuous minus fresh at the age of the target; NaN without fresh sessions."""
        here = self.headline
        return float("nan") if here is None else here.value - here.fresh

    @property
    def difference_met(self) -> bool | None:
        """Whether the difference meets `DIFFERENCE`; `None` if it is no share, or unknown."""
        if not self.share or math.isnan(self.difference):
            return None
        return DIFFERENCE.met(self.difference)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A figure as a function of summed counts."""

    name: str
    figure: Callable[[Any], Any]
    target: Target | None = None
    share: bool = True
    counts: Mapping[str, str] = field(default_factory=dict)  # name in the report -> field


EVENTS = {"events": "events"}
MINUTES = {"units": "units"}
ALERT_RULES: dict[str, tuple[_Rule, ...]] = {
    "typed": (
        _Rule("alert: event recall", lambda c: c.recall, Target(0.95), counts=EVENTS),
        _Rule(
            "alert: false alarms per minute",
            lambda c: c.false_alarms_per_minute,
            Target(0.20, at_most=True),
            share=False,
            counts=MINUTES,
        ),
        _Rule("alert: unit F1", lambda c: c.unit_f1, Target(0.94), counts=EVENTS),
    ),
    "spoken": (
        _Rule("alert, spoken: event recall", lambda c: c.recall, Target(0.90), counts=EVENTS),
        _Rule(
            "alert, spoken: false alarms per minute",
            lambda c: c.false_alarms_per_minute,
            share=False,
            counts=MINUTES,
        ),
        _Rule("alert, spoken: unit F1", lambda c: c.unit_f1, counts=EVENTS),
    ),
    "kept": (
        _Rule("alert, answers kept: event recall", lambda c: c.recall, counts=EVENTS),
        _Rule(
            "alert, answers kept: false alarms per minute",
            lambda c: c.false_alarms_per_minute,
            share=False,
            counts=MINUTES,
        ),
    ),
}
NARRATION_RULES = (
    _Rule("narration: F1 of its times", lambda c: c.f1, Target(0.93), counts={"due": "due"}),
    _Rule(
        "narration: exact text of matched",
        lambda c: c.text_accuracy,
        Target(0.85),
        counts={"matched": "matched"},
    ),
    _Rule(
        "narration: sentences published / due",
        lambda c: ratio(c.published, c.due),
        share=False,
        counts={"due": "due"},
    ),
)
WITHOUT_CUTS = _Rule(
    "narration, cuts left out: F1 of its times", lambda c: c.f1, counts={"due": "due"}
)
ANSWER_RULES = {
    "present": _Rule("question on the present: accuracy", lambda c: c.accuracy, Target(0.97)),
    "window": _Rule("question on the window: accuracy", lambda c: c.accuracy, Target(0.85)),
    "kept": _Rule("question on the present, answer kept: accuracy", lambda c: c.accuracy),
    "spoken": _Rule("question, spoken: accuracy", lambda c: c.accuracy, Target(0.80)),
}


def aged_figures(
    outcomes: StreamOutcomes, section: EvalSection, triggers: TriggerSettings
) -> list[AgedFigure]:
    """Return the figures of a section, in the order of the table.

    Args:
        outcomes: outcomes of all sections.
        section: `continuous` or `long`.
        triggers: thresholds, applied to the recorded p(speak) of alerts.
    """
    figures = []
    for group, rules in ALERT_RULES.items():
        alerts = [a for a in outcomes.alerts if a.section is section and a.group == group]
        count = partial(alert_counts_within, triggers=triggers)
        lengths = [len(alert.labels) for alert in alerts]
        again = partial(count, fresh=True)
        figures += [_aged(rule, alerts, AlertCounts, count, again, lengths) for rule in rules]
    narrations = [n for n in outcomes.narrations if n.section is section]
    for rule in (*NARRATION_RULES, WITHOUT_CUTS):
        told = partial(narration_counts_within, cuts=rule is not WITHOUT_CUTS)
        lengths = [len(one.session.p_speak) for one in narrations]
        told_again = partial(told, fresh=True)
        figures.append(_aged(rule, narrations, NarrationCounts, told, told_again, lengths))
    for mode, rule in ANSWER_RULES.items():
        answers = [a for a in outcomes.answers if a.section is section and a.mode == mode]
        figures.append(_aged_answers(rule, answers))
    return [figure for figure in figures if figure.ages]


def alert_counts_within(
    alert: StreamAlert, units: range, *, triggers: TriggerSettings, fresh: bool = False
) -> AlertCounts:
    """Return the counts of an alert within some units of its stream.

    Args:
        alert: outcome of the alert.
        units: units of the stream.
        triggers: threshold and window of the trigger.
        fresh: whether to count the fresh sessions; the trigger starts anew with each.
    """
    sessions = alert.fresh if fresh else (alert.session,)
    counts = []
    for session in sessions:
        first = session.start
        counts.append(
            score_alert(
                session.p_speak,
                alert.labels[first : first + len(session.p_speak)],
                triggers,
                within=range(units.start - first, units.stop - first),
            )
        )
    return total(counts, AlertCounts)


def narration_counts_within(
    narration: StreamNarration, units: range, *, cuts: bool = True, fresh: bool = False
) -> NarrationCounts:
    """Return the counts of a narration within some units of its stream.

    Args:
        narration: outcome of the narration.
        units: units of the stream.
        cuts: whether sentences that are due at a cut count; if not, sentences that are published
            at most a unit from a cut count only if they match one that is due elsewhere.
        fresh: whether to count the fresh sessions. Each is matched with the sentences due after
            its first unit, up to the first unit of the next scene.
    """
    if not fresh:
        return _matched(narration, narration.due, narration.session.published, units, cuts=cuts)
    return total(
        [
            _matched(narration, _due_in(narration, session), session.published, units, cuts=cuts)
            for session in narration.fresh
        ],
        NarrationCounts,
    )


def _due_in(narration: StreamNarration, session: Session) -> list[TimedText]:
    end = session.start + len(session.p_speak)
    return [text for text in narration.due if session.start < text.unit < end]


def _matched(
    narration: StreamNarration,
    due: Sequence[TimedText],
    published: Sequence[TimedText],
    units: range,
    *,
    cuts: bool,
) -> NarrationCounts:
    pairs = match([text.unit for text in due], [text.unit for text in published])
    at_cuts = set(narration.cuts)
    near = {cut + off for cut in at_cuts for off in range(-TOLERANCE, TOLERANCE + 1)}
    if not cuts:
        pairs = tuple((i, j) for i, j in pairs if due[i].unit not in at_cuts)
    paired = {j for _, j in pairs}
    counted_due = [text for text in due if cuts or text.unit not in at_cuts]
    counted = [
        text for j, text in enumerate(published) if cuts or j in paired or text.unit not in near
    ]
    here = [(i, j) for i, j in pairs if due[i].unit in units]
    return NarrationCounts(
        due=sum(text.unit in units for text in counted_due),
        published=sum(text.unit in units for text in counted),
        matched=len(here),
        worded=sum(due[i].text == published[j].text for i, j in here),
    )


def _aged(
    rule: _Rule,
    outcomes: Sequence[Outcome],
    kind: type[Counts],
    count: Callable[[Outcome, range], Counts],
    count_fresh: Callable[[Outcome, range], Counts],
    lengths: Sequence[int],
) -> AgedFigure:
    ages = {}
    for age in Age:
        old = [one for one, length in zip(outcomes, lengths, strict=True) if length > age.units[0]]
        if not old:
            continue
        counts = [count(one, age.units) for one in old]
        fresh = [count_fresh(one, age.units) for one in old if one.fresh]
        summed = total(counts, kind)
        ages[age] = AgedValue(
            value=float(rule.figure(summed)),
            interval=interval(counts, _numbers(one.stream for one in old), rule.figure),
            fresh=float(rule.figure(total(fresh, kind))) if fresh else float("nan"),
            counts={
                "streams": len({one.stream for one in old}),
                **{name: getattr(summed, attribute) for name, attribute in rule.counts.items()},
            },
        )
    return AgedFigure(name=rule.name, ages=ages, target=rule.target, share=rule.share)


def _aged_answers(rule: _Rule, answers: Sequence[StreamAnswer]) -> AgedFigure:
    ages = {}
    for age in Age:
        old = [answer for answer in answers if answer.unit in age.units]
        whole = [answer for answer in old if not answer.fresh]
        if not whole:
            continue
        counts = [AnswerCounts(1, int(answer.correct)) for answer in whole]
        fresh = [AnswerCounts(1, int(answer.correct)) for answer in old if answer.fresh]
        ages[age] = AgedValue(
            value=float(rule.figure(total(counts, AnswerCounts))),
            interval=interval(counts, _numbers(a.stream for a in whole), rule.figure),
            fresh=float(rule.figure(total(fresh, AnswerCounts))) if fresh else float("nan"),
            counts={"streams": len({a.stream for a in whole}), "questions": len(whole)},
        )
    return AgedFigure(name=rule.name, ages=ages, target=rule.target, share=rule.share)


def _numbers(streams: Iterable[str]) -> list[int]:
    """Return a number for each stream, equal for equal names."""
    known: dict[str, int] = {}
    return [known.setdefault(name, len(known)) for name in streams]
