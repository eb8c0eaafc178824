"""Stamps and pace of a live stream, from its own time line and from when its items arrive."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["ArrivalTimer"]

NS = 1_000_000_000
MAX_BEHIND = 3 * NS // 2
MAX_AHEAD = 10 * NS
WINDOW = 10 * NS
TOLERANCE, STEP = 20_000_000, 10_000_000


class ArrivalTimer:
    """Puts a stream's time line on a clock, and holds items back until they are due.

    The first item is stamped with its arrival, and those after it keep their distance from it, so
    that picture and sound stay together whatever the network does. The line is laid anew, at an
    item's arrival, when the stream stalled for more than 1.5 s, or when its times jump. A sender
    whose clock runs slow or fast is followed, by 10 ms in 10 s at most.

    Args:
        clock: of the stamps, ns.
        closing: ends a wait.

    Attributes:
        restarts: how often the line was laid anew.
    """

    def __init__(self, clock: Callable[[], int], closing: threading.Event) -> None:
        self.restarts = 0
        self._clock = clock
        self._closing = closing
        self._offset: int | None = None
        self._checked = 0  # since when `_behind` is watched
        self._behind: list[int] = []  # ns that items came after they were due, in this window

    def stamp(self, time: int | None) -> int:
        """Wait until an item is due.

        Args:
            time: of the item on the stream's time line, ns; `None`: it has none.

        Returns:
            Its stamp, ns.
        """
        now = self._clock()
        if time is None:
            return now
        if self._offset is None:
            self._lay(now, time)
        assert self._offset is not None
        behind = now - (time + self._offset)
        if not -MAX_AHEAD <= behind <= MAX_BEHIND:
            self.restarts += 1
            self._lay(now, time)
            return now
        self._follow(now, behind)
        due = time + self._offset
        if due > now:
            self._closing.wait((due - now) / NS)
        return due

    def _lay(self, now: int, time: int) -> None:
        self._offset = now - time
        self._checked, self._behind = now, []

    def _follow(self, now: int, behind: int) -> None:
        """Move the line a little if all items of the last seconds came late, or all early."""
        assert self._offset is not None
        self._behind.append(behind)
        if now - self._checked < WINDOW:
            return
        if min(self._behind) > TOLERANCE:
            self._offset += STEP
        elif max(self._behind) < -TOLERANCE:
            self._offset -= STEP
        self._checked, self._behind = now, []
