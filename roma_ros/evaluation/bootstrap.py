"""Sums of counts over streams, and bootstrap confidence intervals over worlds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, fields
from typing import Any, TypeVar

import numpy as np

__all__ = ["interval", "ratio", "total"]

Counts = TypeVar("Counts")  # a dataclass whose fields are numbers, or arrays of the same shape

DRAWS = 1000  # bootstrap samples
LEVEL = 0.95  # of the confidence interval


def ratio(part: Any, whole: Any) -> Any:
    """Return part / whole, NaN where whole is 0, of numbers or arrays."""
    whole = np.asarray(whole, float)
    quotient = np.asarray(part, float) / np.where(whole == 0, np.nan, whole)
    return float(quotient) if quotient.ndim == 0 else quotient


def total(counts: Sequence[Counts], kind: type[Counts]) -> Counts:
    """Return the sum of counts, field by field; all zeros for an empty sequence.

    Args:
        counts: one dataclass of numbers per stream.
        kind: their class.
    """
    return kind(*_rows(counts, kind).sum(axis=0).tolist())


def interval(
    counts: Sequence[Counts],
    worlds: Sequence[int],
    figure: Callable[[Counts], Any],
    *,
    draws: int = DRAWS,
) -> tuple[float, float] | None:
    """Return the 95 % percentile bootstrap interval (Efron 1979) of a metric.

    Worlds are resampled, not streams, because streams of one world are correlated. The random
    generator has a fixed seed, so the interval of the same counts is always the same.

    Args:
        counts: counts of each stream.
        worlds: seed of the world of each stream, as many as `counts`.
        figure: the metric as a function of summed counts, whose fields are arrays (draws,).
        draws: number of bootstrap samples.

    Returns:
        The 2.5th and 97.5th percentile; `None` without streams or without a finite value.
    """
    if not counts:
        return None
    kind = type(counts[0])
    _, index = np.unique(np.asarray(worlds), return_inverse=True)
    rows = np.zeros((index.max() + 1, len(fields(kind))))  # type: ignore[arg-type]
    np.add.at(rows, index, _rows(counts, kind))
    random = np.random.default_rng(0)
    picked = random.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=draws)
    values = np.asarray(figure(kind(*(picked @ rows).T)), float)
    if np.isnan(values).all():
        return None
    low, high = np.nanpercentile(values, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)


def _rows(counts: Sequence[Counts], kind: type[Counts]) -> np.ndarray:
    width = len(fields(kind))  # type: ignore[arg-type]
    rows: list[Any] = [astuple(count) for count in counts]  # type: ignore[call-overload]
    return np.array(rows, float).reshape(-1, width)
