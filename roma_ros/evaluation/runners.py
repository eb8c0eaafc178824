"""Those who follow a scene: each has a session as the assistant gives it, and keeps an outcome."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from roma_ros.assistant.config import AssistantConfig
from roma_ros.assistant.watch_session import WatchSession
from roma_ros.evaluation.cases import Showing, modality
from roma_ros.evaluation.errors import EvaluationError
from roma_ros.evaluation.outcomes import (
    AlertOutcome,
    AnswerOutcome,
    NarrationOutcome,
    Outcomes,
    Saying,
)
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.events import Event, Narration, SpeakProbability
from roma_ros.thinker import EncodedUnit, RomaThinker, StreamSession
from roma_ros.watch import Watch, WatchKind
from roma_ros.world import Alert, Exercise, Question, Segment, WorldRenderer

__all__ = ["attend"]

BOUNDS = AssistantConfig()


def attend(thinker: RomaThinker, showing: Showing, triggers: TriggerSettings) -> Outcomes:
    """Show a scene, unit by unit, to a session for each of its exercises.

    Each unit is encoded once, as the assistant does it.

    Raises:
        EvaluationError: the checkpoint has no speak head.
    """
    if not thinker.has_speak_source:
        raise EvaluationError(
            f"the checkpoint {thinker.name!r} has no speak head, so it never speaks up; "
            "expected one that has been trained by `roma train stage2`"
        )
    listeners = _listeners(thinker, showing, triggers)
    try:
        for unit in WorldRenderer(showing.scene):
            encoded = thinker.encode(unit)
            for listener in listeners:
                listener.hear(encoded)
    finally:
        for listener in listeners:
            listener.close()
    outcomes = Outcomes()
    for listener in listeners:
        listener.report(outcomes)
    return outcomes


class Listener(ABC):
    """A watch_session of the stream, and what it went through.

    Args:
        thinker: the weights.
        watch: under which it follows; `None` for the system prompt alone, which is how spoken
            instructions and questions are heard.
        least_window: seconds that the window has at least; otherwise it is the checkpoint's.
    """

    def __init__(
        self, thinker: RomaThinker, watch: Watch | None, *, least_window: float = 0.0
    ) -> None:
        self.watch_session = WatchSession(watch)
        self.watch_session.open(thinker, max(thinker.context_seconds, least_window))
        self.p_speak: list[float] = []
        self.step_seconds: list[float] = []

    def hear(self, unit: EncodedUnit) -> None:
        events = self.watch_session.hear(unit)
        step = self.watch_session.step
        assert step is not None
        assert step.p_speak is not None
        self.p_speak.append(step.p_speak)
        self.step_seconds.append(step.timings.total)
        self.react(unit.index, events)

    def close(self) -> None:
        self.watch_session.close()

    @property
    def session(self) -> StreamSession:
        assert self.watch_session.session is not None
        return self.watch_session.session

    @abstractmethod
    def react(self, unit: int, events: list[Event]) -> None:
        """Do what is to be done after a unit."""

    @abstractmethod
    def report(self, outcomes: Outcomes) -> None:
        """Add what came of it, after the last unit."""


class AlertListener(Listener):
    """Waits for an event. Only p(speak) is kept: the trigger says when, and nothing is said."""

    def __init__(
        self, thinker: RomaThinker, exercise: Exercise, alert: Alert, triggers: TriggerSettings
    ) -> None:
        self.exercise, self.alert = exercise, alert
        watch = None
        # An instruction that is spoken in the stream itself is forgotten once its units leave.
        spoken = exercise.scene.seconds if exercise.line is not None else 0
        if exercise.line is None:
            watch = Watch(
                id=exercise.id,
                kind=WatchKind.ALERT,
                instruction=exercise.text,
                threshold=triggers.threshold,
                window=triggers.window,
            )
        super().__init__(thinker, watch, least_window=spoken)

    def react(self, unit: int, events: list[Event]) -> None:
        """An alert without a reply leaves no trace in the stream."""

    def report(self, outcomes: Outcomes) -> None:
        alert, scene = self.alert, self.exercise.scene
        outcomes.alerts.append(
            AlertOutcome(
                world=scene.seed,
                kind=alert.event.kind,
                spoken=self.exercise.line is not None,
                recurring=alert.every_time or len(alert.windows) > 1,
                labels=alert.labels,
                modality=modality(alert.event.kind, scene),
                p_speak=np.array(self.p_speak),
                step_seconds=np.array(self.step_seconds),
            )
        )


class NarrationListener(Listener):
    """Narrates; what it says stays in its stream."""

    def __init__(self, thinker: RomaThinker, exercise: Exercise, triggers: TriggerSettings) -> None:
        self.exercise = exercise
        self.speak_seconds: list[float] = []
        self._said: dict[int, str] = {}
        watch = Watch(
            id=exercise.id,
            kind=WatchKind.NARRATION,
            instruction=exercise.text,
            threshold=triggers.narration_threshold,
        )
        super().__init__(thinker, watch)

    def react(self, unit: int, events: list[Event]) -> None:
        begin = time.perf_counter()
        if self.watch_session.wants_to_speak:
            events += self.watch_session.speak(BOUNDS.max_tokens_per_unit, BOUNDS.reply_tokens)
        self.speak_seconds.append(time.perf_counter() - begin)
        self._keep(events)

    def close(self) -> None:
        self._keep(self.watch_session.close())

    def report(self, outcomes: Outcomes) -> None:
        outcomes.narrations.append(
            NarrationOutcome(
                world=self.exercise.scene.seed,
                due=tuple(Saying(reply.unit, reply.text) for reply in self.exercise.replies),
                said=tuple(Saying(unit, text) for unit, text in sorted(self._said.items())),
                p_speak=np.array(self.p_speak),
                step_seconds=np.array(self.step_seconds),
                speak_seconds=np.array(self.speak_seconds),
            )
        )

    def _keep(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, SpeakProbability) and event.triggered:
                self._said.setdefault(event.unit, "")
            elif isinstance(event, Narration):
                self._said[event.unit] = event.text


class QuestionsListener(Listener):
    """Is asked questions, each on a branch of its own that is thrown away."""

    def __init__(self, thinker: RomaThinker, scene_seed: int, questions: Sequence[Question]):
        super().__init__(thinker, None)
        self.answers: list[AnswerOutcome] = []
        self._world = scene_seed
        self._due: dict[int, list[Question]] = defaultdict(list)
        for question in questions:
            self._due[question.unit].append(question)

    def react(self, unit: int, events: list[Event]) -> None:
        for question in self._due[unit]:
            begin = time.perf_counter()
            with self.session.branch() as branch:
                got = branch.answer(question.text, BOUNDS.answer_tokens)
            self.answers.append(_answered(self._world, question, got, begin, spoken=False))

    def report(self, outcomes: Outcomes) -> None:
        outcomes.answers += self.answers


class SpokenQuestionListener(QuestionsListener):
    """Hears a question in the stream, and replies there when it is over."""

    def react(self, unit: int, events: list[Event]) -> None:
        for question in self._due[unit]:
            begin = time.perf_counter()
            got = self.session.speak(BOUNDS.max_tokens_per_unit).reply
            self.answers.append(_answered(self._world, question, got, begin, spoken=True))


def _answered(
    world: int, question: Question, got: str, begin: float, *, spoken: bool
) -> AnswerOutcome:
    return AnswerOutcome(
        world=world,
        kind=question.kind,
        spoken=spoken,
        question=question.text,
        right=question.answer,
        got=got.strip(),
        seconds=time.perf_counter() - begin,
    )


def _listeners(thinker: RomaThinker, showing: Showing, triggers: TriggerSettings) -> list[Listener]:
    listeners: list[Listener] = []
    questions: list[Question] = []
    aloud = False
    for exercise in showing.exercises:
        subject = exercise.subject
        if isinstance(subject, Alert):
            listeners.append(AlertListener(thinker, exercise, subject, triggers))
        elif isinstance(subject, Question):
            questions.append(subject)
            aloud = exercise.line is not None
        else:
            assert all(isinstance(segment, Segment) for segment in subject)
            listeners.append(NarrationListener(thinker, exercise, triggers))
    if questions:
        kind = SpokenQuestionListener if aloud else QuestionsListener
        listeners.append(kind(thinker, showing.scene.seed, questions))
    return listeners
