"""Lessons are what the world says, and the same in every run."""

from __future__ import annotations

import numpy as np
import pytest

from roma_ros.training.curriculum import Lesson, Lessons, Mix
from roma_ros.world import Split

ALL = Mix(questions=1, alerts=2, narrations=1, spoken=0.3, seconds=(3, 6))


def test_the_same_number_is_the_same_stream() -> None:
    one, two = Lessons([Lesson(ALL, 40)]), Lessons([Lesson(ALL, 40)])
    for index in (0, 7, 23):
        first, second = one[index], two[index]
        assert first.instruction == second.instruction
        assert first.exchanges == second.exchanges
        for unit, other in zip(first.units, second.units, strict=True):
            assert np.array_equal(unit.frames, other.frames)
            assert np.array_equal(unit.audio, other.audio)


def test_a_mix_gives_every_kind_of_lesson() -> None:
    lessons = Lessons([Lesson(ALL, 60)])
    examples = [lessons[index] for index in range(60)]
    alerts = [e for e in examples if e.speak and not e.replies]
    narrations = [e for e in examples if e.speak and e.replies]
    questions = [e for e in examples if not e.speak]
    spoken = [e for e in examples if not e.instruction and (e.speak or e.replies)]
    assert all((alerts, narrations, questions, spoken))
    assert any(any(e.speak) for e in alerts)
    assert any(not any(e.speak) for e in alerts)  # hard negatives
    assert {e.weight for e in narrations} == {1.5}
    assert all(e.exchanges for e in questions if not e.replies)


def test_lessons_follow_one_another_and_splits_share_no_stream() -> None:
    short, longer = Mix(seconds=(2, 2)), Mix(seconds=(9, 9))
    lessons = Lessons([Lesson(short, 2), Lesson(longer, 3)])
    assert len(lessons) == 5
    assert [len(lessons[index].units) for index in range(5)] == [2, 2, 9, 9, 9]
    with pytest.raises(IndexError, match="beyond the last of 5"):
        lessons[5]
    test = Lessons([Lesson(short, 2)], Split.TEST)
    assert not np.array_equal(test[0].units[0].frames, lessons[0].units[0].frames)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"questions": 0.0}, "nor all of them 0"),
        ({"alerts": -1.0}, "must not be negative"),
        ({"spoken": 2.0}, "share from 0 to 1"),
        ({"seconds": (5, 2)}, "shortest and longest"),
    ],
)
def test_bad_mixes_are_named(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Mix(**values)
