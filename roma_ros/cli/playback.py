"""Playback of a source to an assistant: the loop of `roma run`."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from roma_ros.assistant import Assistant, AssistantConfig
from roma_ros.assistant.question_queue import QuestionError, UnknownWordsError
from roma_ros.cli.arguments import TimedQuestion
from roma_ros.cli.errors import UsageError
from roma_ros.cli.source_time import SourceTime
from roma_ros.cli.source_units import SourceUnits
from roma_ros.cli.text import one_line
from roma_ros.events import Answer, Event
from roma_ros.sources import Source
from roma_ros.thinker import RomaThinker, UnitShapeError
from roma_ros.units import Frame, UnitsError
from roma_ros.watch import Watch, quoted

__all__ = ["Playback", "Progress"]

LOG = logging.getLogger(__name__)
MAX_TYPED = 16  # typed questions that wait to be asked
POLL_PERIOD = 0.1  # seconds between two empty lists of events, for the progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Progress and speed of a playback.

    Attributes:
        units: units that at least one session has processed.
        failed: units that a fault kept from at least one session.
        last_fault: text of the last fault; empty if there was none.
        seconds: seconds of the stream, from its beginning to the end of the last unit made.
        busy: seconds that the model has computed.
        step_p50, step_p99: seconds to process one unit.
        backlog: units that wait.
        dropped: units that were skipped to keep up.
        audio_only: units that were processed without video to keep up.
        filled: units with a gap in video or audio that had to be filled, besides those at the
            source's end.
        damaged: packets or chunks of the source that could not be decoded.
    """

    units: int = 0
    failed: int = 0
    last_fault: str = ""
    seconds: float = 0.0
    busy: float = 0.0
    step_p50: float = 0.0
    step_p99: float = 0.0
    backlog: int = 0
    dropped: int = 0
    audio_only: int = 0
    filled: int = 0
    damaged: int = 0

    @property
    def real_time_factor(self) -> float:
        """Seconds of computing per second of the stream; below 1 the model keeps up."""
        return self.busy / self.units if self.units else 0.0


class Playback:
    """Playback of a source to an assistant; iterate over it to get the events as they happen.

    A recording plays at its own pace. With `fast`, every unit is processed completely before the
    next one is made, so that nothing is ever late and the events are always the same.

    Use as a context manager, which closes the source and the sessions.

    Args:
        source: source to play; with `fast` it must be a recording.
        thinker: model to use.
        watches: watches to add.
        questions: questions to ask, with their times.
        config: configuration of the assistant; `has_video` and `has_audio` are the source's.
        fast: process as fast as possible.

    Attributes:
        answers: questions that were asked, with the futures of their answers.
        stopped: whether `stop` was called.
        warnings: one line for each instruction and question that the model cannot know, see or
            hear.

    Raises:
        WatchError: a watch cannot be added, or the model has no speak head.
        UnknownWordsError: a question has a warning, and `config.strict` is set.
    """

    def __init__(
        self,
        source: Source,
        thinker: RomaThinker,
        *,
        watches: Sequence[Watch] = (),
        questions: Iterable[TimedQuestion] = (),
        config: AssistantConfig,
        fast: bool = False,
    ) -> None:
        self.answers: list[tuple[TimedQuestion, Future[Answer]]] = []
        self.stopped = False
        self._source = source
        self._fast = fast
        self._events: deque[Event] = deque()
        config = replace(config, has_video=source.has_video, has_audio=source.has_audio)
        self._assistant = Assistant(thinker, config, self._events.append)
        self._thinker = thinker
        self._units = SourceUnits(source, fast=fast, check_frame=self._check_frame_size)
        self._questions = deque(sorted(questions, key=lambda question: question.seconds))
        self.warnings = self._prepare(watches)
        self._typed: deque[str] = deque(maxlen=MAX_TYPED)
        self._busy = 0.0
        self._ending = threading.Event()
        self._arrived = threading.Event()
        self._failure: Exception | None = None

    def __enter__(self) -> Playback:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_all()

    def __iter__(self) -> Iterator[list[Event]]:
        """Yield lists of events, in their order, until the source has ended. Once only.

        A list may be empty: no event has happened for a moment.

        Raises:
            SourceError: the source has failed.
            UsageError: its frames have a size that the model never takes.
        """
        try:
            yield from self._play_fast() if self._fast else self._play_paced()
        finally:
            self._end_all()
        yield self._drain()  # text that was being generated, as far as it came

    def stop(self) -> None:
        """End the iteration soon. Any thread or signal handler may call it."""
        self.stopped = True
        self._ending.set()
        self._units.close()

    def ask(self, question: str) -> None:
        """Ask a question about all units up to now. Any thread may call it; it does not wait."""
        self._typed.append(question)
        self._arrived.set()

    @property
    def unasked(self) -> tuple[TimedQuestion, ...]:
        """Questions whose time has not come yet."""
        return tuple(self._questions)

    @property
    def empty_sources(self) -> tuple[str, ...]:
        """One line for each source that has ended without giving a unit."""
        return tuple(self._units.empty_sources)

    def seconds(self, event: Event) -> float:
        """Return the time of an event from the run's beginning, s."""
        return self._units.seconds(event.stream, event.stamp)

    def source_time(self, event: Event) -> SourceTime | None:
        """Return the source of an event and the time in it; `None` if there is only one source."""
        return self._units.source_time(event.stream, event.stamp)

    def progress(self) -> Progress:
        """Return the progress up to now."""
        status = self._assistant.status()
        return Progress(
            units=status.units_processed,
            failed=status.units_failed,
            last_fault=status.last_fault,
            seconds=self._units.reached,
            busy=self._busy,
            step_p50=status.step_p50,
            step_p99=status.step_p99,
            backlog=status.backlog,
            dropped=status.units_dropped,
            audio_only=status.units_audio_only,
            filled=self._units.filled,
            damaged=self._source.damaged,
        )

    def _prepare(self, watches: Sequence[Watch]) -> list[str]:
        """Add the watches; returns the warnings about them and about the questions."""
        warnings = [(watch.id, self._assistant.watch(watch)) for watch in watches]
        for question in self._questions:
            warning = self._assistant.warning(question.text)
            if warning and self._assistant.config.strict:
                raise UnknownWordsError(f"question {quoted(question.text)}: {warning}")
            warnings.append((f"question {quoted(question.text)}", warning))
        return [f"{subject}: {warning}" for subject, warning in warnings if warning]

    # --- as fast as possible: one thread ---

    def _play_fast(self) -> Iterator[list[Event]]:
        for unit in self._units:
            self._assistant.submit(unit)
            while self._work() and not self._ending.is_set():
                yield self._drain()
            yield self._drain()

    # --- at the source's pace: one thread makes units, this one processes them ---

    def _play_paced(self) -> Iterator[list[Event]]:
        feeder = threading.Thread(target=self._feed, name="feeder", daemon=True)
        feeder.start()
        while not self._ending.is_set():
            ended = not feeder.is_alive()
            busy = self._work()
            yield self._drain()
            if not busy:
                if ended:
                    break
                self._arrived.wait(POLL_PERIOD)
                self._arrived.clear()
        if self._failure is not None and not self._ending.is_set():
            raise self._failure

    def _feed(self) -> None:
        try:
            for unit in self._units:
                self._assistant.submit(unit)
                self._arrived.set()
        except Exception as error:  # raised again in the thread that iterates
            self._failure = error
        self._arrived.set()

    # --- common to both ---

    def _end_all(self) -> None:
        self._ending.set()
        self._units.close()
        self._assistant.close()

    def _check_frame_size(self, frame: Frame) -> bool:
        """Check that the model takes frames of this size.

        Returns:
            Whether the frame has been checked; one that cannot be decoded has not.

        Raises:
            UsageError: the model never takes frames of this size.
        """
        try:
            height, width = frame.decode().shape[:2]
        except UnitsError:
            return False  # the assembler counts it; the next one may be intact
        try:
            self._thinker.check_frame_size(height, width)
        except UnitShapeError as error:
            raise UsageError(one_line(str(error))) from error
        return True

    def _work(self) -> bool:
        """Run one slice of the assistant's work; returns whether there is more."""
        begin = time.perf_counter()
        more = self._assistant.run_pending()
        self._busy += time.perf_counter() - begin
        return self._ask() or more

    def _ask(self) -> bool:
        """Ask the questions whose time has been processed; returns whether there were any."""
        status = self._assistant.status()
        stream, stamp = status.stream, status.stamp
        due = 0
        while stream is not None and stamp is not None and self._questions:
            if self._questions[0].seconds > self._units.seconds(stream, stamp):
                break
            question = self._questions.popleft()
            self.answers.append((question, self._assistant.ask(question.text)))
            due += 1
        while stream is not None and stamp is not None and self._typed:
            due += self._ask_typed(self._typed.popleft(), self._units.seconds(stream, stamp))
        return due > 0

    def _ask_typed(self, text: str, seconds: float) -> bool:
        """Ask a typed question; log a refusal, which is no failure of the run."""
        try:
            answer = self._assistant.ask(text)
        except QuestionError as error:
            LOG.warning("the question was not asked: %s", one_line(str(error)))
            return False
        self.answers.append((TimedQuestion(text=text, seconds=seconds), answer))
        return True

    def _drain(self) -> list[Event]:
        events = []
        while self._events:
            events.append(self._events.popleft())
        return events
