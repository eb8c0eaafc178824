"""Whether two sensors' clocks drift apart, told from a difference that changes evenly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["Drift", "DriftHistory"]

BLOCK = 10 * NS_PER_SECOND
MAX_BLOCKS = 120
"""When they are full, every second one goes: the history reaches back to its beginning."""
MIN_BLOCKS = 30
MIN_CHANGE = 0.020
"""A drift counts when it comes to 20 ms."""
MAX_RATE = 500e-6
"""No clock drifts faster; a queue that fills does."""
MIN_NOISE, NOISE = 0.003, 0.1
"""How far blocks may lie from a straight line: s, and as a share of the whole change."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A straight line through the history.

    Attributes:
        rate: change of the difference, s per s.
        begin: when the history begins, ns.
        first: the difference there, ns.
    """

    rate: float
    begin: int
    first: int

    def since_begin(self, now: int) -> int:
        """How much the difference has changed, ns."""
        return round(self.rate * (now - self.begin))


class DriftHistory:
    """The difference of two sensors' latencies since their stamps are believed.

    A latency that changes leaves a step or a hump and no straight line, and is no drift.

    Attributes:
        drift: the last straight line that was found; None: none so far.
    """

    def __init__(self) -> None:
        self.drift: Drift | None = None
        self._every = BLOCK
        self._times: list[int] = []
        self._differences: list[int] = []

    def add(self, now: int, difference: int) -> None:
        """Take a median difference, ns; of those that come too soon none is kept."""
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
