"""Answer accuracy, and the accuracy of a majority guess. Free of torch."""

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
    """Counts of one question, or summed over many.

    Attributes:
        asked: questions.
        right: questions with the right answer.
    """

    asked: Any = 0
    right: Any = 0

    @property
    def accuracy(self) -> Any:
        """Share of right answers, right / asked."""
        return ratio(self.right, self.asked)


def score_answer(outcome: AnswerOutcome) -> AnswerCounts:
    """Count one answer: right if equal to the expected text, leading and trailing space aside."""
    return AnswerCounts(1, int(outcome.got.strip() == outcome.right))


def majority_share(answers: Sequence[tuple[Hashable, str]]) -> float:
    """Return the accuracy of always giving the most frequent right answer of each kind.

    The frequencies are those of the test set itself, so this baseline is slightly optimistic.

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
