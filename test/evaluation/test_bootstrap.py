from __future__ import annotations

import math

import numpy as np
import pytest

from roma_ros.evaluation.answer_score import AnswerCounts
from roma_ros.evaluation.bootstrap import interval, ratio, total


def accuracy(counts: AnswerCounts) -> object:
    return counts.accuracy


def test_ratio_of_nothing_is_nan() -> None:
    assert ratio(1, 4) == 0.25
    assert math.isnan(ratio(0, 0))
    np.testing.assert_array_equal(ratio(np.array([1, 1]), np.array([2, 0])), [0.5, np.nan])


def test_total_adds_field_by_field() -> None:
    assert total([AnswerCounts(2, 1), AnswerCounts(3, 3)], AnswerCounts) == AnswerCounts(5, 4)
    assert total([], AnswerCounts) == AnswerCounts(0, 0)


def test_streams_of_one_world_are_drawn_together() -> None:
    counts = [AnswerCounts(1, 1), AnswerCounts(1, 0)]
    assert interval(counts, [7, 7], accuracy) == (0.5, 0.5)
    assert interval(counts, [7, 8], accuracy) == (0.0, 1.0)


def test_the_interval_is_that_of_a_share() -> None:
    right = np.arange(400) % 5 == 0
    counts = [AnswerCounts(1, int(value)) for value in right]
    found = interval(counts, range(400), accuracy)
    spread = 1.96 * math.sqrt(0.2 * 0.8 / 400)
    assert found == pytest.approx((0.2 - spread, 0.2 + spread), abs=0.01)


def test_nothing_has_no_interval() -> None:
    assert interval([], [], accuracy) is None
    assert interval([AnswerCounts(0, 0)], [1], accuracy) is None
