"""Questions about the stream: those that wait, and the one that is being answered."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
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
    "Answering",
    "AskedFuture",
    "EmptyQuestionError",
    "Question",
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
    """Base of what can go wrong with a question, besides its being too long."""


class EmptyQuestionError(QuestionError, ValueError):
    """The question has no words."""


class TooManyQuestionsError(QuestionError):
    """As many questions wait as may; ask again when one is answered."""


class UnknownWordsError(QuestionError, ValueError):
    """A strict assistant refuses a question on what the model cannot know, see or hear."""


class QuestionLostError(QuestionError):
    """The question was put, but its stream, session or assistant ended before the answer."""


class QuestionCancelledError(QuestionError):
    """The question was cancelled while it was being answered."""


class AskedFuture(Future[Answer]):
    """Where an answer goes; `cancel` also ends an answer that is being decoded.

    Attributes:
        cancel_requested: whether `cancel` was called in time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cancel_requested = False

    def cancel(self) -> bool:
        """Give the question up, and free its place.

        One that waits is cancelled at once. One that is being answered ends within a few tokens,
        with a `QuestionCancelledError`, unless the answer is whole by then.

        Returns:
            False if the future is done already.
        """
        if super().cancel() or not self.done():
            self.cancel_requested = True
        return self.cancel_requested


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """A question that was put, and where its answer goes.

    Attributes:
        text: in words.
        watch: id of the watch whose session answers; `None`: the oldest.
        keep: whether question and answer are to become part of the session.
        asked: when, on the monotonic clock.
        on_text: called by the worker after each slice with the answer so far.
        future: done when the answer is there, or when there will be none.
    """

    text: str
    watch: str | None
    keep: bool
    asked: float = field(default_factory=time.monotonic)
    on_text: Callable[[str], object] | None = None
    future: AskedFuture = field(default_factory=AskedFuture)

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise EmptyQuestionError("the question is empty; ask it in words")
        if len(self.text) > QUESTION_CHARACTERS:
            raise QuestionTooLongError(
                f"the question has {len(self.text)} characters; at most {QUESTION_CHARACTERS} fit"
            )

    def tell(self, text: str) -> None:
        """Pass on the answer so far; what goes wrong there does not end the answer."""
        if self.on_text is not None:
            try:
                self.on_text(text)
            except Exception:
                log.exception("on_text failed")

    def fail(self, error: Exception) -> None:
        """Say that there will be no answer, unless the asker has lost interest."""
        if self.future.running() or self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class Answering:
    """An answer that is being decoded on a branch, slice by slice; its session may go on.

    Args:
        question: what was asked.
        watch_session: whose session answers; it has heard a unit.
        max_tokens: the longest that the answer may be.

    Raises:
        ThinkerError: the question is too long in tokens, or the session has another branch.
    """

    def __init__(self, question: Question, watch_session: WatchSession, max_tokens: int) -> None:
        if watch_session.session is None or watch_session.step is None:
            raise RuntimeError(f"watch_session {watch_session.id!r} has heard nothing yet")
        self.question = question
        self.watch_session = watch_session
        self._step: UnitStep = watch_session.step
        self._tokens_left = max_tokens
        self._branch: Branch = watch_session.session.branch()
        try:
            self._branch.begin(question.text)
        except BaseException:
            self._branch.close()
            raise

    def decode(self) -> Answer | None:
        """Go on by a few tokens; returns the answer once it is whole or at its longest."""
        utterance = self._branch.decode(min(TOKENS_PER_SLICE, self._tokens_left))
        self._tokens_left -= utterance.tokens
        # A character of several tokens may be cut at the end.
        self.question.tell(utterance.reply.strip().rstrip("\ufffd"))
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
    """Takes questions from any thread; the worker answers them one after the other.

    Args:
        limit: questions that may wait, besides the one that is being answered.
        longest: tokens that an answer may have.
        patience: seconds that a question waits for its session's first unit.
        session_of: finds who answers for a watch's id, or for `None`.
    """

    def __init__(
        self,
        *,
        limit: int,
        longest: int,
        patience: float,
        session_of: Callable[[str | None], WatchSession | None],
    ) -> None:
        self.limit = limit
        self.longest = longest
        self.patience = patience
        self._session_of = session_of
        self._lock = threading.Lock()
        self._waiting: deque[Question] = deque()
        self._answering: Answering | None = None

    def __len__(self) -> int:
        """Questions that wait."""
        return sum(not question.future.cancelled() for question in self._snapshot())

    def put(self, question: Question) -> None:
        """Let a question wait; raises `TooManyQuestionsError` if as many wait as may."""
        with self._lock:
            self._waiting = deque(q for q in self._waiting if not q.future.cancelled())
            if len(self._waiting) >= self.limit:
                raise TooManyQuestionsError(
                    f"{len(self._waiting)} questions wait, which is the limit; "
                    "ask again when one of them is answered"
                )
            self._waiting.append(question)

    @property
    def has_work(self) -> bool:
        return self._answering is not None or any(self._ready(q) for q in self._snapshot())

    def serves(self, watch_session: WatchSession) -> bool:
        """Whether an answer from this watch_session is being decoded."""
        return self._answering is not None and self._answering.watch_session is watch_session

    def begin(self) -> WatchSession | None:
        """Take up the next question unless one is being answered; returns who answers it."""
        if self._answering is None:
            question = next(filter(self._ready, self._snapshot()), None)
            if question is not None:
                self._take_up(question)
        return self._answering.watch_session if self._answering else None

    def go_on(self) -> list[Answer]:
        """Decode a slice; returns the answer if that was the last.

        A `ThinkerError` goes to the asker alone. Anything else goes to the asker too and is
        raised, since it may have left the session half done.
        """
        answering = self._answering
        if answering is None:
            return []
        if answering.question.future.cancel_requested:
            self.end(QuestionCancelledError("the question was cancelled before the answer"))
            return []
        try:
            answer = answering.decode()
            if answer is None:
                return []
            answering.close()
        except Exception as error:
            self.end(error)
            if isinstance(error, ThinkerError):
                return []
            raise
        self._answering = None
        answering.question.future.set_result(answer)
        return [answer]

    def end(self, error: Exception) -> None:
        """Give up the answer that is being decoded."""
        answering, self._answering = self._answering, None
        if answering is not None:
            try:
                answering.close()
            finally:
                answering.question.fail(error)

    def lose(self, why: str, which: Callable[[Question], bool] | None = None) -> None:
        """Give up the questions that wait, all or those that are meant."""
        with self._lock:
            lost = [q for q in self._waiting if which is None or which(q)]
            self._waiting = deque(q for q in self._waiting if q not in lost)
        for question in lost:
            question.fail(QuestionLostError(why))

    def lose_overdue(self) -> None:
        """Give up the questions whose session has heard nothing for too long."""
        oldest = time.monotonic() - self.patience
        self.lose(
            f"no unit was heard within {self.patience} s, so there is nothing to ask about; "
            "are the camera and the microphone running?",
            lambda question: question.asked < oldest and not self._ready(question),
        )

    def _take_up(self, question: Question) -> None:
        with self._lock:
            if question in self._waiting:  # it may have been cancelled, and removed by `put`
                self._waiting.remove(question)
        watch_session = self._session_of(question.watch)
        if watch_session is None or not question.future.set_running_or_notify_cancel():
            return
        try:
            self._answering = Answering(question, watch_session, self.longest)
        except Exception as error:
            question.fail(error)

    def _ready(self, question: Question) -> bool:
        watch_session = self._session_of(question.watch)
        return watch_session is not None and watch_session.step is not None

    def _snapshot(self) -> tuple[Question, ...]:
        with self._lock:
            return tuple(self._waiting)
