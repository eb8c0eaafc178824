"""Who speaks, and that nobody is heard both in training and in tests."""

from __future__ import annotations

import numpy as np
import pytest

from roma_ros.world import TEST_VOICES, TRAIN_VOICES, Split, Voice, say
from roma_ros.world.voices import draw_voice


@pytest.mark.parametrize("name", TRAIN_VOICES + TEST_VOICES)
def test_every_voice_is_there_and_says_short_words_within_their_time(name: str) -> None:
    slow = say("kitchen", Voice(name, 130, 30))
    assert 0.2 < len(slow) / 16_000 < 0.9
    assert len(slow) > len(say("kitchen", Voice(name, 190, 30)))


def test_no_test_voice_is_heard_in_training() -> None:
    assert not set(TRAIN_VOICES) & set(TEST_VOICES)
    variants = [
        {name.partition("+")[2] for name in names} - {""} for names in (TRAIN_VOICES, TEST_VOICES)
    ]
    assert not variants[0] & variants[1]
    random = np.random.default_rng(0)
    for split, names in ((Split.TRAIN, TRAIN_VOICES), (Split.TEST, TEST_VOICES)):
        drawn = {draw_voice(random, split).name for _ in range(300)}
        assert drawn == set(names)
