"""Time that units wait for late items: fixed, or measured from arrivals."""

from collections import deque

from roma_ros.units.stream_clock import Modality
from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["MARGIN", "Lateness", "RecentMaximum"]

MARGIN = 150 * NS_PER_SECOND // 1000
"""Added to the measured lateness, and used before anything was measured: 0.15 s, in ns."""
MEMORY = 30 * NS_PER_SECOND
"""Time for which a late item counts, ns."""
GIVEN_UP = 3 * NS_PER_SECOND
"""Time after which units stop waiting for an overdue modality, ns."""


class RecentMaximum:
    """Maximum of the values of the last 30 s."""

    def __init__(self) -> None:
        self._values: deque[tuple[int, int]] = deque()  # time, value; values fall

    def add(self, time: int, value: int) -> None:
        """Add a value; `time` is in ns and does not go back by much."""
        while self._values and self._values[-1][1] <= value:
            self._values.pop()
        self._values.append((time, value))
        while self._values[0][0] < time - MEMORY:
            self._values.popleft()

    @property
    def value(self) -> int:
        """The maximum; 0 before the first value."""
        return self._values[0][1] if self._values else 0


class Lateness:
    """Estimate of how long to wait for each modality.

    Args:
        fixed: the lateness of both, ns; None: measure it.
        maximum: upper bound of a measured latency, ns; the length of an audio chunk and MARGIN are
            added to it.
    """

    def __init__(self, fixed: int | None, maximum: int) -> None:
        self._fixed = fixed
        self._maximum = maximum
        self._length = dict.fromkeys(Modality, 0)  # of chunks, before the stream began
        self._duration = {modality: RecentMaximum() for modality in Modality}
        self.restart()

    def restart(self) -> None:
        """Forget all but the length of chunks, at the beginning of a new stream."""
        self._length = {modality: self._longest(modality) for modality in Modality}
        self._lag = {modality: RecentMaximum() for modality in Modality}
        self._disorder = {modality: RecentMaximum() for modality in Modality}
        self._duration = {modality: RecentMaximum() for modality in Modality}

    @property
    def is_measured(self) -> bool:
        """Whether the lateness is measured."""
        return self._fixed is None

    def configure(self, fixed: int | None, maximum: int) -> None:
        """Change the arguments of the constructor, and keep the measurements."""
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
        """Measure an item that has arrived.

        Args:
            modality: of the item.
            stamp, end: beginning and end of the item, ns.
            newest: the newest stamp of all items before it, ns; None before the first.
            own: the newest stamp of its modality before it, ns; None before the first.
            waited: whether it was held back, so that only its length counts.
        """
        time = stamp if newest is None else max(stamp, newest)
        self._duration[modality].add(time, end - stamp)
        if waited:
            return
        self._lag[modality].add(time, 0 if newest is None else max(newest - end, 0))
        self._disorder[modality].add(time, 0 if own is None else max(own - stamp, 0))

    def wait(self, modality: Modality, behind: int = 0) -> int:
        """Return how far the newest stamp passes a unit's end before the unit is closed, ns.

        Args:
            modality: the one that is waited for.
            behind: how far the newest stamp is ahead of the modality, ns.
        """
        if self._fixed is not None:
            return self._fixed
        lag = min(self._lag[modality].value, self._maximum)
        wait = lag + self._longest(modality) + MARGIN
        return MARGIN if behind > wait + GIVEN_UP else wait

    def _longest(self, modality: Modality) -> int:
        return self._duration[modality].value or self._length[modality]

    def reorder(self, modality: Modality) -> int:
        """Return how much older than the newest of its modality an item may be, ns."""
        if self._fixed is not None:
            return self._fixed
        return MARGIN + min(self._disorder[modality].value, self._maximum)
