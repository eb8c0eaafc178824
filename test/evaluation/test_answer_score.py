from __future__ import annotations

import math

from roma_ros.evaluation.answer_score import AnswerCounts, majority_share, score_answer

from .by_hand import answer


def test_an_answer_is_right_if_it_is_the_same_words() -> None:
    assert score_answer(answer("red", "red ")) == AnswerCounts(1, 1)
    assert score_answer(answer("red", "red circle")) == AnswerCounts(1, 0)
    assert score_answer(answer("no", "")) == AnswerCounts(1, 0)


def test_the_majority_is_counted_for_each_kind() -> None:
    asked = [("a", "yes"), ("a", "yes"), ("a", "no"), ("b", "one"), ("b", "two")]
    assert majority_share(asked) == 3 / 5
    assert math.isnan(majority_share([]))
