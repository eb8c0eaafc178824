"""95 % intervals of counts and shares in closed form, for groups too small for a bootstrap."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["rate_interval", "share_interval"]

Z = 1.96  # standard deviations of a 95 % interval
DRAWS = 200_000  # of a gamma distribution, whose percentiles are needed


def rate_interval(count: float, exposure: float) -> tuple[float, float] | None:
    """Return the interval of a rate, count / exposure, of events that occur independently.

    It is Garwood's (1936) for a Poisson count; `None` without exposure.
    """
    if exposure <= 0:
        return None
    random = np.random.default_rng(0)
    low = float(np.percentile(random.gamma(count, size=DRAWS), 2.5)) if count else 0.0
    high = float(np.percentile(random.gamma(count + 1, size=DRAWS), 97.5))
    return low / exposure, high / exposure


def share_interval(part: float, whole: float) -> tuple[float, float] | None:
    """Return Wilson's (1927) interval of a share, part / whole; `None` for a whole of 0."""
    if whole <= 0:
        return None
    share, square = part / whole, Z * Z / whole
    middle = (share + square / 2) / (1 + square)
    half = Z / (1 + square) * math.sqrt((share * (1 - share) + square / 4) / whole)
    return max(middle - half, 0.0), min(middle + half, 1.0)
