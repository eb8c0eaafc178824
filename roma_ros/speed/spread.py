"""Summaries of measured durations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """p50 and p99 of n durations, in milliseconds."""

    p50: float
    p99: float
    n: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        p50, p99 = np.percentile(np.asarray(seconds) * 1e3, [50, 99])
        return cls(round(float(p50), 3), round(float(p99), 3), len(seconds))

    def __str__(self) -> str:
        return f"{self.p50:.1f} / {self.p99:.1f} ms"
