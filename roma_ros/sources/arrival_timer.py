"""Stamps and pace of a live stream, from its own times and from the arrival of its items."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["ArrivalTimer"]

NS = 1_000_000_000
MAX_BEHIND = 3 * NS // 2  # ns after it was due, beyond which an item starts a new mapping
MAX_AHEAD = 10 * NS  # ns before it is due
WINDOW = 10 * NS  # ns between corrections
TOLERANCE, STEP = 20_000_000, 10_000_000  # ns: least deviation that is corrected, and by how much


class ArrivalTimer:
    """Mapping of a stream's own times to a clock; it holds items back until they are due.

    The first item is stamped with its arrival, and later ones keep their distance from it, so that
    video and audio stay together whatever the network does. The mapping restarts at an item's
    arrival when the stream stalled for more than 1.5 s, or when its times jump. A sender whose
    clock runs slow or fast is followed, by at most 10 ms in 10 s.

    Args:
        clock: returns the time for stamps, ns.
        closing: event that ends a wait.

    Attributes:
        restarts: how often the mapping was restarted.
    """

    def __init__(self, clock: Callable[[], int], closing: threading.Event) -> None:
        self.restarts = 0
        self._clock = clock
        self._closing = closing
        self._offset: int | None = None
        self._window_start = 0  # beginning of the window of `_behind`
        self._behind: list[int] = []  # ns after which items arrived since they were due

    def stamp(self, time: int | None) -> int:
        """Wait until an item is due.

        Args:
            time: time of the item in the stream, ns; `None`: it has none.

        Returns:
            Stamp of the item, ns.
        """
        now = self._clock()
        if time is None:
            return now
        if self._offset is None:
            self._restart(now, time)
        assert self._offset is not None
        behind = now - (time + self._offset)
        if not -MAX_AHEAD <= behind <= MAX_BEHIND:
            self.restarts += 1
            self._restart(now, time)
            return now
        self._correct(now, behind)
        due = time + self._offset
        if due > now:
            self._closing.wait((due - now) / NS)
        return due

    def _restart(self, now: int, time: int) -> None:
        self._offset = now - time
        self._window_start, self._behind = now, []

    def _correct(self, now: int, behind: int) -> None:
        """Correct the mapping a little if all items of the window were late, or all early."""
        assert self._offset is not None
        self._behind.append(behind)
        if now - self._window_start < WINDOW:
            return
        if min(self._behind) > TOLERANCE:
            self._offset += STEP
        elif max(self._behind) < -TOLERANCE:
            self._offset -= STEP
        self._window_start, self._behind = now, []
