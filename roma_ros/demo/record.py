"""Record of what the demo receives from the node."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

from roma_ros.demo.check import Observed, PublishedNarration, ReceivedAnswer
from roma_ros.msg import Alert, SpeakProbability
from roma_ros.nodes.client import AnswerReply, Message
from roma_ros.nodes.stamps import stamp_of
from roma_ros.units import NS_PER_SECOND

__all__ = ["DemoRecord"]


class DemoRecord:
    """Messages and answers of a run: added by one thread, awaited by another.

    Attributes:
        delays: time from the end of each unit to the arrival of its p(speak), s.
    """

    def __init__(self) -> None:
        self.delays: list[float] = []
        self._changed = threading.Condition()
        self._units: dict[str, set[int]] = defaultdict(set)
        self._raised: dict[str, list[int]] = defaultdict(list)
        self._narrations: list[PublishedNarration] = []
        self._answers: list[ReceivedAnswer] = []
        self._start: int | None = None  # of unit 0, ns

    def add(self, message: Message) -> None:
        """Add a message."""
        with self._changed:
            if isinstance(message, SpeakProbability):
                self._units[message.watch].add(message.unit)
                end = stamp_of(message.header.stamp)
                self.delays.append((time.time_ns() - end) / NS_PER_SECOND)
                self._start = end - (message.unit + 1) * NS_PER_SECOND
            elif isinstance(message, Alert):
                self._raised[message.watch].append(message.unit)
            else:
                self._narrations.append(PublishedNarration(message.unit, message.text))
            self._changed.notify_all()

    def add_answer(self, reply: AnswerReply) -> None:
        """Add the reply to a question."""
        with self._changed:
            if not reply:
                self._answers.append(ReceivedAnswer(refusal=reply.message))
            else:
                unit = round((reply.stamp - (self._start or 0)) / NS_PER_SECOND) - 1
                self._answers.append(ReceivedAnswer(reply.answer, unit))

    def wait_for(self, watches: Sequence[str], units: Iterable[int], timeout: float) -> bool:
        """Wait for p(speak) of units under all watches.

        Args:
            watches: names of the watches.
            units: indices of the units.
            timeout: longest wait, s.

        Returns:
            Whether all of them have arrived.
        """
        wanted = set(units)
        with self._changed:
            return self._changed.wait_for(
                lambda: all(wanted <= self._units[watch] for watch in watches), timeout
            )

    def observed(self, film_start: int | None) -> Observed:
        """Return all messages and answers that were received.

        Args:
            film_start: stamp of the film's first sample, ns; `None`: the film was not played.
        """
        with self._changed:
            off = None
            if self._start is not None and film_start is not None:
                off = (self._start - film_start) / NS_PER_SECOND
            return Observed(
                units={watch: frozenset(units) for watch, units in self._units.items()},
                raised={watch: tuple(units) for watch, units in self._raised.items()},
                narrations=tuple(self._narrations),
                answers=tuple(self._answers),
                misalignment=off,
            )
