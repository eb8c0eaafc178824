"""Definition of p50 and p99 for measurements, evaluations and diagnostics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["p50_p99"]


def p50_p99(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return the 50th and 99th percentile, linearly interpolated between the nearest two values.

    Args:
        values: in any order and unit.

    Returns:
        (NaN, NaN) if there are no values.
    """
    if not len(values):
        return float("nan"), float("nan")
    p50, p99 = np.percentile(np.asarray(values, dtype=np.float64), [50, 99]).tolist()
    return p50, p99
