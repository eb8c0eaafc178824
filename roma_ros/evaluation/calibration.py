"""Calibration of p(speak): reliability diagram and expected calibration error. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["BINS", "Bin", "calibration_error", "reliability"]

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Units whose p(speak) lies in [low, high); the last bin includes 1.

    Attributes:
        low, high: bounds of p(speak).
        count: number of units.
        p_speak: mean p(speak) of the units; NaN for an empty bin.
        share: share of the units with a positive label; NaN for an empty bin.
    """

    low: float
    high: float
    count: int
    p_speak: float
    share: float


def reliability(p_speak: np.ndarray, labels: np.ndarray, bins: int = BINS) -> tuple[Bin, ...]:
    """Group units by p(speak) into bins of equal width.

    Args:
        p_speak: float (units,), in [0, 1].
        labels: bool (units,), whether p(speak) should be high.
        bins: number of bins.
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
    """Return the expected calibration error (Naeini et al. 2015); NaN without units.

    ECE = sum over bins of count / units * |mean p(speak) - share of positive labels|.
    """
    units = sum(part.count for part in bins)
    if not units:
        return float("nan")
    return sum(part.count * abs(part.p_speak - part.share) for part in bins if part.count) / units
