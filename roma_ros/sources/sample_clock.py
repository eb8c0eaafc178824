"""Even stamps for audio whose chunks are delivered unevenly."""

from __future__ import annotations

__all__ = ["SampleClock"]

TOLERANCE_NS = 50_000_000


class SampleClock:
    """Stamps by counting samples, so that consecutive chunks meet without a gap.

    The time at which a chunk is delivered jitters by milliseconds; samples do not. When the count
    and the measured time are more than `tolerance_ns` apart, the count starts again at the measured
    time: samples were lost, or the device's clock has drifted that far.

    Args:
        rate: sampling rate, Hz.
        tolerance_ns: ns.
    """

    def __init__(self, rate: int, tolerance_ns: int = TOLERANCE_NS) -> None:
        self.rate = rate
        self.tolerance_ns = tolerance_ns
        self._origin: int | None = None
        self._count = 0

    def stamp(self, count: int, *, measured: int) -> int:
        """Return the stamp of the next chunk's first sample, ns.

        Args:
            count: samples of the chunk, per channel.
            measured: about when its first sample was taken, ns.
        """
        stamp = self._next()
        if stamp is None or abs(measured - stamp) > self.tolerance_ns:
            self._origin, self._count, stamp = measured, 0, measured
        self._count += count
        return stamp

    def _next(self) -> int | None:
        if self._origin is None:
            return None
        return self._origin + self._count * 1_000_000_000 // self.rate
