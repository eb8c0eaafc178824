"""Plan of a run of the demo, from a seed: what to play, watches, questions and answers. No ROS."""

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
"""Names of watches; an alert whose event happens is named after its kind."""
TAIL = 1
"""Seconds that are played after the last unit: a unit closes when later data has arrived."""
ANSWER_LASTS = 2
"""Units for which an answer stays correct, so that a question may be late by them."""

KINDS = (AlertKind.VISUAL, AlertKind.AUDIO, AlertKind.JOINT)
ALERTS, QUESTIONS = 24, 40  # number of candidates
LONGEST = 0.5  # largest share of the stream that an event may take
QUESTION_KINDS = (  # on the present, on the past, on counts; asked in this order
    (QuestionKind.SEEN_NOW, QuestionKind.COLOUR_NOW, QuestionKind.SHAPE_NOW),
    (QuestionKind.COLOUR_BEFORE, QuestionKind.SHAPE_BEFORE, QuestionKind.ORDER),
    (QuestionKind.SHAPES_SO_FAR, QuestionKind.SOUNDS_SO_FAR),
)


class PlanError(ValueError):
    """Raised when the stream of the seed has no event for an alert, or nothing to narrate."""


@dataclass(frozen=True, slots=True)
class AlertWatch:
    """An alert of the plan.

    Attributes:
        name: name of the watch.
        instruction: instruction of the watch.
        windows: units of each occurrence of the event; empty for a near miss.
    """

    name: str
    instruction: str
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class PlannedQuestion:
    """A question of the plan.

    Attributes:
        text: the question.
        answer: the correct answer.
        unit: index of the unit after which it is asked.
        latest: index of the last unit up to which the answer is correct.
    """

    text: str
    answer: str
    unit: int
    latest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """One run of the demo.

    Attributes:
        scene: what is played; `TAIL` longer than `units`.
        units: number of units that are checked; unit k is the second [k, k + 1) of the scene.
        alerts: alerts to watch for.
        segments: segments to narrate; those that end after the last unit are optional.
        questions: questions in the order in which they are asked.
    """

    scene: Scene
    units: int
    alerts: tuple[AlertWatch, ...]
    segments: tuple[Segment, ...]
    questions: tuple[PlannedQuestion, ...]

    @property
    def watches(self) -> tuple[str, ...]:
        """Names of the watches in the order in which they are added; questions go to the first."""
        return (*(alert.name for alert in self.alerts), NARRATION)

    def should_trigger(self, watch: str, unit: int) -> bool:
        """Return whether a watch should trigger at a unit."""
        if watch == NARRATION:
            return any(segment.end == unit for segment in self.segments)
        return any(
            window.first <= unit <= window.last
            for alert in self.alerts
            if alert.name == watch
            for window in alert.windows
        )


def make_plan(seed: int, units: int) -> DemoPlan:
    """Generate a stream of successive events, and choose watches and questions for it.

    One alert is chosen of each kind of event that happens, and one that nearly happens; one
    question on the present, one on the past and one on a count.

    Args:
        seed: seed of the scene and of every choice.
        units: number of units to check, one per second.

    Raises:
        SceneError: the seed or the length is out of range.
        PlanError: there is no event for an alert, or nothing to narrate.
    """
    scene = make_scene(seed, units + TAIL, Plot.SEQUENCE)
    alerts = _alerts(scene, units)
    segments = narrate(scene)
    if not any(alert.windows for alert in alerts) or not segments or segments[0].end >= units:
        raise PlanError(
            f"seed {seed} has no event for an alert, or nothing to narrate, in its {units} s; "
            "choose another seed"
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
    """Return the name of a watch for an alert; `None` if the alert does not suit the demo."""
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
    """Return whether the answer stays the same for `ANSWER_LASTS` units."""
    later = (question.unit + units for units in range(1, ANSWER_LASTS + 1))
    again = [asked_again(replace(question, unit=unit), scene) for unit in later]
    return all(other is not None and other.answer == question.answer for other in again)
