"""How long units wait for what is late: a fixed time, or one that follows what arrives."""

from collections import deque

from roma_ros.units.stream_clock import Modality
from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["MARGIN", "Lateness", "RecentMaximum"]

MARGIN = 150 * NS_PER_SECOND // 1000
"""Waited beyond what has been seen of late, and before anything has been seen: 0.15 s."""
MEMORY = 30 * NS_PER_SECOND
"""How long something late is remembered."""
GIVEN_UP = 3 * NS_PER_SECOND
"""A modality from which nothing has come for so much longer than it is waited for is not waited
for any more."""


class RecentMaximum:
    """The largest of the values of the last 30 s."""

    def __init__(self) -> None:
        self._values: deque[tuple[int, int]] = deque()  # time, value; values fall

    def add(self, time: int, value: int) -> None:
        """Take a value, at a time in ns that does not go back by much."""
        while self._values and self._values[-1][1] <= value:
            self._values.pop()
        self._values.append((time, value))
        while self._values[0][0] < time - MEMORY:
            self._values.popleft()

    @property
    def value(self) -> int:
        """0 before the first."""
        return self._values[0][1] if self._values else 0


class Lateness:
    """How long to wait for each modality.

    Args:
        fixed: the same for both, ns; None: follow what arrives.
        maximum: the most that is waited for latency when it follows, ns. The length of a chunk
            of audio and MARGIN are added to it.
    """

    def __init__(self, fixed: int | None, maximum: int) -> None:
        self._fixed = fixed
        self._maximum = maximum
        self._length = dict.fromkeys(Modality, 0)  # of chunks, before the stream began
        self._duration = {modality: RecentMaximum() for modality in Modality}
        self.restart()

    def restart(self) -> None:
        """A new stream begins, whose stamps may be others: forget all but the length of chunks."""
        self._length = {modality: self._longest(modality) for modality in Modality}
        self._lag = {modality: RecentMaximum() for modality in Modality}
        self._disorder = {modality: RecentMaximum() for modality in Modality}
        self._duration = {modality: RecentMaximum() for modality in Modality}

    @property
    def follows(self) -> bool:
        """Whether it follows what arrives."""
        return self._fixed is None

    def configure(self, fixed: int | None, maximum: int) -> None:
        """Change the arguments, and keep what was learned."""
        self._fixed, self._maximum = fixed, maximum

    def observe(
        self,
        modality: Modality,
        *,
        stamp: int,
        end: int,
        newest: int | None,
        own: int | None,
        waited: bool = False,
    ) -> None:
        """Learn from an item that has arrived.

        Args:
            stamp, end: of the item, ns.
            newest: the newest stamp of all items before it, None before the first.
            own: the newest stamp of its modality before it, None before the first.
            waited: it was held back, so that only its length says something.
        """
        time = stamp if newest is None else max(stamp, newest)
        self._duration[modality].add(time, end - stamp)
        if waited:
            return
        self._lag[modality].add(time, 0 if newest is None else max(newest - end, 0))
        self._disorder[modality].add(time, 0 if own is None else max(own - stamp, 0))

    def wait(self, modality: Modality, behind: int = 0) -> int:
        """How far the newest stamp passes the end of a unit before the unit goes without, ns.

        Args:
            behind: by how much the newest stamp is ahead of the modality, ns.
        """
        if self._fixed is not None:
            return self._fixed
        lag = min(self._lag[modality].value, self._maximum)
        wait = lag + self._longest(modality) + MARGIN
        return MARGIN if behind > wait + GIVEN_UP else wait

    def _longest(self, modality: Modality) -> int:
        return self._duration[modality].value or self._length[modality]

    def reorder(self, modality: Modality) -> int:
        """How much older than the newest of its modality an item may be, ns."""
        if self._fixed is not None:
            return self._fixed
        return MARGIN + min(self._disorder[modality].value, self._maximum)
