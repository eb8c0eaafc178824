"""What the demo plays, what it asks the node for, and what is right, from a seed. No ROS."""

from __future__ import annotations

from dataclasses import dataclass, replace

from roma_ros.world import (
    AlertKind,
    Plot,
    QuestionKind,
    Scene,
    Segment,
    Window,
    WorldAlert,
    WorldQuestion,
    draw_alerts,
    draw_questions,
    make_scene,
    narrate,
)
from roma_ros.world.alert import windows
from roma_ros.world.questions import asked_again

__all__ = [
    "NARRATION",
    "NEAR_MISS",
    "TAIL",
    "AlertWatch",
    "DemoPlan",
    "PlanError",
    "PlannedQuestion",
    "make_plan",
]

NARRATION, NEAR_MISS = "narration", "near_miss"
"""Names of watches; those of alerts whose event happens are their kinds."""
TAIL = 1
"""Seconds played after the last unit that counts: units close when what comes after them has."""
ANSWER_LASTS = 2
"""Units for which an answer stays right, so that it is no matter if a question is late by them."""

KINDS = (AlertKind.VISUAL, AlertKind.AUDIO, AlertKind.JOINT)
ALERTS, QUESTIONS = 24, 40  # drawn, to choose from
LONGEST = 0.5  # share of the stream in which an event may go on
QUESTION_KINDS = (  # on the present, on the past, on counts: asked in this order
    (QuestionKind.SEEN_NOW, QuestionKind.COLOUR_NOW, QuestionKind.SHAPE_NOW),
    (QuestionKind.COLOUR_BEFORE, QuestionKind.SHAPE_BEFORE, QuestionKind.ORDER),
    (QuestionKind.SHAPES_SO_FAR, QuestionKind.SOUNDS_SO_FAR),
)


class PlanError(ValueError):
    """In the seed's stream nothing happens that could be asked for."""


@dataclass(frozen=True, slots=True)
class AlertWatch:
    """An alert that is watched for.

    Attributes:
        name: of the watch.
        instruction: in words.
        windows: the units of each time that it happens; none for a near miss.
    """

    name: str
    instruction: str
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class PlannedQuestion:
    """A question, put as soon as `unit` has been heard; the answer stays right up to `latest`."""

    text: str
    answer: str
    unit: int
    latest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """One run of the demo.

    Attributes:
        scene: what is played; `TAIL` longer than what counts.
        units: that count: unit k is the second [k, k + 1) of the scene.
        alerts: watched for.
        segments: to be narrated; those that end after the last unit need not be.
        questions: to be asked, in that order.
    """

    scene: Scene
    units: int
    alerts: tuple[AlertWatch, ...]
    segments: tuple[Segment, ...]
    questions: tuple[PlannedQuestion, ...]

    @property
    def watches(self) -> tuple[str, ...]:
        """Names, in the order in which they are begun: the first one answers questions."""
        return (*(alert.name for alert in self.alerts), NARRATION)

    def should_trigger(self, watch: str, unit: int) -> bool:
        """Whether p(speak) of a watch is to be high after a unit."""
        if watch == NARRATION:
            return any(segment.end == unit for segment in self.segments)
        return any(
            window.first <= unit <= window.last
            for alert in self.alerts
            if alert.name == watch
            for window in alert.windows
        )


def make_plan(seed: int, units: int) -> DemoPlan:
    """Make up a stream in which one thing happens after another, and choose what to ask for.

    One alert is chosen of each kind that happens, and one that nearly does; a question on the
    present, one on the past and one on a count.

    Args:
        seed: decides everything.
        units: seconds that count.

    Raises:
        SceneError: a seed or length out of range.
        PlanError: nothing happens that one could ask for.
    """
    scene = make_scene(seed, units + TAIL, Plot.SEQUENCE)
    alerts = _alerts(scene, units)
    segments = narrate(scene)
    if not any(alert.windows for alert in alerts) or not segments or segments[0].end >= units:
        raise PlanError(
            f"seed {seed} has nothing to raise an alert for, or to narrate, in its {units} s; "
            "take another one"
        )
    return DemoPlan(
        scene=scene,
        units=units,
        alerts=alerts,
        segments=segments,
        questions=_questions(scene, units),
    )


def _alerts(scene: Scene, units: int) -> tuple[AlertWatch, ...]:
    chosen: dict[str, AlertWatch] = {}
    for alert in draw_alerts(scene, ALERTS, KINDS):
        name = _name(alert, units)
        if name is not None and name not in chosen:
            chosen[name] = AlertWatch(name, alert.instruction, windows(alert.labels[:units]))
    names = (*(kind.value for kind in KINDS), NEAR_MISS)
    return tuple(chosen[name] for name in names if name in chosen)


def _name(alert: WorldAlert, units: int) -> str | None:
    """What a watch for it is called; `None` if it is of no use here."""
    if not alert.labels.any():
        return NEAR_MISS if alert.event.kind is AlertKind.VISUAL else None
    share = alert.labels[:units].mean()
    return alert.event.kind.value if 0 < share <= LONGEST else None


def _questions(scene: Scene, units: int) -> tuple[PlannedQuestion, ...]:
    asked: list[PlannedQuestion] = []
    last = units - 1 - ANSWER_LASTS
    for number, kinds in enumerate(QUESTION_KINDS, start=1):
        about = last * number // len(QUESTION_KINDS)  # the unit after which to ask
        first = asked[-1].latest + 1 if asked else 0
        lasting = [
            question
            for question in draw_questions(scene, QUESTIONS, kinds, first)
            if question.unit <= last and _lasts(question, scene)
        ]
        if lasting:
            best = min(lasting, key=lambda question: abs(question.unit - about))
            asked.append(
                PlannedQuestion(best.text, best.answer, best.unit, best.unit + ANSWER_LASTS)
            )
    return tuple(asked)


def _lasts(question: WorldQuestion, scene: Scene) -> bool:
    """Whether the answer is the same while the question may be late."""
    later = (question.unit + units for units in range(1, ANSWER_LASTS + 1))
    again = [asked_again(replace(question, unit=unit), scene) for unit in later]
    return all(other is not None and other.answer == question.answer for other in again)
