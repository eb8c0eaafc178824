"""The assistant's interface: takes units, questions and watches, and owns the worker thread.

All that touches the model runs in the worker, slice by slice: process a unit in all sessions,
decode a reply by one unit's budget, decode an answer by a few tokens. Other threads only queue
units, questions and commands (`watch`, `unwatch`, `adjust`, `reset`). Commands are applied between
slices, and commands and questions keep their order: a question is answered from the sessions as
the commands before it left them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from roma_ros.assistant.backlog import Backlog
from roma_ros.assistant.config import AssistantConfig
from roma_ros.assistant.question_queue import PendingQuestion, UnknownWordsError
from roma_ros.assistant.scheduler import Scheduler, Work
from roma_ros.assistant.status import AssistantStatus
from roma_ros.assistant.worker import Worker
from roma_ros.events import Answer, Event
from roma_ros.speech import SpeechError
from roma_ros.thinker import InstructionTooLongError, RomaThinker, synthesize_instruction
from roma_ros.units import MultimodalUnit
from roma_ros.watch import UnknownWatchError, Watch, WatchError, WatchKind, quoted

__all__ = ["Assistant", "AssistantStoppedError"]

POLL_PERIOD = 0.5  # seconds between checks for overdue questions


class AssistantStoppedError(RuntimeError):
    """Raised when the assistant is stopped or closed, and takes no units and questions."""


class Assistant:
    """Alerts, narrations and answers about one stream, from units and watches.

    Either `start` the worker thread, or call `run_pending` until it returns false. All other
    methods may be called from any thread at any time and do not wait for the model, except `stop`
    and `close`, which wait for the current slice.

    Args:
        thinker: the model; not to be used by others meanwhile.
        config: limits.
        on_event: called by the worker with each event, in order; it should return quickly.
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
        self._commands: deque[Callable[[], None]] = deque()
        self._commands_queued = 0  # since the assistant was made
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
        """Return a warning on the parts of a text that the model does not know, see or hear.

        Args:
            text: an instruction or a question.

        Returns:
            One sentence or several; empty if there is nothing to warn of.
        """
        config = self.config
        return self.thinker.text_warning(
            text, has_video=config.has_video, has_audio=config.has_audio
        )

    def watch(self, watch: Watch) -> str:
        """Add a watch, from the next unit on.

        Returns:
            `warning` of its instruction, which is also published as an `InstructionWarning`.

        Raises:
            WatchError: its id is taken; `max_watches` run already; the checkpoint has no speak
                head; it takes spoken instructions and this one cannot be synthesized; it was not
                trained to put alerts in words and the watch has `reply`; or there is a warning and
                `config.strict`.
            AssistantStoppedError: the assistant is closed.
        """
        self._check_supported(watch)
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
            self._command(lambda: self._worker.add_watch(watch))
            if warning:
                self._warnings[watch.id] = warning
                self._command(lambda: self._worker.warn(watch.id, watch.instruction, warning))
        return warning

    def unwatch(self, watch_id: str) -> None:
        """Remove a watch and close its session; an unfinished reply is published as it is.

        Raises:
            UnknownWatchError: there is no such watch.
        """
        with self._wake:
            watch = self._find(watch_id)
            del self._watches[watch_id]
            self._warnings.pop(watch_id, None)
            self._command(lambda: self._worker.remove_watch(watch))

    def adjust(
        self,
        watch_id: str,
        *,
        threshold: float | None = None,
        window: int | None = None,
        cooldown: float | None = None,
    ) -> Watch:
        """Set threshold, window or cooldown of a running watch; its session continues.

        Args:
            watch_id: id of the watch.
            threshold, window, cooldown: as in `Watch`; `None`: as before.

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
            self._command(lambda: self._worker.adjust_watch(new))
        return new

    # --- the stream ---

    def submit(self, unit: MultimodalUnit) -> None:
        """Queue a unit; the lag policy applies if too many wait.

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
        """Ask a question about the stream up to the last unit.

        It is answered from the sessions as the commands before it left them: after a `reset`, or
        for a new watch, once the first unit is processed.

        Args:
            question: at most 2,000 characters.
            watch: id of the watch whose session answers; `None` or empty: the oldest.
            keep: make question and answer part of the session; `Answer.kept` is whether
                that succeeded.
            on_text: called by the worker every few tokens with the answer so far; it should
                return quickly.

        Returns:
            A future of the answer. It always completes: with a `QuestionLostError` if the stream,
            the watch or the assistant ends after the question and before the answer, with a
            `QuestionTooLongError` above 256 tokens, with the model's error if there is one. Its
            `cancel` also ends an answer that is being decoded, with a `QuestionCancelledError`.

        Raises:
            EmptyQuestionError: the question has no words.
            QuestionTooLongError: it has too many characters.
            TooManyQuestionsError: `max_questions` wait already.
            UnknownWatchError: there is no such watch.
            UnknownWordsError: there is a `warning` of it, and `config.strict`. Without `strict`,
                the warning is published as an `InstructionWarning`.
            AssistantStoppedError: the assistant is stopped or closed.
        """
        pending = PendingQuestion(text=question, watch=watch or None, keep=keep, on_text=on_text)
        warning = self.warning(question)
        if warning and self.config.strict:
            raise UnknownWordsError(f"the question is refused: {warning}")
        with self._wake:
            self._check_running()
            if watch:
                self._find(watch)
            self._worker.questions.put(pending, after_commands=self._commands_queued)
            if warning:
                self._command(lambda: self._worker.warn(watch or "", question, warning))
            self._wake.notify_all()
        return pending.future

    def reset(self) -> None:
        """Restart the stream: end all sessions, questions and units that wait; watches stay.

        What is submitted and asked afterwards belongs to the new stream.
        """
        with self._wake:
            self._backlog.clear()
            self._command(self._worker.reset)

    def status(self) -> AssistantStatus:
        """Return a snapshot of the status; cheap."""
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
        """Start the worker thread.

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
        """Stop the worker thread after the current slice; drop units and questions that wait.

        Watches and their sessions stay for the next `start`.
        """
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
            thread = self._thread
        if thread is threading.current_thread():
            return  # called by on_event: the worker ends by itself
        if thread is not None:
            thread.join()
        self._release()

    def close(self) -> None:
        """Stop, and close all sessions; the assistant cannot be used afterwards."""
        with self._wake:
            self._closed = True
        self.stop()

    def run_pending(self) -> bool:
        """Do one slice of work in the caller's thread; return whether there is more to do.

        Raises:
            RuntimeError: the worker thread runs.
        """
        if self._thread not in (None, threading.current_thread()):
            raise RuntimeError(
                "the worker thread runs; stop() the assistant to call run_pending() yourself"
            )
        if self._closed:
            return False
        self._apply_commands(len(self._commands))
        self._worker.questions.fail_overdue()
        work = self._scheduler.next(self._ready())
        if work is Work.UNIT:
            self._process_unit()
        elif work is Work.SPEECH:
            self._worker.decode_reply()
        elif work is Work.ANSWER:
            self._worker.decode_answer()
        self._publish_status()
        return self._has_work()

    def _work(self) -> None:
        try:
            while not self._stopped:
                more = False
                with self._worker.recovering("work"):
                    more = self.run_pending()
                if not more:
                    self._wait()
        finally:
            self._release()
            with self._wake:
                self._thread = None

    def _wait(self) -> None:
        """Sleep until there is work, or until overdue questions are to be checked."""
        with self._wake:
            self._wake.wait_for(lambda: self._stopped or self._has_work(), POLL_PERIOD)

    def _has_work(self) -> bool:
        return bool(self._commands) or bool(self._ready())

    def _ready(self) -> set[Work]:
        units = {Work.UNIT} if len(self._backlog) else set()
        return self._worker.ready | units

    def _process_unit(self) -> None:
        with self._wake:
            if not len(self._backlog):  # it was reset meanwhile
                return
            unit = self._backlog.take()
            report = self._backlog.report()
            # A reset empties the backlog: those among these commands came before the unit.
            commands = len(self._commands)
        self._apply_commands(commands)
        self._worker.process(unit)
        if report is not None:
            losses, recovered = report
            self._worker.report_lag(losses, recovered=recovered)

    def _apply_commands(self, count: int) -> None:
        """Apply the oldest `count` commands, each before the questions that follow it."""
        for _ in range(count):
            command = self._commands.popleft()
            try:
                command()
            finally:
                self._worker.questions.commands_applied += 1

    def _release(self) -> None:
        """Drop what waits, after the last slice; once closed, close the sessions."""
        with self._wake:
            self._backlog.clear()
        self._worker.questions.fail_all("the assistant was stopped before the answer; ask again")
        if self._closed:
            self._worker.close()
        self._publish_status()

    def _publish_status(self) -> None:
        status = self._worker.status()
        with self._wake:
            self._status = status

    def _check_supported(self, watch: Watch) -> None:
        """Raise a WatchError if the checkpoint does not support the watch."""
        if not self.thinker.has_speak_source:
            raise WatchError(
                f"watch {watch.id!r}: the checkpoint {self.thinker.name!r} has no speak head, so "
                "it cannot decide when to speak and only answers questions; load a checkpoint "
                "that has one, or load this one with speak_source yes_no"
            )
        if watch.reply and watch.kind is WatchKind.ALERT and not self.thinker.config.alert_replies:
            raise WatchError(
                f"watch {watch.id!r}: the checkpoint {self.thinker.name!r} was not trained to put "
                "an alert in words, so its words would be made up; leave `reply` out, or ask a "
                "question when the alert is raised. For a checkpoint that was, set alert_replies "
                "to true in its roma_config.json"
            )
        if watch.recording is None:
            self._check_instruction(watch)

    def _check_instruction(self, watch: Watch) -> None:
        """Check that the instruction can be given to the model as it takes it, text or speech."""
        if not self.thinker.takes_spoken_instructions:
            try:
                self.thinker.check_instruction(watch.instruction)
            except InstructionTooLongError as error:
                raise WatchError(f"watch {watch.id!r}: {error}") from error
            return
        try:
            # The result is cached for when the session opens.
            synthesize_instruction(watch.instruction)
        except SpeechError as error:
            raise WatchError(
                f"watch {watch.id!r}: the checkpoint {self.thinker.name!r} takes only "
                f"spoken instructions, and {error}; or give the watch a recording"
            ) from error

    # --- under the lock ---

    def _command(self, command: Callable[[], None]) -> None:
        self._commands.append(command)
        self._commands_queued += 1
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
