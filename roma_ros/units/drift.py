"""Estimation of the drift between two sensors' clocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["Drift", "DriftHistory"]

BLOCK = 10 * NS_PER_SECOND
MAX_BLOCKS = 120
"""Limit of blocks, at which every second one is dropped: the history keeps its beginning."""
MIN_BLOCKS = 30
MIN_CHANGE = 0.020
"""Least change that counts as drift, s."""
MAX_RATE = 500e-6
"""Fastest drift of a clock, s per s; a queue that fills changes faster."""
MIN_NOISE, NOISE = 0.003, 0.1
"""Allowed deviation of blocks from a straight line: s, and as a share of the whole change."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A straight line fitted to the history.

    Attributes:
        rate: change of the difference, s per s.
        begin: time at which the history begins, ns.
        first: the difference at that time, ns.
    """

    rate: float
    begin: int
    first: int

    def since_begin(self, now: int) -> int:
        """Return how much the difference has changed since then, ns."""
        return round(self.rate * (now - self.begin))


class DriftHistory:
    """History of the difference of two sensors' latencies, with a straight line fitted to it.

    A latency that changes shows as a step or a hump, not as a straight line, and is no drift.

    Attributes:
        drift: the last straight line that fitted; None: none so far.
    """

    def __init__(self) -> None:
        self.drift: Drift | None = None
        self._every = BLOCK
        self._times: list[int] = []
        self._differences: list[int] = []

    def add(self, now: int, difference: int) -> None:
        """Add a median difference, ns; ignored if the last one was less than 10 s ago."""
        if self._times and now - self._times[-1] < self._every:
            return
        self._times.append(now)
        self._differences.append(difference)
        if len(self._times) >= MIN_BLOCKS:
            self._fit()
        if len(self._times) >= MAX_BLOCKS:
            self._times, self._differences = self._times[::2], self._differences[::2]
            self._every *= 2

    def _fit(self) -> None:
        begin, origin = self._times[0], self._differences[0]
        times = (np.array(self._times) - begin) / NS_PER_SECOND
        differences = (np.array(self._differences) - origin) / NS_PER_SECOND
        rate, first = np.polyfit(times, differences, 1)
        change = abs(rate) * times[-1]
        noise = float(np.sqrt(np.mean((differences - first - rate * times) ** 2)))
        plausible = change >= MIN_CHANGE and abs(rate) <= MAX_RATE
        if plausible and noise <= max(MIN_NOISE, NOISE * change):
            self.drift = Drift(float(rate), begin, origin + round(float(first) * NS_PER_SECOND))
