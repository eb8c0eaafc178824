"""What was narrated against what there was to tell. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from roma_ros.evaluation.bootstrap import ratio
from roma_ros.evaluation.outcomes import Saying

__all__ = ["TOLERANCE", "NarrationCounts", "match", "score_narration"]

TOLERANCE = 1
"""Units between the end of a segment and a sentence on it, either way."""


@dataclass(frozen=True, slots=True)
class NarrationCounts:
    """Of one stream, or summed over many.

    Attributes:
        due: segments that have ended.
        said: times that it spoke.
        matched: pairs of the two, at most `TOLERANCE` apart.
        worded: pairs with the same words.
    """

    due: Any = 0
    said: Any = 0
    matched: Any = 0
    worded: Any = 0

    @property
    def f1(self) -> Any:
        return ratio(2 * self.matched, self.due + self.said)

    @property
    def precision(self) -> Any:
        return ratio(self.matched, self.said)

    @property
    def recall(self) -> Any:
        return ratio(self.matched, self.due)

    @property
    def text_accuracy(self) -> Any:
        """Of what was said at the right time, the share that was said in the right words."""
        return ratio(self.worded, self.matched)


def match(
    due: Sequence[int], said: Sequence[int], tolerance: int = TOLERANCE
) -> tuple[tuple[int, int], ...]:
    """Pair units, one to one, in order.

    Args:
        due, said: units, ascending.
        tolerance: of a pair, in units.

    Returns:
        Indices into both: as many pairs as there can be, and of those ways the one with the
        smallest sum of distances.
    """
    # best[i][j]: number of pairs, less their distance in parts too small to outweigh one, and the
    # pairs themselves, of what comes from i and j on.
    small = 1 / (1 + tolerance * (len(due) + 1))
    nothing: tuple[float, tuple[tuple[int, int], ...]] = (0.0, ())
    best = [[nothing] * (len(said) + 1) for _ in range(len(due) + 1)]
    for i in reversed(range(len(due))):
        for j in reversed(range(len(said))):
            ways = [best[i + 1][j], best[i][j + 1]]
            distance = abs(due[i] - said[j])
            if distance <= tolerance:
                worth, pairs = best[i + 1][j + 1]
                ways.insert(0, (worth + 1 - small * distance, ((i, j), *pairs)))
            best[i][j] = max(ways, key=lambda way: way[0])
    return best[0][0][1]


def score_narration(due: Sequence[Saying], said: Sequence[Saying]) -> NarrationCounts:
    """Count what was said at the right time, and in the right words."""
    pairs = match([saying.unit for saying in due], [saying.unit for saying in said])
    return NarrationCounts(
        due=len(due),
        said=len(said),
        matched=len(pairs),
        worded=sum(due[i].text == said[j].text for i, j in pairs),
    )
