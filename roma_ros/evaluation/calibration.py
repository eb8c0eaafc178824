"""Whether p(speak) is what it says: how often it was time to speak. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["BINS", "Bin", "calibration_error", "reliability"]

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """The units whose p(speak) lies in [low, high); the last bin has 1 too.

    Attributes:
        low, high: its bounds.
        count: of the units.
        p_speak: their mean; NaN if there are none.
        share: of them after which it was time to speak; NaN if there are none.
    """

    low: float
    high: float
    count: int
    p_speak: float
    share: float


def reliability(p_speak: np.ndarray, labels: np.ndarray, bins: int = BINS) -> tuple[Bin, ...]:
    """Units by p(speak), in bins of the same width.

    Args:
        p_speak: (units,), in [0, 1].
        labels: bool (units,), whether it was time to speak.
        bins: how many.
    """
    place = np.minimum((p_speak * bins).astype(int), bins - 1)
    found = []
    for index in range(bins):
        inside = place == index
        count = int(inside.sum())
        mean = float(p_speak[inside].mean()) if count else float("nan")
        share = float(labels[inside].mean()) if count else float("nan")
        found.append(Bin(index / bins, (index + 1) / bins, count, mean, share))
    return tuple(found)


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: |mean p(speak) - share|, averaged over the units."""
    units = sum(part.count for part in bins)
    if not units:
        return float("nan")
    return sum(part.count * abs(part.p_speak - part.share) for part in bins if part.count) / units
