"""The assistant: units go in, alerts, narrations and answers come out.

One worker does everything that touches the model, slice by slice: it hears a unit in all sessions,
lets a reply go on by one unit's budget, or an answer by a few tokens. Everybody else only leaves
units, questions and changes for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from roma_ros.assistant.backlog import Backlog
from roma_ros.assistant.config import AssistantConfig
from roma_ros.assistant.question_queue import Question, UnknownWordsError
from roma_ros.assistant.scheduler import Scheduler, Work
from roma_ros.assistant.status import AssistantStatus
from roma_ros.assistant.worker import Worker
from roma_ros.events import Answer, Event
from roma_ros.speech import SpeechError
from roma_ros.thinker import InstructionTooLongError, RomaThinker, synthesize_instruction
from roma_ros.units import MultimodalUnit
from roma_ros.watch import UnknownWatchError, Watch, WatchError, WatchKind, quoted

__all__ = ["Assistant", "AssistantStoppedError"]


LOOK_UP_PERIOD = 0.5  # seconds


class AssistantStoppedError(RuntimeError):
    """The assistant was stopped or closed and takes nothing more."""


class Assistant:
    """Follows one stream under several watches, and answers questions about it.

    Either `start` a worker thread, or call `run_pending` oneself until it has nothing more to do.
    All other methods may be called from any thread at any time and never wait for the model; only
    `stop` and `close` wait for the slice at hand.

    Args:
        thinker: the weights; nobody else may use it meanwhile.
        config: bounds of the loop.
        on_event: called for each event, in order, by the worker; it should be quick.
    """

    def __init__(
        self, thinker: RomaThinker, config: AssistantConfig, on_event: Callable[[Event], None]
    ) -> None:
        self.thinker = thinker
        self.config = config
        self._worker = Worker(thinker, config, on_event)  # the worker's own
        self._scheduler = Scheduler()
        # All below is under the lock of `_wake`.
        self._wake = threading.Condition()
        self._backlog = Backlog(config.max_backlog, config.lag_policy)
        self._watches: dict[str, Watch] = {}
        self._warnings: dict[str, str] = {}  # of watches, by id
        self._changes: deque[Callable[[], None]] = deque()
        self._status = AssistantStatus()
        self._thread: threading.Thread | None = None
        self._stopped = self._closed = False

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- watches ---

    @property
    def watches(self) -> tuple[Watch, ...]:
        """The watches that run, oldest first."""
        with self._wake:
            return tuple(self._watches.values())

    def warning(self, text: str) -> str:
        """Say what of an instruction or question the model cannot know, see or hear.

        Returns:
            One sentence, or several; empty if there is nothing to say.
        """
        config = self.config
        return self.thinker.text_warning(
            text, has_video=config.has_video, has_audio=config.has_audio
        )

    def watch(self, watch: Watch) -> str:
        """Follow the stream under one more instruction, from the next unit on.

        Returns:
            `warning` of its instruction, which is also told as an `InstructionWarning`.

        Raises:
            WatchError: its id is taken, there are too many, the model has nothing to decide by,
                takes spoken instructions and this one cannot be said, or was not trained to put
                alerts in words as the watch asks; or there is a warning, and `config.strict`.
            AssistantStoppedError: the assistant is closed.
        """
        self._check_serves(watch)
        warning = self.warning(watch.instruction)
        if warning and self.config.strict:
            raise WatchError(f"watch {watch.id!r}: {warning}")
        with self._wake:
            self._check_open()
            if watch.id in self._watches:
                raise WatchError(f"there is a watch {watch.id!r} already; adjust or unwatch it")
            if len(self._watches) >= self.config.max_watches:
                raise WatchError(
                    f"watch {watch.id!r} is one too many: max_watches is "
                    f"{self.config.max_watches}; unwatch one of {sorted(self._watches)}"
                )
            self._watches[watch.id] = watch
            self._change(lambda: self._worker.follow(watch))
            if warning:
                self._warnings[watch.id] = warning
                self._change(lambda: self._worker.warn(watch.id, watch.instruction, warning))
        return warning

    def unwatch(self, watch_id: str) -> None:
        """End a watch and free its session; what it was saying is told as far as it came.

        Raises:
            UnknownWatchError: there is no such watch.
        """
        with self._wake:
            watch = self._find(watch_id)
            del self._watches[watch_id]
            self._warnings.pop(watch_id, None)
            self._change(lambda: self._worker.unfollow(watch))

    def adjust(
        self,
        watch_id: str,
        *,
        threshold: float | None = None,
        window: int | None = None,
        cooldown: float | None = None,
    ) -> Watch:
        """Give a running watch another threshold, window or cooldown; its session goes on.

        Returns:
            The watch as it is from the next unit on.

        Raises:
            UnknownWatchError: there is no such watch.
            WatchError: a value is out of its range; the watch is as before.
        """
        with self._wake:
            old = self._find(watch_id)
            new = replace(
                old,
                threshold=old.threshold if threshold is None else threshold,
                window=old.window if window is None else window,
                cooldown=old.cooldown if cooldown is None else cooldown,
            )
            self._watches[watch_id] = new
            self._change(lambda: self._worker.adjust(new))
        return new

    # --- the stream ---

    def submit(self, unit: MultimodalUnit) -> None:
        """Leave a unit to be heard; the lag policy decides if too many wait.

        Raises:
            AssistantStoppedError: the assistant is stopped or closed.
        """
        with self._wake:
            self._check_running()
            self._backlog.put(unit)
            self._wake.notify_all()

    def ask(
        self,
        question: str,
        watch: str | None = None,
        keep: bool = False,
        on_text: Callable[[str], object] | None = None,
    ) -> Future[Answer]:
        """Put a question about all that was heard up to the last unit.

        Args:
            question: in words, at most 2,000 characters.
            watch: id of the watch whose session answers; `None` or empty: the oldest.
            keep: let question and answer become part of the session; `Answer.kept` says whether
                they did.
            on_text: called by the worker every few tokens with the answer so far; it should be
                quick.

        Returns:
            A future that is always done in the end: with the answer, or with a
            `QuestionLostError` if stream, watch or assistant ended before, a
            `QuestionTooLongError` above 256 tokens, or what went wrong with the model. Its
            `cancel` also ends an answer under way, with a `QuestionCancelledError`.

        Raises:
            EmptyQuestionError, QuestionTooLongError: it has no words, or too many characters.
            TooManyQuestionsError: `max_questions` wait already.
            UnknownWatchError: there is no such watch.
            UnknownWordsError: there is a `warning` of it, and `config.strict`; without that it is
                told as an `InstructionWarning`.
            AssistantStoppedError: the assistant is stopped or closed.
        """
        asked = Question(text=question, watch=watch or None, keep=keep, on_text=on_text)
        warning = self.warning(question)
        if warning and self.config.strict:
            raise UnknownWordsError(f"the question is refused: {warning}")
        with self._wake:
            self._check_running()
            if watch:
                self._find(watch)
            self._worker.questions.put(asked)
            if warning:
                self._change(lambda: self._worker.warn(watch or "", question, warning))
            self._wake.notify_all()
        return asked.future

    def reset(self) -> None:
        """Forget the stream: what waits, all sessions, all questions. The watches stay."""
        with self._wake:
            self._backlog.clear()
            self._change(self._worker.restart)

    def status(self) -> AssistantStatus:
        """How it is doing; cheap."""
        with self._wake:
            return replace(
                self._status,
                running=self._thread is not None,
                backlog=len(self._backlog),
                lag=self._backlog.age,
                units_dropped=self._backlog.total.dropped,
                units_audio_only=self._backlog.total.audio_only,
                questions=len(self._worker.questions),
                warnings=dict(self._warnings),
            )

    # --- running ---

    def start(self) -> None:
        """Let a worker thread do the work, until `stop`.

        Raises:
            AssistantStoppedError: the assistant is closed.
        """
        with self._wake:
            self._check_open()
            self._stopped = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="assistant", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the worker thread after the slice at hand; units and questions are given up.

        Watches and their sessions stay for the next `start`.
        """
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
            thread = self._thread
        if thread is threading.current_thread():
            return  # on_event called: the worker comes to its own end
        if thread is not None:
            thread.join()
        self._rest()

    def close(self) -> None:
        """Stop, and free all sessions; the assistant cannot be used any more."""
        with self._wake:
            self._closed = True
        self.stop()

    def run_pending(self) -> bool:
        """Do one slice of work in the caller's thread; returns whether there is more to do.

        Raises:
            RuntimeError: a worker thread is at work.
        """
        if self._thread not in (None, threading.current_thread()):
            raise RuntimeError("a worker thread does the work; stop() it to run_pending() yourself")
        if self._closed:
            return False
        self._apply_changes()
        self._worker.questions.lose_overdue()
        work = self._scheduler.next(self._waiting())
        if work is Work.UNIT:
            self._hear()
        elif work is Work.SPEECH:
            self._worker.speak()
        elif work is Work.ANSWER:
            self._worker.answer()
        self._publish_status()
        return self._has_work()

    def _work(self) -> None:
        try:
            while not self._stopped:
                more = False
                with self._worker.mending("work"):
                    more = self.run_pending()
                if not more:
                    self._wait()
        finally:
            self._rest()
            with self._wake:
                self._thread = None

    def _wait(self) -> None:
        """Sleep until there is work; look up now and then: a question may wait in vain."""
        with self._wake:
            self._wake.wait_for(lambda: self._stopped or self._has_work(), LOOK_UP_PERIOD)

    def _has_work(self) -> bool:
        return bool(self._changes) or bool(self._waiting())

    def _waiting(self) -> set[Work]:
        units = {Work.UNIT} if len(self._backlog) else set()
        return self._worker.waiting | units

    def _hear(self) -> None:
        with self._wake:
            if not len(self._backlog):  # a reset has come between
                return
            unit = self._backlog.take()
            report = self._backlog.report()
        self._worker.hear(unit)
        if report is not None:
            losses, recovered = report
            self._worker.report_lag(losses, recovered=recovered)

    def _apply_changes(self) -> None:
        for _ in range(len(self._changes)):
            self._changes.popleft()()

    def _rest(self) -> None:
        """After the last slice: nothing waits any more, and once closed nothing is held."""
        with self._wake:
            self._backlog.clear()
        self._worker.lose_questions("the assistant was stopped")
        if self._closed:
            self._worker.close()
        self._publish_status()

    def _publish_status(self) -> None:
        status = self._worker.status()
        with self._wake:
            self._status = status

    def _check_serves(self, watch: Watch) -> None:
        """Whether the model can follow a stream under this watch."""
        if not self.thinker.has_speak_source:
            raise WatchError(
                f"watch {watch.id!r}: the checkpoint {self.thinker.name!r} has no speak head, so "
                "it never knows when to speak and can only be asked questions; load a checkpoint "
                "that has one, or load this one with speak_source yes_no"
            )
        if watch.reply and watch.kind is WatchKind.ALERT and not self.thinker.config.alert_replies:
            raise WatchError(
                f"watch {watch.id!r}: the checkpoint {self.thinker.name!r} was not trained to put "
                "an alert in words, so what it says would be made up; leave `reply` out, or ask a "
                "question when the alert comes. For a checkpoint that was, set alert_replies to "
                "true in its roma_config.json"
            )
        if watch.recording is None and not self.thinker.takes_spoken_instructions:
            try:
                self.thinker.check_instruction(watch.instruction)
            except InstructionTooLongError as error:
                raise WatchError(f"watch {watch.id!r}: {error}") from error
        if watch.recording is None and self.thinker.takes_spoken_instructions:
            try:
                # The result is cached for when the session opens.
                synthesize_instruction(watch.instruction)
            except SpeechError as error:
                raise WatchError(
                    f"watch {watch.id!r}: the checkpoint {self.thinker.name!r} takes spoken "
                    f"instructions alone, and {error}; or give the watch a recording"
                ) from error

    # --- under the lock ---

    def _change(self, change: Callable[[], None]) -> None:
        self._changes.append(change)
        self._wake.notify_all()

    def _find(self, watch_id: str) -> Watch:
        if watch_id not in self._watches:
            raise UnknownWatchError(
                f"there is no watch {quoted(watch_id)}; there are {sorted(self._watches)}"
            )
        return self._watches[watch_id]

    def _check_open(self) -> None:
        if self._closed:
            raise AssistantStoppedError("this assistant is closed; make another")

    def _check_running(self) -> None:
        self._check_open()
        if self._stopped:
            raise AssistantStoppedError("this assistant is stopped; start() it first")
