"""Counts of streams: their sum, and how far a figure would differ on other worlds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, fields
from typing import Any, TypeVar

import numpy as np

__all__ = ["interval", "ratio", "total"]

Counts = TypeVar("Counts")  # a dataclass whose fields are numbers, or arrays of the same shape

DRAWS = 1000
LEVEL = 0.95


def ratio(part: Any, whole: Any) -> Any:
    """part / whole; NaN where whole is 0. Numbers or arrays."""
    whole = np.asarray(whole, float)
    quotient = np.asarray(part, float) / np.where(whole == 0, np.nan, whole)
    return float(quotient) if quotient.ndim == 0 else quotient


def total(counts: Sequence[Counts], kind: type[Counts]) -> Counts:
    """Field by field; zeros if there are none."""
    return kind(*_rows(counts, kind).sum(axis=0).tolist())


def interval(
    counts: Sequence[Counts],
    worlds: Sequence[int],
    figure: Callable[[Counts], Any],
    *,
    draws: int = DRAWS,
) -> tuple[float, float] | None:
    """95% bootstrap interval of a figure, drawn over worlds, since streams of one are alike.

    Args:
        counts: of each stream.
        worlds: that each stream is of.
        figure: of summed counts, whose fields are arrays (draws,).
        draws: of as many worlds, with replacement.

    Returns:
        Its 2.5th and 97.5th percentile; `None` if there is nothing to draw from.
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
