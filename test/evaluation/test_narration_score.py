from __future__ import annotations

import random
from itertools import combinations, permutations

import pytest

from roma_ros.evaluation.narration_score import NarrationCounts, match, score_narration
from roma_ros.world import TimedText


@pytest.mark.parametrize(
    ("due", "said", "pairs"),
    [
        ([5], [5], ((0, 0),)),
        ([5], [4], ((0, 0),)),
        ([5], [6], ((0, 0),)),
        ([5], [7], ()),
        ([5], [4, 5, 6], ((0, 1),)),  # one to one, and the nearest
        ([4, 6], [5], ((0, 0),)),
        ([5, 6], [4, 5], ((0, 0), (1, 1))),  # two that are late before one that is exact
        ([5, 6], [5, 6], ((0, 0), (1, 1))),
        ([1, 9], [9], ((1, 0),)),
        ([], [3], ()),
    ],
)
def test_pairs(due: list[int], said: list[int], pairs: tuple[tuple[int, int], ...]) -> None:
    assert match(due, said) == pairs


def test_no_other_pairing_is_better() -> None:
    draw = random.Random(3)
    for _ in range(300):
        due = sorted(draw.sample(range(9), draw.randint(0, 4)))
        said = sorted(draw.sample(range(9), draw.randint(0, 4)))
        pairs = match(due, said)
        distance = sum(abs(due[i] - said[j]) for i, j in pairs)
        assert (len(pairs), -distance) == best_by_trial(due, said)


def best_by_trial(due: list[int], said: list[int]) -> tuple[int, int]:
    """Number of pairs and the negative sum of their distances, of all pairings there are."""
    best = (0, 0)
    for size in range(1, min(len(due), len(said)) + 1):
        for some in combinations(due, size):
            for others in permutations(said, size):
                distances = [abs(a - b) for a, b in zip(some, others, strict=True)]
                if max(distances) <= 1:
                    best = max(best, (size, -sum(distances)))
    return best


def test_counts_and_figures() -> None:
    due = [TimedText(3, "a"), TimedText(6, "b"), TimedText(12, "c")]
    said = [TimedText(3, "a"), TimedText(5, "x"), TimedText(9, "c"), TimedText(10, "c")]
    counts = score_narration(due, said)
    assert counts == NarrationCounts(due=3, published=4, matched=2, worded=1)
    assert counts.f1 == pytest.approx(4 / 7)
    assert counts.precision == 0.5
    assert counts.recall == pytest.approx(2 / 3)
    assert counts.text_accuracy == 0.5
