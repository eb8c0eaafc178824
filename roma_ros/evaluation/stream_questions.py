"""Questions on continuous streams: on branches that are discarded or kept, and spoken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from roma_ros.evaluation.stream_outcomes import StreamAlert, StreamAnswer, StreamOutcomes
from roma_ros.evaluation.stream_protocol import EvalSection, StreamProtocol
from roma_ros.evaluation.stream_sessions import FreshSessions, WholeSession
from roma_ros.evaluation.stream_watches import AlertCase, alert_watch
from roma_ros.thinker import EncodedUnit, RomaThinker
from roma_ros.world import (
    PRESENT_KINDS,
    ContinuousStream,
    QuestionKind,
    Scene,
    WorldQuestion,
    make_continuous,
    questions_on,
)
from roma_ros.world.questions import asked_again

__all__ = ["Beside", "BranchQuestions", "KeptQuestions", "run_spoken_questions"]

ASK_EVERY = 6  # units between two questions
KEEP_EVERY = 20  # units between two questions that are kept
FIRST_ASKED = 2  # units of a scene before the first question on the present
WINDOW_KINDS = tuple(kind for kind in QuestionKind if kind not in PRESENT_KINDS)


class Beside(ABC):
    """Session with questions that is stepped beside the alerts of a stream."""

    @abstractmethod
    def sessions(self) -> list[WholeSession]:
        """Return the sessions that follow the whole stream."""

    @abstractmethod
    def process(self, unit: EncodedUnit) -> None:
        """Process a unit and ask what is due."""

    @abstractmethod
    def close(self) -> StreamOutcomes:
        """Close the sessions and return what they recorded."""


class BranchQuestions(Beside):
    """Typed questions on the present and on what is in sight, on branches that are discarded."""

    def __init__(
        self,
        thinker: RomaThinker,
        protocol: StreamProtocol,
        stream: ContinuousStream,
        section: EvalSection,
        *,
        fresh: bool,
    ) -> None:
        self._stream, self._section = stream, section
        self._whole = WholeSession(thinker, None, protocol.context)
        self._fresh = FreshSessions(thinker, None, protocol.context) if fresh else None
        self._starts = {part.start for part in stream.parts}
        self._answers: list[StreamAnswer] = []

    def sessions(self) -> list[WholeSession]:
        return [self._whole]

    def process(self, unit: EncodedUnit) -> None:
        self._whole.process(unit)
        if self._fresh is not None:
            self._fresh.process(unit, begins=unit.index in self._starts)
        since = unit.index + 1 - self._stream.part_at(unit.index).start
        if (unit.index + 1) % ASK_EVERY:
            return
        if since > FIRST_ASKED:
            for question in self._stream.questions(unit.index, 1, PRESENT_KINDS, seconds=since):
                self._ask(self._whole, "present", question)
                if self._fresh is not None:
                    assert self._fresh.now is not None
                    self._ask(self._fresh.now, "present", question)
        for session in (self._whole, None if self._fresh is None else self._fresh.now):
            if session is not None:
                kept = session.session.units_kept
                asked = self._stream.questions(unit.index, 1, WINDOW_KINDS, seconds=kept)
                for question in asked:
                    self._ask(session, "window", question)

    def close(self) -> StreamOutcomes:
        self._whole.close()
        if self._fresh is not None:
            self._fresh.close()
        return StreamOutcomes(answers=self._answers)

    def _ask(self, session: WholeSession, mode: str, question: WorldQuestion) -> None:
        got = session.answer(question.text)
        fresh = session is not self._whole
        seed = self._stream.seed
        self._answers.append(_answer(self._section, seed, mode, question, got, fresh=fresh))


class KeptQuestions(Beside):
    """An alert, with questions on the present whose answers are kept in its session."""

    def __init__(
        self,
        thinker: RomaThinker,
        protocol: StreamProtocol,
        stream: ContinuousStream,
        section: EvalSection,
        case: AlertCase,
    ) -> None:
        self._stream, self._section, self._case = stream, section, case
        self._whole = WholeSession(thinker, alert_watch(case, protocol), protocol.context)
        self._answers: list[StreamAnswer] = []

    def sessions(self) -> list[WholeSession]:
        return [self._whole]

    def process(self, unit: EncodedUnit) -> None:
        self._whole.process(unit)
        if (unit.index + 1) % KEEP_EVERY:
            return
        since = unit.index + 1 - self._stream.part_at(unit.index).start
        for question in self._stream.questions(unit.index, 1, PRESENT_KINDS, seconds=since):
            got = self._whole.answer(question.text, keep=True)
            seed = self._stream.seed
            answer = _answer(self._section, seed, "kept", question, got, fresh=False)
            self._answers.append(answer)

    def close(self) -> StreamOutcomes:
        case = self._case
        alert = StreamAlert(
            section=self._section,
            stream=str(self._stream.seed),
            group=case.group,
            kind=case.kind,
            instruction=case.instruction,
            labels=case.labels,
            session=self._whole.close(),
        )
        return StreamOutcomes(alerts=[alert], answers=self._answers)


def run_spoken_questions(
    thinker: RomaThinker, protocol: StreamProtocol, seed: int, seconds: int
) -> StreamOutcomes:
    """Run spoken questions on one stream: each scene ends with one, which is answered in it."""
    stream, questions = _spoken_question_stream(seed, seconds)
    section = EvalSection.CONTINUOUS
    whole = WholeSession(thinker, None, protocol.context)
    fresh = FreshSessions(thinker, None, protocol.context)
    starts = {part.start for part in stream.parts}
    answers = []
    for unit in stream.units():
        encoded = thinker.encode(unit)
        whole.process(encoded)
        fresh.process(encoded, begins=unit.index in starts)
        question = questions.get(unit.index)
        if question is None:
            continue
        assert fresh.now is not None
        for session in (whole, fresh.now):
            kept = session.session.units_kept
            again = asked_again(replace(question, unit=kept - 1), stream.window(unit.index, kept))
            got = session.answer_spoken()
            if again is not None:
                asked = replace(again, unit=unit.index)
                answers.append(
                    _answer(section, seed, "spoken", asked, got, fresh=session is fresh.now)
                )
    whole.close()
    fresh.close()
    return StreamOutcomes(answers=answers)


def _spoken_question_stream(
    seed: int, seconds: int
) -> tuple[ContinuousStream, dict[int, WorldQuestion]]:
    """Return a stream whose scenes end with a spoken question, and the questions by unit."""
    plain = make_continuous(seed, 3 * seconds)  # a question ends its scene early
    scenes: list[Scene] = []
    asked: list[tuple[int, WorldQuestion]] = []
    for part in plain.parts:
        if sum(scene.seconds for scene in scenes) >= seconds:
            break
        exercises = () if part.quiet else questions_on(part.scene, 1, spoken=True)
        for exercise in exercises:
            assert isinstance(exercise.subject, WorldQuestion)
            scenes.append(exercise.scene)
            asked.append((len(scenes) - 1, exercise.subject))
        if not exercises:
            scenes.append(part.scene)
    stream = ContinuousStream(seed, scenes)
    return stream, {stream.parts[at].end - 1: question for at, question in asked}


def _answer(
    section: EvalSection, seed: int, mode: str, question: WorldQuestion, got: str, *, fresh: bool
) -> StreamAnswer:
    return StreamAnswer(
        section=section,
        stream=str(seed),
        mode=mode,
        unit=question.unit,
        fresh=fresh,
        kind=question.kind.name.lower(),
        question=question.text,
        right=question.answer,
        got=got,
    )
