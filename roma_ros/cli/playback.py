"""A source, made into units, followed by an assistant: the loop of `roma run`."""

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
from roma_ros.watch import Watch

__all__ = ["Playback", "Progress"]

LOG = logging.getLogger(__name__)
MAX_TYPED = 16  # questions that wait to be put
LOOK_UP = 0.1  # seconds between looks at the progress while nothing happens


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Progress and speed of a playback.

    Attributes:
        units: units that at least one session has processed.
        unjudged: units that a fault kept from at least one session.
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
    unjudged: int = 0
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
    """Plays a source to an assistant; iterate to get the events as they happen.

    A recording is played at its own pace, unless `fast`: then every unit is heard to its end before
    the next one is made, so that nothing is ever late and the events are always the same.

    Use as a context manager, which closes the source and frees the sessions.

    Args:
        source: to be followed; must be a recording if `fast`.
        thinker: the weights.
        watches: what to watch for.
        questions: what to ask, and when.
        config: the assistant's; what the stream has is the source's.
        fast: as fast as the model can.

    Attributes:
        answers: the questions that were put, with their answers to come.
        stopped: whether `stop` was called.
        warnings: what the model cannot know, see or hear of the watches' instructions and of the
            questions, a line each.

    Raises:
        WatchError: the watches cannot be kept, or the model has no speak head.
        UnknownWordsError: there is a warning of a question, and the config is strict.
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
        self._happened: deque[Event] = deque()
        config = replace(config, has_video=source.has_video, has_audio=source.has_audio)
        self._assistant = Assistant(thinker, config, self._happened.append)
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
        """Events in their order, again and again until the source has ended. Once only.

        A list may be empty: nothing has happened for a moment, or the model has worked without
        having anything to say.

        Raises:
            SourceError: the source has failed.
            UsageError: its frames are of a size that the model can never take.
        """
        try:
            yield from self._play_fast() if self._fast else self._play_paced()
        finally:
            self._end_all()
        yield self._drain()  # what was being said is told as far as it came

    def stop(self) -> None:
        """End the iteration soon; for any thread or signal handler."""
        self.stopped = True
        self._ending.set()
        self._units.close()

    def ask(self, question: str) -> None:
        """Put a question about all that was heard up to now; for any thread, and never waits."""
        self._typed.append(question)
        self._arrived.set()

    @property
    def unasked(self) -> tuple[TimedQuestion, ...]:
        """Questions whose time has not come."""
        return tuple(self._questions)

    @property
    def unheard(self) -> tuple[str, ...]:
        """Of the sources that have ended, those that made no unit: a line each."""
        return tuple(self._units.unheard)

    def seconds(self, event: Event) -> float:
        """When an event happened, counted from the run's beginning."""
        return self._units.seconds(event.stream, event.stamp)

    def source_time(self, event: Event) -> SourceTime | None:
        """In which source an event happened, and when in it; `None` if there is only one."""
        return self._units.source_time(event.stream, event.stamp)

    def progress(self) -> Progress:
        status = self._assistant.status()
        return Progress(
            units=status.units_processed,
            unjudged=status.units_failed,
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
        """Add the watches; returns the warnings of them and of the questions."""
        warnings = [(watch.id, self._assistant.watch(watch)) for watch in watches]
        for question in self._questions:
            warning = self._assistant.warning(question.text)
            if warning and self._assistant.config.strict:
                raise UnknownWordsError(f"question {question.text!r}: {warning}")
            warnings.append((f"question {question.text!r}", warning))
        return [f"{subject}: {warning}" for subject, warning in warnings if warning]

    # --- as fast as possible: one thread ---

    def _play_fast(self) -> Iterator[list[Event]]:
        for unit in self._units:
            self._assistant.submit(unit)
            while self._work() and not self._ending.is_set():
                yield self._drain()
            yield self._drain()

    # --- at the source's pace: one thread feeds, this one works ---

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
                self._arrived.wait(LOOK_UP)
                self._arrived.clear()
        if self._failure is not None and not self._ending.is_set():
            raise self._failure

    def _feed(self) -> None:
        try:
            for unit in self._units:
                self._assistant.submit(unit)
                self._arrived.set()
        except Exception as error:  # belongs to the thread that iterates
            self._failure = error
        self._arrived.set()

    # --- common to both ---

    def _end_all(self) -> None:
        self._ending.set()
        self._units.close()
        self._assistant.close()

    def _check_frame_size(self, frame: Frame) -> bool:
        """Raise `UsageError` if a frame is of a size that can never be taken.

        Returns:
            Whether its size is known: a frame that cannot be decoded says nothing.
        """
        try:
            height, width = frame.decode().shape[:2]
        except UnitsError:
            return False  # the assembler counts it; the next may be whole
        try:
            self._thinker.check_frame_size(height, width)
        except UnitShapeError as error:
            raise UsageError(one_line(str(error))) from error
        return True

    def _work(self) -> bool:
        """One slice of the assistant's work; returns whether there is more."""
        begin = time.perf_counter()
        more = self._assistant.run_pending()
        self._busy += time.perf_counter() - begin
        return self._ask() or more

    def _ask(self) -> bool:
        """Put the questions whose time has been heard; returns whether there were any."""
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
            due += self._put(self._typed.popleft(), self._units.seconds(stream, stamp))
        return due > 0

    def _put(self, text: str, seconds: float) -> bool:
        """Put a question that was typed; one that is refused is told and is no failure."""
        try:
            answer = self._assistant.ask(text)
        except QuestionError as error:
            LOG.warning("the question was not put: %s", one_line(str(error)))
            return False
        self.answers.append((TimedQuestion(text=text, seconds=seconds), answer))
        return True

    def _drain(self) -> list[Event]:
        events = []
        while self._happened:
            events.append(self._happened.popleft())
        return events
