"""Answers against what is right. Needs no torch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from roma_ros.evaluation.bootstrap import ratio
from roma_ros.evaluation.outcomes import AnswerOutcome

__all__ = ["AnswerCounts", "majority_share", "score_answer"]


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """Of one question, or summed over many."""

    asked: Any = 0
    right: Any = 0

    @property
    def accuracy(self) -> Any:
        return ratio(self.right, self.asked)


def score_answer(outcome: AnswerOutcome) -> AnswerCounts:
    """An answer is right if it is the same words, but for space around them."""
    return AnswerCounts(1, int(outcome.got.strip() == outcome.right))


def majority_share(answers: Sequence[tuple[Hashable, str]]) -> float:
    """The accuracy of saying, to each kind of question, what is right most often.

    It knows the test's own majorities, so it is a little better than anybody could guess.

    Args:
        answers: kind and right answer of each question.
    """
    by_kind: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for kind, answer in answers:
        by_kind[kind][answer] += 1
    return float(ratio(sum(_most(counter) for counter in by_kind.values()), len(answers)))


def _most(counter: Counter[str]) -> int:
    counts: Iterable[int] = counter.values()
    return max(counts)
