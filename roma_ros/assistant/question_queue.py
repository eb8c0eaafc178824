"""Questions about the stream: the queue, and the answer that is being decoded.

`Assistant.ask` puts questions here from any thread; the worker decodes one answer at a time, on a
branch of a watch's session, in slices of a few tokens between units.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from roma_ros.assistant.watch_session import WatchSession
from roma_ros.events import Answer
from roma_ros.thinker import (
    Branch,
    BranchError,
    QuestionTooLongError,
    ThinkerError,
    UnitStep,
)
from roma_ros.thinker.branch import QUESTION_CHARACTERS

__all__ = [
    "AnswerDecoder",
    "AnswerFuture",
    "EmptyQuestionError",
    "PendingQuestion",
    "QuestionCancelledError",
    "QuestionError",
    "QuestionLostError",
    "QuestionQueue",
    "TooManyQuestionsError",
    "UnknownWordsError",
]

log = logging.getLogger(__name__)

TOKENS_PER_SLICE = 8


class QuestionError(Exception):
    """Base of the errors of questions, `QuestionTooLongError` excepted."""


class EmptyQuestionError(QuestionError, ValueError):
    """Raised when the question has no words."""


class TooManyQuestionsError(QuestionError):
    """Raised when the queue is full; ask again when a question was answered."""


class UnknownWordsError(QuestionError, ValueError):
    """Raised when a question asks for what the model does not know, see or hear (`strict`)."""


class QuestionLostError(QuestionError):
    """Raised when the stream, the session or the assistant ended before the answer."""


class QuestionCancelledError(QuestionError):
    """Raised when the question was cancelled while its answer was being decoded."""


class AnswerFuture(Future[Answer]):
    """Future of an answer; `cancel` also ends an answer that is being decoded.

    Attributes:
        cancel_requested: whether `cancel` was called before the answer was whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cancel_requested = False

    def cancel(self) -> bool:
        """Cancel the question, and free its place in the queue.

        A question that waits is cancelled at once. An answer that is being decoded ends within a
        few tokens, with a `QuestionCancelledError`, unless it is whole by then.

        Returns:
            False if the future is done already.
        """
        if super().cancel() or not self.done():
            self.cancel_requested = True
        return self.cancel_requested


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PendingQuestion:
    """A question that waits for its answer.

    Attributes:
        text: the question, at most 2,000 characters.
        watch: id of the watch whose session answers; `None`: the oldest.
        keep: whether question and answer are to become part of the session.
        asked: time of the question on the monotonic clock [s].
        on_text: called by the worker after each slice with the answer so far.
        future: result of the question: the answer, or an error.

    Raises:
        EmptyQuestionError: it has no words.
        QuestionTooLongError: it has too many characters.
    """

    text: str
    watch: str | None
    keep: bool
    asked: float = field(default_factory=time.monotonic)
    on_text: Callable[[str], object] | None = None
    future: AnswerFuture = field(default_factory=AnswerFuture)

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise EmptyQuestionError("the question is empty; ask it in words")
        if len(self.text) > QUESTION_CHARACTERS:
            raise QuestionTooLongError(
                f"the question has {len(self.text)} characters; at most {QUESTION_CHARACTERS} fit"
            )

    def report_text(self, text: str) -> None:
        """Call `on_text` with the answer so far; an error of it is logged and ends nothing."""
        if self.on_text is not None:
            try:
                self.on_text(text)
            except Exception:
                log.exception("on_text failed")

    def fail(self, error: Exception) -> None:
        """Set an error as the future's result, unless the question was cancelled."""
        if self.future.running() or self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class AnswerDecoder:
    """Decoder of one answer on a branch, slice by slice; the session continues meanwhile.

    Args:
        question: the question.
        watch_session: the session that answers; it has processed a unit.
        max_tokens: tokens after which the answer is cut.

    Raises:
        ThinkerError: the question is too long in tokens, or the session has another branch.
    """

    def __init__(
        self, question: PendingQuestion, watch_session: WatchSession, max_tokens: int
    ) -> None:
        if watch_session.session is None or watch_session.last_step is None:
            raise RuntimeError(f"the session of watch {watch_session.id!r} has no unit yet")
        self.question = question
        self.watch_session = watch_session
        self._step: UnitStep = watch_session.last_step
        self._tokens_left = max_tokens
        self._branch: Branch = watch_session.session.branch()
        try:
            self._branch.begin(question.text)
        except BaseException:
            self._branch.close()
            raise

    def decode(self) -> Answer | None:
        """Decode a few tokens; return the answer once it is whole or cut."""
        utterance = self._branch.decode(min(TOKENS_PER_SLICE, self._tokens_left))
        self._tokens_left -= utterance.tokens
        # A character of several tokens may be cut at the end.
        self.question.report_text(utterance.reply.strip().rstrip("\ufffd"))
        if not utterance.finished and self._tokens_left > 0:
            return None
        return Answer(
            stream=self._step.stream,
            stamp=self._step.stamp,
            unit=self._step.index,
            watch=self.watch_session.id,
            question=self.question.text,
            text=utterance.reply.strip(),
            latency=time.monotonic() - self.question.asked,
            finished=utterance.finished,
            kept=self._keep(),
        )

    def close(self) -> None:
        """Close the branch."""
        self._branch.close()

    def _keep(self) -> bool:
        if not self.question.keep:
            return False
        try:
            self._branch.keep()
        except BranchError:
            return False
        return True


class QuestionQueue:
    """Bounded queue of questions from any thread; the worker answers one after another.

    Args:
        limit: questions that may wait, besides the one that is being answered.
        max_tokens: tokens after which an answer is cut.
        first_unit_timeout: seconds that a question waits for its session's first unit.
        session_of: returns the session that answers for a watch's id, or for `None`.

    Attributes:
        commands_applied: number of commands that the worker has applied. A question that was put
            after more commands than that is neither started nor removed yet.
    """

    def __init__(
        self,
        *,
        limit: int,
        max_tokens: int,
        first_unit_timeout: float,
        session_of: Callable[[str | None], WatchSession | None],
    ) -> None:
        self.limit = limit
        self.max_tokens = max_tokens
        self.first_unit_timeout = first_unit_timeout
        self._session_of = session_of
        self._lock = threading.Lock()
        self._waiting: dict[PendingQuestion, int] = {}  # -> number of commands before it
        self.commands_applied = 0
        self._current: AnswerDecoder | None = None

    def __len__(self) -> int:
        """Number of questions that wait."""
        with self._lock:
            return sum(not question.future.cancelled() for question in self._waiting)

    def put(self, question: PendingQuestion, after_commands: int = 0) -> None:
        """Add a question.

        Args:
            question: the question.
            after_commands: number of commands that were queued before it. It is answered from the
                sessions as they are after these, and no earlier command ends it.

        Raises:
            TooManyQuestionsError: `limit` questions wait already.
        """
        with self._lock:
            for cancelled in [q for q in self._waiting if q.future.cancelled()]:
                del self._waiting[cancelled]
            if len(self._waiting) >= self.limit:
                raise TooManyQuestionsError(
                    f"{len(self._waiting)} questions wait, which is the limit; "
                    "ask again when one of them is answered"
                )
            self._waiting[question] = after_commands

    @property
    def has_work(self) -> bool:
        """Whether an answer is being decoded, or a question can be started."""
        return self._current is not None or any(map(self._is_ready, self._admitted()))

    def uses(self, watch_session: WatchSession) -> bool:
        """Return whether an answer of this session is being decoded."""
        return self._current is not None and self._current.watch_session is watch_session

    def start_next(self) -> WatchSession | None:
        """Start the next question unless one is being answered; return the session that answers."""
        if self._current is None:
            question = next(filter(self._is_ready, self._admitted()), None)
            if question is not None:
                self._start(question)
        return self._current.watch_session if self._current else None

    def decode_slice(self) -> list[Answer]:
        """Decode a slice of the current answer; return the answer if that was the last slice.

        Raises:
            Exception: any error but a `ThinkerError`, since it may have left the session in an
                undefined state. The question's future gets every error.
        """
        current = self._current
        if current is None:
            return []
        if current.question.future.cancel_requested:
            self.fail_current(
                QuestionCancelledError("the question was cancelled before the answer")
            )
            return []
        try:
            answer = current.decode()
            if answer is None:
                return []
            current.close()
        except Exception as error:
            self.fail_current(error)
            if isinstance(error, ThinkerError):
                return []
            raise
        self._current = None
        current.question.future.set_result(answer)
        return [answer]

    def fail_current(self, error: Exception) -> None:
        """End the answer that is being decoded, with an error."""
        current, self._current = self._current, None
        if current is not None:
            try:
                current.close()
            finally:
                current.question.fail(error)

    def fail_waiting(
        self, reason: str, selected: Callable[[PendingQuestion], bool] | None = None
    ) -> None:
        """Remove questions that wait, with a `QuestionLostError`.

        Questions that follow a command that was not applied yet stay.

        Args:
            reason: message of the error.
            selected: returns whether a question is to be removed; `None`: all are.
        """
        self._fail([q for q in self._admitted() if selected is None or selected(q)], reason)

    def fail_all(self, reason: str) -> None:
        """End the current answer and all questions, with a `QuestionLostError`."""
        self.fail_current(QuestionLostError(reason))
        with self._lock:
            waiting = list(self._waiting)
        self._fail(waiting, reason)

    def fail_overdue(self) -> None:
        """Remove questions whose session got no unit within `first_unit_timeout`."""
        oldest = time.monotonic() - self.first_unit_timeout
        self.fail_waiting(
            f"no unit was processed within {self.first_unit_timeout} s, so there is nothing to "
            "ask about; are the camera and the microphone running?",
            lambda question: question.asked < oldest and not self._is_ready(question),
        )

    def _start(self, question: PendingQuestion) -> None:
        with self._lock:
            self._waiting.pop(question, None)  # it may have been cancelled, and removed by `put`
        watch_session = self._session_of(question.watch)
        if watch_session is None or not question.future.set_running_or_notify_cancel():
            return
        try:
            self._current = AnswerDecoder(question, watch_session, self.max_tokens)
        except Exception as error:
            question.fail(error)

    def _fail(self, questions: Iterable[PendingQuestion], reason: str) -> None:
        with self._lock:
            lost = [q for q in questions if self._waiting.pop(q, None) is not None]
        for question in lost:
            question.fail(QuestionLostError(reason))

    def _is_ready(self, question: PendingQuestion) -> bool:
        watch_session = self._session_of(question.watch)
        return watch_session is not None and watch_session.last_step is not None

    def _admitted(self) -> tuple[PendingQuestion, ...]:
        """Return the questions that wait and whose preceding commands have all been applied."""
        with self._lock:
            return tuple(q for q, after in self._waiting.items() if after <= self.commands_applied)
