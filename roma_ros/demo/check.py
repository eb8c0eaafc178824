"""Comparison of the messages that the demo received with the expected ones. No ROS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from roma_ros.demo.plan import NARRATION, AlertWatch, DemoPlan, PlannedQuestion
from roma_ros.evaluation.narration_score import TOLERANCE, match
from roma_ros.world import Segment, Window

__all__ = [
    "ALIGNMENT",
    "CheckResult",
    "Observed",
    "PublishedNarration",
    "ReceivedAnswer",
    "check_run",
]

ALIGNMENT = 0.05
"""Offset in s of unit 0 from the film's first sample up to which the annotations of all units hold.

What is visible changes no earlier than 0.06 s after, and ends at least 0.1 s before, the time of a
unit's frames; short sounds keep 0.03 s from a unit's ends, and half of a sound, or 0.1 s of it, is
enough to be recognised.
"""
NARRATION_TOLERANCE = TOLERANCE
"""Units between a narration and its segment's end."""
LATE = 2
"""An alert up to so many units after its event is late; after that it is a false alarm."""


@dataclass(frozen=True, slots=True)
class PublishedNarration:
    """A narration, and the unit that triggered it."""

    unit: int
    text: str


@dataclass(frozen=True, slots=True)
class ReceivedAnswer:
    """Reply to a question.

    Attributes:
        text: the answer.
        unit: index of the last unit that the answer is based on.
        refusal: why there is no answer; empty if there is one.
    """

    text: str = ""
    unit: int = -1
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """All messages and answers that were received.

    Attributes:
        units: indices of the units whose p(speak) was received, by watch.
        raised: indices of the units that raised alerts, by watch.
        narrations: the narrations.
        answers: replies to the plan's questions, in their order.
        misalignment: offset of unit 0 from the film's first sample, s; `None`: nothing received.
    """

    units: Mapping[str, frozenset[int]] = field(default_factory=dict)
    raised: Mapping[str, Sequence[int]] = field(default_factory=dict)
    narrations: Sequence[PublishedNarration] = ()
    answers: Sequence[ReceivedAnswer] = ()
    misalignment: float | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One row of the demo's result.

    Attributes:
        what: name of a watch, a question, or "stream".
        expected: what was to come, as a text.
        got: what was received, as a text.
        fault: description of the deviation; empty: none.
    """

    what: str
    expected: str
    got: str
    fault: str = ""


def check_run(plan: DemoPlan, observed: Observed) -> list[CheckResult]:
    """Compare a run with its plan.

    Args:
        plan: what was to come.
        observed: what was received.

    Returns:
        A row for each expected message, and for each other message that was received.
    """
    results = [_stream(plan, observed)]
    for alert in plan.alerts:
        raised = [unit for unit in observed.raised.get(alert.name, ()) if unit < plan.units]
        results += _alert(alert, raised)
    results += _narration(plan.segments, observed.narrations, plan.units)
    for number, question in enumerate(plan.questions):
        given = observed.answers[number : number + 1] or [
            ReceivedAnswer(refusal="it was not asked")
        ]
        results.append(_answer(question, given[0]))
    return results


def _stream(plan: DemoPlan, observed: Observed) -> CheckResult:
    """Check that the node made units of the whole film, aligned with the film's seconds."""
    wanted = frozenset(range(plan.units))
    missing = {
        watch: sorted(wanted - observed.units.get(watch, frozenset())) for watch in plan.watches
    }
    complete = not any(missing.values())
    off = observed.misalignment
    shift = "nothing came" if off is None else f"off by {1000 * off:.0f} ms"
    if not complete:
        watch, lost = next((watch, lost) for watch, lost in missing.items() if lost)
        fault = f"no p(speak) of {watch} for {_some(lost)}"
    else:
        aligned = off is not None and abs(off) <= ALIGNMENT
        fault = "" if aligned else "the units are not the film's seconds"
    processed = min(plan.units - len(lost) for lost in missing.values())
    return CheckResult("stream", f"{plan.units} units", f"{processed} units, {shift}", fault)


def _alert(alert: AlertWatch, raised: Sequence[int]) -> Iterator[CheckResult]:
    """Check that an alert was raised in each window, once or more often, and nowhere else."""
    stray = [unit for unit in raised if not any(_within(unit, window) for window in alert.windows)]
    for window in alert.windows:
        inside = [unit for unit in raised if _within(unit, window)]
        late = [unit for unit in stray if 0 < unit - window.last <= LATE]
        if inside:
            yield CheckResult(alert.name, _span(window), _some(inside))
        elif late:
            stray.remove(late[0])
            yield CheckResult(alert.name, _span(window), _some(late[:1]), "late")
        else:
            yield CheckResult(alert.name, _span(window), "silence", "missed")
    for unit in stray:
        yield CheckResult(alert.name, "silence", _some([unit]), "false alarm")
    if not alert.windows and not raised:
        yield CheckResult(alert.name, "silence", "silence")


def _narration(
    segments: Sequence[Segment], narrations: Sequence[PublishedNarration], units: int
) -> Iterator[CheckResult]:
    """Match narrations with ends of segments by their units, as `roma eval world` does."""
    sentences = sorted(
        (each for each in narrations if each.unit < units), key=lambda sentence: sentence.unit
    )
    ends = [segment.end for segment in segments]
    pairs = dict(match(ends, [sentence.unit for sentence in sentences], NARRATION_TOLERANCE))
    for number, segment in enumerate(segments):
        expected = f"{_some([segment.end])}: {segment.text}"
        if number in pairs:
            sentence = sentences[pairs[number]]
            fault = "" if sentence.text == segment.text else "wrong words"
            yield CheckResult(
                NARRATION, expected, f"{_some([sentence.unit])}: {sentence.text}", fault
            )
        elif segment.end < units:
            yield CheckResult(NARRATION, expected, "silence", "missed")
    matched = set(pairs.values())
    for number, sentence in enumerate(sentences):
        if number not in matched:
            got = f"{_some([sentence.unit])}: {sentence.text}"
            yield CheckResult(NARRATION, "silence", got, "nothing had ended")


def _answer(question: PlannedQuestion, answer: ReceivedAnswer) -> CheckResult:
    what, expected = f"{_some([question.unit])}: {question.text}", question.answer
    if answer.refusal:
        return CheckResult(what, expected, answer.refusal, "no answer")
    if not question.unit <= answer.unit <= question.latest:
        got = f"{answer.text}, knowing {_some([answer.unit])}"
        return CheckResult(what, expected, got, "asked at another time")
    right = answer.text.strip().casefold() == question.answer.casefold()
    return CheckResult(what, expected, answer.text, "" if right else "wrong answer")


def _within(unit: int, window: Window) -> bool:
    return window.first <= unit <= window.last


def _span(window: Window) -> str:
    if window.first == window.last:
        return f"unit {window.first}"
    return f"one of units {window.first} to {window.last}"


def _some(units: Sequence[int]) -> str:
    """Format units: `unit 3`, `units 3, 5`, `units 3 to 25`."""
    if len(units) > 2 and units[-1] - units[0] == len(units) - 1:
        return f"units {units[0]} to {units[-1]}"
    return f"unit{'s' * (len(units) > 1)} {', '.join(map(str, units))}"
