"""Even stamps for audio whose chunks are delivered unevenly."""

from __future__ import annotations

__all__ = ["SampleClock"]

NS = 1_000_000_000


class SampleClock:
    """Stamps by counting samples, so that consecutive chunks meet without a gap.

    The time at which a chunk is delivered jitters by milliseconds; samples do not. When the count
    and the measured time are further apart than the tolerance, the count starts again at the
    measured time: samples were lost, or the device's clock has drifted that far.

    Args:
        tolerance: ns; the default is 50 ms.
    """

    def __init__(self, tolerance: int = 50_000_000) -> None:
        self._tolerance = tolerance
        self._rate = 0
        self._origin: int | None = None  # stamp of the sample that the count starts with
        self._count = 0

    def stamp(self, count: int, rate: int, *, measured: int) -> int:
        """Return the stamp of the next chunk's first sample, ns.

        Args:
            count: samples of the chunk, per channel.
            rate: sampling rate of the chunk, Hz.
            measured: about when its first sample was taken, ns.
        """
        stamp = self._next()
        if stamp is None or abs(measured - stamp) > self._tolerance:
            stamp = measured
        elif rate == self._rate:
            self._count += count
            return stamp
        self._origin, self._rate, self._count = stamp, rate, count
        return stamp

    def _next(self) -> int | None:
        if self._origin is None:
            return None
        return self._origin + self._count * NS // self._rate
