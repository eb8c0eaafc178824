"""Runners of a case: one session per exercise, opened as the assistant does, and its outcome."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from roma_ros.assistant.config import AssistantConfig
from roma_ros.assistant.watch_session import WatchSession
from roma_ros.evaluation.cases import Case, modality
from roma_ros.evaluation.errors import EvaluationError
from roma_ros.evaluation.outcomes import (
    AlertOutcome,
    AnswerOutcome,
    NarrationOutcome,
    Outcomes,
)
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.events import Event, Narration, SpeakProbability
from roma_ros.thinker import EncodedUnit, RomaThinker, StreamSession
from roma_ros.watch import Watch, WatchKind
from roma_ros.world import Exercise, Segment, TimedText, WorldAlert, WorldQuestion, WorldRenderer

__all__ = ["run_case"]

BOUNDS = AssistantConfig()


def run_case(thinker: RomaThinker, case: Case, triggers: TriggerSettings) -> Outcomes:
    """Run one case: a session for each of its exercises, unit by unit.

    Each unit is encoded once for all sessions, as the assistant does.

    Args:
        thinker: the weights.
        case: scene and exercises.
        triggers: thresholds of the watches.

    Raises:
        EvaluationError: the checkpoint has no speak head.
    """
    if not thinker.has_speak_source:
        raise EvaluationError(
            f"the checkpoint {thinker.name!r} has no speak head, so it has no p(speak); "
            "expected one that was trained by `roma train stage2`"
        )
    runners = _runners(thinker, case, triggers)
    try:
        for unit in WorldRenderer(case.scene):
            encoded = thinker.encode(unit)
            for runner in runners:
                runner.process(encoded)
    finally:
        for runner in runners:
            runner.close()
    outcomes = Outcomes()
    for runner in runners:
        runner.add_outcome(outcomes)
    return outcomes


class StreamRunner(ABC):
    """Session of one exercise, with the p(speak) and step times that it records.

    Args:
        thinker: the weights.
        watch: watch of the session; `None` for the system prompt alone, as for spoken
            instructions and questions.
        least_window: lower bound of the context window in seconds; the default is the
            checkpoint's own window.
    """

    def __init__(
        self, thinker: RomaThinker, watch: Watch | None, *, least_window: float = 0.0
    ) -> None:
        self.watch_session = WatchSession(watch)
        self.watch_session.open(thinker, max(thinker.context_seconds, least_window))
        self.p_speak: list[float] = []
        self.step_seconds: list[float] = []

    def process(self, unit: EncodedUnit) -> None:
        events = self.watch_session.step(unit)
        step = self.watch_session.last_step
        assert step is not None
        assert step.p_speak is not None
        self.p_speak.append(step.p_speak)
        self.step_seconds.append(step.timings.total)
        self.after_unit(unit.index, events)

    def close(self) -> None:
        self.watch_session.close()

    @property
    def session(self) -> StreamSession:
        assert self.watch_session.session is not None
        return self.watch_session.session

    @abstractmethod
    def after_unit(self, unit: int, events: list[Event]) -> None:
        """Decode text or answer questions that are due after a unit."""

    @abstractmethod
    def add_outcome(self, outcomes: Outcomes) -> None:
        """Append the outcome, after the last unit."""


class AlertRunner(StreamRunner):
    """Runner of an alert. It records p(speak) only: no text is decoded."""

    def __init__(
        self, thinker: RomaThinker, exercise: Exercise, alert: WorldAlert, triggers: TriggerSettings
    ) -> None:
        self.exercise, self.alert = exercise, alert
        watch = None
        # A spoken instruction is part of the stream: it must stay within the window.
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

    def after_unit(self, unit: int, events: list[Event]) -> None:
        """Do nothing: an alert without a reply adds no token to the stream."""

    def add_outcome(self, outcomes: Outcomes) -> None:
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


class NarrationRunner(StreamRunner):
    """Runner of a narration, whose text stays in its stream."""

    def __init__(self, thinker: RomaThinker, exercise: Exercise, triggers: TriggerSettings) -> None:
        self.exercise = exercise
        self.speak_seconds: list[float] = []
        self._published: dict[int, str] = {}
        watch = Watch(
            id=exercise.id,
            kind=WatchKind.NARRATION,
            instruction=exercise.text,
            threshold=triggers.narration_threshold,
        )
        super().__init__(thinker, watch)

    def after_unit(self, unit: int, events: list[Event]) -> None:
        begin = time.perf_counter()
        if self.watch_session.can_speak:
            events += self.watch_session.speak(BOUNDS.max_tokens_per_unit, BOUNDS.reply_tokens)
        self.speak_seconds.append(time.perf_counter() - begin)
        self._keep(events)

    def close(self) -> None:
        self._keep(self.watch_session.close())

    def add_outcome(self, outcomes: Outcomes) -> None:
        outcomes.narrations.append(
            NarrationOutcome(
                world=self.exercise.scene.seed,
                due=tuple(TimedText(reply.unit, reply.text) for reply in self.exercise.replies),
                published=tuple(
                    TimedText(unit, text) for unit, text in sorted(self._published.items())
                ),
                p_speak=np.array(self.p_speak),
                step_seconds=np.array(self.step_seconds),
                speak_seconds=np.array(self.speak_seconds),
            )
        )

    def _keep(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, SpeakProbability) and event.triggered:
                self._published.setdefault(event.unit, "")
            elif isinstance(event, Narration):
                self._published[event.unit] = event.text


class QuestionRunner(StreamRunner):
    """Runner of text questions, each answered on a branch that is discarded."""

    def __init__(self, thinker: RomaThinker, scene_seed: int, questions: Sequence[WorldQuestion]):
        super().__init__(thinker, None)
        self.answers: list[AnswerOutcome] = []
        self._world = scene_seed
        self._due: dict[int, list[WorldQuestion]] = defaultdict(list)
        for question in questions:
            self._due[question.unit].append(question)

    def after_unit(self, unit: int, events: list[Event]) -> None:
        for question in self._due[unit]:
            begin = time.perf_counter()
            with self.session.branch() as branch:
                got = branch.answer(question.text, BOUNDS.answer_tokens)
            self.answers.append(_answered(self._world, question, got, begin, spoken=False))

    def add_outcome(self, outcomes: Outcomes) -> None:
        outcomes.answers += self.answers


class SpokenQuestionRunner(QuestionRunner):
    """Runner of a question that is spoken in the stream and answered in the stream."""

    def after_unit(self, unit: int, events: list[Event]) -> None:
        for question in self._due[unit]:
            begin = time.perf_counter()
            got = self.session.speak(BOUNDS.max_tokens_per_unit).reply
            self.answers.append(_answered(self._world, question, got, begin, spoken=True))


def _answered(
    world: int, question: WorldQuestion, got: str, begin: float, *, spoken: bool
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


def _runners(thinker: RomaThinker, case: Case, triggers: TriggerSettings) -> list[StreamRunner]:
    runners: list[StreamRunner] = []
    questions: list[WorldQuestion] = []
    aloud = False
    for exercise in case.exercises:
        subject = exercise.subject
        if isinstance(subject, WorldAlert):
            runners.append(AlertRunner(thinker, exercise, subject, triggers))
        elif isinstance(subject, WorldQuestion):
            questions.append(subject)
            aloud = exercise.line is not None
        else:
            assert all(isinstance(segment, Segment) for segment in subject)
            runners.append(NarrationRunner(thinker, exercise, triggers))
    if questions:
        kind = SpokenQuestionRunner if aloud else QuestionRunner
        runners.append(kind(thinker, case.scene.seed, questions))
    return runners
