"""Delivery of events to hooks, in a thread for each hook."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from roma_ros.events import Alert, Narration
from roma_ros.hooks.errors import DeliveryError
from roma_ros.hooks.hook import Hook
from roma_ros.journal import Record

__all__ = ["HookRunner", "HookStats"]

CAPACITY = 256  # events that may wait for one hook
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds between tries, doubled from one to the next


@dataclass(slots=True)
class HookStats:
    """Counts of deliveries.

    Attributes:
        delivered: events that were delivered.
        failed: events that failed at every try.
        dropped: events that came while the queue was full, or waited when the runner was closed.
    """

    delivered: int = 0
    failed: int = 0
    dropped: int = 0

    @property
    def lost(self) -> int:
        """Events that were not delivered."""
        return self.failed + self.dropped


class HookRunner:
    """Delivery of alerts and narrations to hooks; the caller never waits.

    Args:
        hooks: hooks that get every alert.
        by_watch: id of a watch -> hooks that get its alerts and narrations.
        on_problem: called with a sentence when an event is not delivered; from any thread.
    """

    def __init__(
        self,
        hooks: Sequence[Hook] = (),
        by_watch: Mapping[str, Sequence[Hook]] | None = None,
        on_problem: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._lanes = [_Lane(hook, on_problem) for hook in hooks]
        self._by_watch = {
            watch: [_Lane(hook, on_problem) for hook in own]
            for watch, own in (by_watch or {}).items()
        }

    def __bool__(self) -> bool:
        return bool(self._all)

    @property
    def stats(self) -> HookStats:
        """Sum of the counts of all hooks."""
        counts = [lane.stats for lane in self._all]
        return HookStats(
            delivered=sum(count.delivered for count in counts),
            failed=sum(count.failed for count in counts),
            dropped=sum(count.dropped for count in counts),
        )

    def submit(self, record: Record) -> None:
        """Queue an event for delivery; events other than alerts and narrations are ignored."""
        event = record.event
        if not isinstance(event, (Alert, Narration)):
            return
        lanes = list(self._by_watch.get(event.watch, ()))
        if isinstance(event, Alert):
            lanes += self._lanes
        for lane in lanes:
            lane.put(record)

    def close(self, timeout: float = 5.0) -> None:
        """Deliver the events that wait, and end the threads.

        Args:
            timeout: time after which events that wait are dropped [s].
        """
        deadline = time.monotonic() + timeout
        for lane in self._all:
            lane.finish()
        for lane in self._all:
            lane.join(max(0.0, deadline - time.monotonic()))

    @property
    def _all(self) -> list[_Lane]:
        return [*self._lanes, *(lane for own in self._by_watch.values() for lane in own)]


class _Lane:
    """A hook, its queue and its thread."""

    def __init__(self, hook: Hook, on_problem: Callable[[str], None]) -> None:
        self.hook = hook
        self.stats = HookStats()
        self._on_problem = on_problem
        self._waiting: queue.Queue[Record | None] = queue.Queue(CAPACITY + 1)  # + the end
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"hook {hook}", daemon=True)
        self._thread.start()

    def put(self, record: Record) -> None:
        if self._waiting.qsize() >= CAPACITY:
            self.stats.dropped += 1
            self._on_problem(f"{self.hook} is slow: {CAPACITY} events wait, and one was dropped")
            return
        self._waiting.put_nowait(record)

    def finish(self) -> None:
        self._waiting.put_nowait(None)

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)
        self._ending.set()  # a wait between tries ends
        self.hook.close()
        self._thread.join(2.0)
        left = sum(record is not None for record in list(self._waiting.queue))
        if left:
            self.stats.dropped += left
            self._on_problem(f"{self.hook}: {left} events were not delivered before the end")

    def _work(self) -> None:
        while (record := self._waiting.get()) is not None:
            self._deliver(record)
            if self._ending.is_set():
                return

    def _deliver(self, record: Record) -> None:
        delay = FIRST_DELAY
        for attempt in range(1, self.hook.attempts + 1):
            try:
                self.hook.deliver(record)
            except DeliveryError as error:
                last = error.retry_after is None or attempt == self.hook.attempts
                if last or self._ending.wait(max(delay, error.retry_after or 0.0)):
                    self._give_up(str(error), attempt)
                    return
                delay = min(2 * delay, LONGEST_DELAY)
            except Exception as error:  # of a library: the next event may be delivered
                self._give_up(f"{self.hook}: {type(error).__name__}: {error}", attempt)
                return
            else:
                self.stats.delivered += 1
                return

    def _give_up(self, why: str, attempts: int) -> None:
        self.stats.failed += 1
        tries = "" if attempts == 1 else f" (tried {attempts} times)"
        self._on_problem(f"an event was not delivered: {why}{tries}")
