"""Percentiles of measured durations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roma_ros.percentiles import p50_p99

__all__ = ["Spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles and mean of durations in milliseconds.

    Attributes:
        p50, p99: median and 99th percentile, in ms.
        mean: arithmetic mean, in ms.
        n: number of durations.
    """

    p50: float
    p99: float
    mean: float
    n: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """Return the percentiles and mean of durations in seconds."""
        p50, p99 = p50_p99(seconds)
        mean = sum(seconds) / len(seconds)
        return cls(round(p50 * 1e3, 3), round(p99 * 1e3, 3), round(mean * 1e3, 3), len(seconds))

    def __str__(self) -> str:
        return f"{self.p50:.1f} / {self.p99:.1f} ms"
