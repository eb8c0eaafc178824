"""Even stamps for audio whose blocks are delivered unevenly."""

from __future__ import annotations

__all__ = ["SampleClock"]

TOLERANCE_NS = 50_000_000


class SampleClock:
    """Stamps by counting samples, so that neighbouring blocks meet exactly.

    The time at which a block is delivered jitters by milliseconds; samples do not. The count is
    given up for the delivered time when both are `tolerance_ns` apart: samples were lost, or the
    device's crystal has drifted that far.

    Args:
        rate: Hz.
        tolerance_ns: ns.
    """

    def __init__(self, rate: int, tolerance_ns: int = TOLERANCE_NS) -> None:
        self.rate = rate
        self.tolerance_ns = tolerance_ns
        self._origin: int | None = None
        self._count = 0

    def stamp(self, count: int, *, heard: int) -> int:
        """Stamp (ns) of the next block: `count` samples, the first heard at about `heard`."""
        stamp = self._next()
        if stamp is None or abs(heard - stamp) > self.tolerance_ns:
            self._origin, self._count, stamp = heard, 0, heard
        self._count += count
        return stamp

    def _next(self) -> int | None:
        if self._origin is None:
            return None
        return self._origin + self._count * 1_000_000_000 // self.rate
