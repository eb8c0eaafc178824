from __future__ import annotations

from roma_ros.world import ANSWERS, Colour, Look, Shape, Sound
from roma_ros.world.words import counted, listed


def test_answers_are_single_words_and_different() -> None:
    assert len(set(ANSWERS)) == len(ANSWERS)
    assert all(answer.isalpha() and answer.islower() for answer in ANSWERS)


def test_looks_and_counts_read_as_english() -> None:
    assert str(Look(Colour.RED, Shape.CIRCLE)) == "red circle"
    assert counted(Sound.BEEP, 1) == "a beep"
    assert counted(Sound.KNOCK, 3) == "three knocks"
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"
