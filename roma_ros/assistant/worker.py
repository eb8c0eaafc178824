"""The assistant's worker: unit -> encode -> step of every session -> events. For one thread.

It encodes a unit once, steps the session of every watch with it, decodes replies and answers in
slices between units, and recovers from faults.
"""

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
    """Executor of all sessions' steps, of decoding, and of the recovery from faults.

    Args:
        thinker: the model.
        config: limits.
        on_event: called with each event, in order.

    Attributes:
        questions: queue of questions; takes them from any thread.
    """

    def __init__(
        self, thinker: RomaThinker, config: AssistantConfig, on_event: Callable[[Event], None]
    ) -> None:
        self.thinker = thinker
        self.config = config
        self.questions = QuestionQueue(
            limit=config.max_questions,
            max_tokens=config.answer_tokens,
            first_unit_timeout=config.first_unit_timeout,
            session_of=self._session_of,
        )
        self._on_event = on_event
        self._watch_sessions: dict[str, WatchSession] = {}  # oldest first; "": without a watch
        self._stream: int | None = None
        self._start_reason = StreamStart.FIRST
        self._unit: int | None = None
        self._stamp = 0
        self._step_times = StepTimes()
        self._units_processed = 0
        self._units_failed = 0
        self._faults = 0
        self._last_fault = ""
        self._fault_log = FaultLog(log)

    # --- slices of work ---

    @property
    def ready(self) -> set[Work]:
        """Kinds of work that can be done now, units excepted."""
        ready = set()
        if any(session.can_speak for session in self._sessions()):
            ready.add(Work.SPEECH)
        if self.questions.has_work:
            ready.add(Work.ANSWER)
        return ready

    def process(self, unit: MultimodalUnit) -> None:
        """Encode a unit once, and step every session with it."""
        if unit.stream != self._stream:
            self._start_stream(unit)
        begin = time.perf_counter()
        self._stamp = unit.end
        postponed = self._open_sessions()
        encoded = self._encode(unit)
        if encoded is None:
            self._units_failed += 1
            return
        stepped = sum(self._step(session, encoded) for session in self._sessions())
        self._units_failed += stepped + postponed < len(self._watch_sessions)
        if not stepped:
            return
        self._unit = unit.index
        self._units_processed += 1
        self._step_times.add(time.perf_counter() - begin)

    def _step(self, session: WatchSession, unit: EncodedUnit) -> bool:
        """Step one session; return whether that succeeded."""
        if session.session is None:  # postponed, or it could not be opened, which was reported
            return False
        events: list[Event] | None = None
        with self.recovering("step", session):
            events = session.step(unit)
        self._emit(events or ())
        return events is not None

    def decode_reply(self) -> None:
        """Decode the oldest reply whose budget since the last unit is not spent."""
        session = next(session for session in self._sessions() if session.can_speak)
        with self.recovering("speak", session):
            self._emit(session.speak(self.config.max_tokens_per_unit, self.config.reply_tokens))

    def decode_answer(self) -> None:
        """Decode a slice of the current answer, or of the next question's."""
        session = self.questions.start_next()
        if session is not None:
            with self.recovering("answer", session):
                self._emit(self.questions.decode_slice())

    # --- commands, applied between slices ---

    def add_watch(self, watch: Watch) -> None:
        """Add a watch. Its session is opened with the next unit, so that commands are quick."""
        self._watch_sessions[watch.id] = WatchSession(watch)

    def remove_watch(self, watch: Watch) -> None:
        """Remove a watch, close its session, and end its questions."""
        ended = f"watch {watch.id!r} has ended before the answer; ask the oldest, or another"
        self.questions.fail_waiting(ended, lambda question: question.watch == watch.id)
        self._close_session(self._watch_sessions.pop(watch.id), QuestionLostError(ended))

    def adjust_watch(self, watch: Watch) -> None:
        """Set a watch's threshold, window and cooldown."""
        self._watch_sessions[watch.id].adjust(watch)

    def reset(self) -> None:
        """End the stream and all questions; the watches stay."""
        self._end_stream("the assistant was reset")
        self._stream = self._unit = None
        self._start_reason = StreamStart.RESET

    def close(self) -> None:
        """Close all sessions; unfinished replies are published as they are."""
        for session in self._sessions():
            self._close_session(session, QuestionLostError("the assistant was closed"))
        self._watch_sessions.clear()

    # --- reporting ---

    def warn(self, watch: str, text: str, message: str) -> None:
        """Emit a warning on the parts of an instruction or question that the model cannot know."""
        stream = -1 if self._stream is None else self._stream
        self._emit(
            [
                InstructionWarning(
                    stream=stream, stamp=self._stamp, watch=watch, text=text, message=message
                )
            ]
        )

    def report_lag(self, losses: Losses, *, recovered: bool) -> None:
        """Emit a `Lag` event."""
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
        """Return the worker's part of the status."""
        p50, p99 = self._step_times.p50_p99()
        sessions = (session.status() for session in self._sessions())
        return AssistantStatus(
            stream=self._stream,
            unit=self._unit,
            stamp=None if self._unit is None else self._stamp,
            units_processed=self._units_processed,
            units_failed=self._units_failed,
            faults=self._faults,
            last_fault=self._last_fault,
            step_last=self._step_times.last,
            step_p50=p50,
            step_p99=p99,
            sessions=tuple(status for status in sessions if status is not None),
        )

    # --- sessions and streams ---

    def _sessions(self) -> list[WatchSession]:
        return list(self._watch_sessions.values())

    def _session_of(self, watch: str | None) -> WatchSession | None:
        """Return the session that answers for a watch; without a watch, the oldest."""
        return self._watch_sessions.get(watch) if watch else next(iter(self._sessions()), None)

    def _open_sessions(self) -> int:
        """Open the sessions that `opening_seconds` leave time for, oldest first.

        A session without a watch is there only if there is no other.

        Returns:
            Number of sessions that are left for the next unit.
        """
        if not self._watch_sessions:
            self._watch_sessions[""] = WatchSession(None)
        spare = self._watch_sessions.get("")
        if spare is not None and len(self._watch_sessions) > 1 and not self.questions.uses(spare):
            del self._watch_sessions[""]
            spare.close()
        limit = self.config.opening_seconds
        begin = time.monotonic()
        closed = [session for session in self._sessions() if session.session is None]
        for opened, session in enumerate(closed):
            if opened and limit is not None and time.monotonic() - begin > limit:
                return len(closed) - opened
            with self.recovering("open", session):
                session.open(
                    self.thinker,
                    self.config.context_seconds,
                    context_policy=self.config.context_policy,
                    handover_overlap=self.config.handover_overlap,
                    memory_megabytes=self.config.memory_megabytes,
                )
        return 0

    def _close_session(self, session: WatchSession, error: Exception) -> None:
        """Close a session, and end the answer that is decoded on it."""
        if self.questions.uses(session):
            self.questions.fail_current(error)
        self._emit(session.close())

    def _start_stream(self, unit: MultimodalUnit) -> None:
        if self._stream is not None:
            self._end_stream("the sensors' stream restarted")
            self._start_reason = StreamStart.SENSORS
        self._stream = unit.stream
        self._emit([StreamStarted(stream=unit.stream, stamp=unit.end, reason=self._start_reason)])

    def _end_stream(self, reason: str) -> None:
        message = f"{reason} before the answer; ask again"
        self.questions.fail_current(QuestionLostError(message))
        self.questions.fail_waiting(message)
        for session in self._sessions():
            self._emit(session.restart())

    def _encode(self, unit: MultimodalUnit) -> EncodedUnit | None:
        """Run the encoders; return `None` after a fault."""
        encoded = None
        with self.recovering("encode"):
            encoded = self.thinker.encode(unit)
        return encoded  # noqa: RET504 - the context manager may have swallowed an error

    # --- recovery ---

    @contextmanager
    def recovering(self, during: str, session: WatchSession | None = None) -> Iterator[None]:
        """Catch every error: close the session that it concerns, and emit a `Fault`.

        Args:
            during: what is being done, such as "encode".
            session: the session that restarts after an error; `None`: no session does.
        """
        try:
            yield
        except Exception as error:
            expected = isinstance(error, ThinkerError)
            count = self._fault_log.record(during, error, expected=expected)
            if session is not None:
                self._close_session(session, error)
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
                during = f"pass {type(event).__name__} to on_event"
                self._last_fault = f"could not {during}: {type(error).__name__}: {error}"
                self._fault_log.record(during, error)
