"""Overlap of intervals, and average precision of rankings, as the benchmarks define them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = [
    "detection_average_precision",
    "hull_overlap",
    "mean_precision_of_steps",
    "overlap",
    "step_average_precision",
]

Interval = tuple[float, float]


def overlap(first: Interval, second: Interval) -> float:
    """Return the temporal IoU of two intervals, 0 if they do not meet."""
    shared = max(0.0, min(first[1], second[1]) - max(first[0], second[0]))
    united = (first[1] - first[0]) + (second[1] - second[0]) - shared
    return shared / united if united > 0 else 0.0


def hull_overlap(first: Interval, second: Interval) -> float:
    """Return the length that two intervals share, by the length from their start to their end."""
    shared = max(0.0, min(first[1], second[1]) - max(first[0], second[0]))
    hull = max(first[1], second[1]) - min(first[0], second[0])
    return shared / hull if hull > 0 else float(first == second)


def detection_average_precision(
    predicted: Sequence[tuple[float, float, float]],
    annotated: Sequence[Interval],
    thresholds: Sequence[float],
) -> np.ndarray:
    """Return the interpolated average precision of scored windows at each IoU threshold.

    Windows are taken by falling score, and in their given order at equal scores. Each takes the
    annotated window that it overlaps most among those that are not yet taken.

    Args:
        predicted: (start, end, score) in seconds.
        annotated: at least one (start, end).
        thresholds: least IoU of a pair.

    Returns:
        float (thresholds,).
    """
    order = sorted(predicted, key=lambda window: -window[2])
    found = np.zeros((len(thresholds), len(order)), bool)
    overlaps = [[overlap(window[:2], truth) for truth in annotated] for window in order]
    for row, threshold in enumerate(thresholds):
        taken: set[int] = set()
        for rank, shares in enumerate(overlaps):
            best = sorted(range(len(shares)), key=lambda index: -shares[index])
            for index in best:
                if shares[index] < threshold:
                    break
                if index not in taken:
                    taken.add(index)
                    found[row, rank] = True
                    break
    hits = found.cumsum(axis=1)
    precision = hits / np.arange(1, len(order) + 1)
    recall = hits / len(annotated)
    return np.array([_area(p, r) for p, r in zip(precision, recall, strict=True)])


def _area(precision: np.ndarray, recall: np.ndarray) -> float:
    """Return the area below the precision, made to fall with recall."""
    heights = np.maximum.accumulate(np.append(precision, 0.0)[::-1])[::-1]
    steps = np.diff(recall, prepend=0.0)
    return float((heights[:-1] * steps).sum())


def mean_precision_of_steps(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the mean of the interpolated precision at every distinct score that adds a positive.

    This is QVHighlights' average precision of highlights. Elements of equal score count as one
    step, and every step weighs the same, however many positives it adds. A ranking without a
    positive has 0, one of positives alone 1.

    Args:
        labels: bool (n,).
        scores: float (n,).
    """
    if not labels.any():
        return 0.0
    if labels.all():
        return 1.0
    precision, recall = _curve(labels, scores)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[np.diff(recall, prepend=0.0) > 0].mean())


def step_average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the average precision: the sum of precision x gain of recall over distinct scores.

    Elements of equal score count as one step, so their order does not matter.

    Args:
        labels: bool (n,), at least one of them true.
        scores: float (n,).
    """
    precision, recall = _curve(labels, scores)
    return float((precision * np.diff(recall, prepend=0.0)).sum())


def _curve(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return precision and recall after each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    hits = labels[order].cumsum()
    last = np.append(np.diff(scores[order]) != 0, True)
    counted = np.flatnonzero(last) + 1
    return hits[last] / counted, hits[last] / hits[-1]
