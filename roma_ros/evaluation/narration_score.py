"""Narration scores: F1 of the times, and accuracy of the text. Free of torch.

Sentences are matched one to one with the ends of segments, at most `TOLERANCE` units apart, as in
the point rule of ROMA's release.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from roma_ros.evaluation.bootstrap import ratio
from roma_ros.world import TimedText

__all__ = ["TOLERANCE", "NarrationCounts", "match", "score_narration"]

TOLERANCE = 1
"""Largest distance in units between the end of a segment and its sentence, either way."""


@dataclass(frozen=True, slots=True)
class NarrationCounts:
    """Counts of one stream, or summed over many.

    Attributes:
        due: segments that end within the stream.
        published: narrations that were published.
        matched: pairs of the two, at most `TOLERANCE` units apart.
        worded: pairs with exactly the same text.
    """

    due: Any = 0
    published: Any = 0
    matched: Any = 0
    worded: Any = 0

    @property
    def f1(self) -> Any:
        """F1 of the times, 2 * matched / (due + published)."""
        return ratio(2 * self.matched, self.due + self.published)

    @property
    def precision(self) -> Any:
        """Precision of the times, matched / published."""
        return ratio(self.matched, self.published)

    @property
    def recall(self) -> Any:
        """Recall of the times, matched / due."""
        return ratio(self.matched, self.due)

    @property
    def text_accuracy(self) -> Any:
        """Share of matched sentences with exactly the expected text, worded / matched."""
        return ratio(self.worded, self.matched)


def match(
    due: Sequence[int], published: Sequence[int], tolerance: int = TOLERANCE
) -> tuple[tuple[int, int], ...]:
    """Match expected and published units one to one, in order, by dynamic programming.

    Args:
        due: units at which a sentence is expected, ascending.
        published: units at which one was published, ascending.
        tolerance: largest distance of a pair in units.

    Returns:
        Pairs of indices into `due` and `published`: the largest possible number of pairs and, among
        those matchings, the one with the smallest sum of distances.
    """
    pairs: list[tuple[int, int]] = []
    for first_due, end_due, first_published, end_published in _groups(due, published, tolerance):
        found = _match_group(
            due[first_due:end_due], published[first_published:end_published], tolerance
        )
        pairs += [(first_due + i, first_published + j) for i, j in found]
    return tuple(pairs)


def _groups(
    due: Sequence[int], published: Sequence[int], tolerance: int
) -> Iterator[tuple[int, int, int, int]]:
    """Yield index ranges of `due` and `published` that can be matched apart from the others."""
    i = j = 0
    while i < len(due) or j < len(published):
        first = (i, j)
        units = [*due[i : i + 1], *published[j : j + 1]]
        last = min(units)
        while True:
            if i < len(due) and due[i] <= last + tolerance:
                last, i = max(last, due[i]), i + 1
            elif j < len(published) and published[j] <= last + tolerance:
                last, j = max(last, published[j]), j + 1
            else:
                break
        yield first[0], i, first[1], j


def _match_group(
    due: Sequence[int], published: Sequence[int], tolerance: int
) -> tuple[tuple[int, int], ...]:
    # best[i][j] for due[i:] and published[j:]: the number of pairs minus a penalty for their
    # distance that never outweighs a pair, and the pairs themselves.
    small = 1 / (1 + tolerance * (len(due) + 1))
    nothing: tuple[float, tuple[tuple[int, int], ...]] = (0.0, ())
    best = [[nothing] * (len(published) + 1) for _ in range(len(due) + 1)]
    for i in reversed(range(len(due))):
        for j in reversed(range(len(published))):
            ways = [best[i + 1][j], best[i][j + 1]]
            distance = abs(due[i] - published[j])
            if distance <= tolerance:
                worth, pairs = best[i + 1][j + 1]
                ways.insert(0, (worth + 1 - small * distance, ((i, j), *pairs)))
            best[i][j] = max(ways, key=lambda way: way[0])
    return best[0][0][1]


def score_narration(due: Sequence[TimedText], published: Sequence[TimedText]) -> NarrationCounts:
    """Count matched sentences and exact texts of one stream; both sequences ascend by unit."""
    pairs = match([saying.unit for saying in due], [saying.unit for saying in published])
    return NarrationCounts(
        due=len(due),
        published=len(published),
        matched=len(pairs),
        worded=sum(due[i].text == published[j].text for i, j in pairs),
    )
