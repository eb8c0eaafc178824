"""What the assistant's worker does, one slice at a time. Everything here is for one thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from roma_ros.assistant.backlog import Losses
from roma_ros.assistant.config import AssistantConfig
from roma_ros.assistant.question_queue import QuestionLostError, QuestionQueue
from roma_ros.assistant.scheduler import Work
from roma_ros.assistant.status import AssistantStatus, StepTimes
from roma_ros.assistant.watch_session import WatchSession
from roma_ros.events import Event, Fault, InstructionWarning, Lag, StreamStart, StreamStarted
from roma_ros.fault_log import FaultLog
from roma_ros.thinker import EncodedUnit, RomaThinker, ThinkerError
from roma_ros.units import MultimodalUnit
from roma_ros.watch import Watch

__all__ = ["Worker"]

log = logging.getLogger(__name__)


class Worker:
    """Hears units in all sessions, goes on with replies and answers, and mends what breaks.

    Args:
        thinker: the weights.
        config: bounds.
        on_event: called for each event, in order.

    Attributes:
        questions: where questions are put, from any thread.
    """

    def __init__(
        self, thinker: RomaThinker, config: AssistantConfig, on_event: Callable[[Event], None]
    ) -> None:
        self.thinker = thinker
        self.config = config
        self.questions = QuestionQueue(
            limit=config.max_questions,
            longest=config.answer_tokens,
            patience=config.first_unit_timeout,
            session_of=self._session_of,
        )
        self._on_event = on_event
        self._watch_sessions: dict[str, WatchSession] = {}  # oldest first; "" is without a watch
        self._stream: int | None = None
        self._start_reason = StreamStart.FIRST
        self._unit: int | None = None
        self._stamp = 0
        self._step_times = StepTimes()
        self._units_heard = 0
        self._units_unjudged = 0
        self._faults = 0
        self._last_fault = ""
        self._fault_log = FaultLog(log)

    # --- slices of work ---

    @property
    def waiting(self) -> set[Work]:
        """The slices that could be done now."""
        waiting = set()
        if any(session.wants_to_speak for session in self._all()):
            waiting.add(Work.SPEECH)
        if self.questions.has_work:
            waiting.add(Work.ANSWER)
        return waiting

    def hear(self, unit: MultimodalUnit) -> None:
        """Encode a unit once, and step every session with it."""
        if unit.stream != self._stream:
            self._start_stream(unit)
        begin = time.perf_counter()
        self._stamp = unit.end
        self._settle_sessions()
        encoded = self._encode(unit)
        if encoded is None:
            self._units_unjudged += 1
            return
        judged = sum(self._judge(session, encoded) for session in self._all())
        self._units_unjudged += judged < len(self._watch_sessions)
        if not judged:
            return
        self._unit = unit.index
        self._units_heard += 1
        self._step_times.add(time.perf_counter() - begin)

    def _judge(self, session: WatchSession, unit: EncodedUnit) -> bool:
        """Step one session; returns whether it has judged the unit."""
        if session.session is None:  # it could not be opened, which has been told
            return False
        events: list[Event] | None = None
        with self.mending("hear", session):
            events = session.hear(unit)
        self._emit(events or ())
        return events is not None

    def speak(self) -> None:
        """Go on with the oldest reply that has not had its share since the last unit."""
        session = next(session for session in self._all() if session.wants_to_speak)
        with self.mending("speak", session):
            self._emit(session.speak(self.config.max_tokens_per_unit, self.config.reply_tokens))

    def answer(self) -> None:
        """Go on with the answer that is being decoded, or begin the next."""
        session = self.questions.begin()
        if session is not None:
            with self.mending("answer", session):
                self._emit(self.questions.go_on())

    # --- changes between slices ---

    def follow(self, watch: Watch) -> None:
        """Its session is opened with the next unit, so that changes are quick however many."""
        self._watch_sessions[watch.id] = WatchSession(watch)

    def unfollow(self, watch: Watch) -> None:
        ended = f"watch {watch.id!r} has ended before the answer; ask the oldest, or another"
        self.questions.lose(ended, lambda question: question.watch == watch.id)
        self._dismiss(self._watch_sessions.pop(watch.id), QuestionLostError(ended))

    def adjust(self, watch: Watch) -> None:
        self._watch_sessions[watch.id].adjust(watch)

    def restart(self) -> None:
        """Forget the stream, and all questions."""
        self._forget_stream("the assistant was reset")
        self._stream = self._unit = None
        self._start_reason = StreamStart.RESET

    def lose_questions(self, why: str) -> None:
        self.questions.end(QuestionLostError(f"{why} before the answer; ask again"))
        self.questions.lose(f"{why} before the answer; ask again")

    def close(self) -> None:
        """Free all sessions; what was being said is told as far as it came."""
        for session in self._all():
            self._dismiss(session, QuestionLostError("the assistant was closed"))
        self._watch_sessions.clear()

    # --- reporting ---

    def warn(self, watch: str, text: str, message: str) -> None:
        """Tell what the model cannot know of an instruction or a question."""
        stream = -1 if self._stream is None else self._stream
        self._emit(
            [
                InstructionWarning(
                    stream=stream, stamp=self._stamp, watch=watch, text=text, message=message
                )
            ]
        )

    def report_lag(self, losses: Losses, *, recovered: bool) -> None:
        lag = Lag(
            stream=-1 if self._stream is None else self._stream,
            stamp=self._stamp,
            policy=self.config.lag_policy,
            dropped=losses.dropped,
            audio_only=losses.audio_only,
            recovered=recovered,
        )
        self._emit([lag])

    def status(self) -> AssistantStatus:
        """The part of the status that the loop knows."""
        p50, p99 = self._step_times.p50_p99()
        return AssistantStatus(
            stream=self._stream,
            unit=self._unit,
            stamp=None if self._unit is None else self._stamp,
            units_heard=self._units_heard,
            units_unjudged=self._units_unjudged,
            faults=self._faults,
            last_fault=self._last_fault,
            step_last=self._step_times.last,
            step_p50=p50,
            step_p99=p99,
            sessions=tuple(s for session in self._all() if (s := session.status()) is not None),
        )

    # --- sessions and streams ---

    def _all(self) -> list[WatchSession]:
        return list(self._watch_sessions.values())

    def _session_of(self, watch: str | None) -> WatchSession | None:
        """Who answers for a watch, or the oldest."""
        return self._watch_sessions.get(watch) if watch else next(iter(self._all()), None)

    def _settle_sessions(self) -> None:
        """Before a unit: one session without a watch only if there is no other, and all open."""
        if not self._watch_sessions:
            self._watch_sessions[""] = WatchSession(None)
        spare = self._watch_sessions.get("")
        if spare is not None and len(self._watch_sessions) > 1 and not self.questions.serves(spare):
            del self._watch_sessions[""]
            spare.close()
        for session in self._all():
            if session.session is None:
                with self.mending("open", session):
                    session.open(self.thinker, self.config.context_seconds)

    def _dismiss(self, session: WatchSession, error: Exception) -> None:
        """Close a session's session, and give up the answer that comes from it."""
        if self.questions.serves(session):
            self.questions.end(error)
        self._emit(session.close())

    def _start_stream(self, unit: MultimodalUnit) -> None:
        if self._stream is not None:
            self._forget_stream("the sensors' stream started again")
            self._start_reason = StreamStart.SENSORS
        self._stream = unit.stream
        self._emit([StreamStarted(stream=unit.stream, stamp=unit.end, reason=self._start_reason)])

    def _forget_stream(self, why: str) -> None:
        self.lose_questions(why)
        for session in self._all():
            self._emit(session.restart())

    def _encode(self, unit: MultimodalUnit) -> EncodedUnit | None:
        """Run the encoders; `None` if the unit is of no use."""
        encoded = None
        with self.mending("encode"):
            encoded = self.thinker.encode(unit)
        return encoded  # noqa: RET504 - the context manager may have swallowed an error

    # --- mending ---

    @contextmanager
    def mending(self, during: str, session: WatchSession | None = None) -> Iterator[None]:
        """Whatever goes wrong costs at most this session's memory, never the worker."""
        try:
            yield
        except Exception as error:
            expected = isinstance(error, ThinkerError)
            count = self._fault_log.record(during, error, expected=expected)
            if session is not None:
                self._dismiss(session, error)
            self._faults += 1
            self._last_fault = f"could not {during}: {type(error).__name__}: {error}"
            fault = Fault(
                stream=-1 if self._stream is None else self._stream,
                stamp=self._stamp,
                watch=session.id if session else "",
                during=during,
                error=f"{type(error).__name__}: {error}",
                restarted=session is not None,
                count=count,
            )
            self._emit([fault])

    def _emit(self, events: Iterable[Event]) -> None:
        for event in events:
            try:
                self._on_event(event)
            except Exception as error:
                self._faults += 1
                during = f"tell on_event of {type(event).__name__}"
                self._last_fault = f"could not {during}: {type(error).__name__}: {error}"
                self._fault_log.record(during, error)
