"""Who speaks, and that nobody is heard both in training and in tests."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from roma_ros.world import TEST_VOICES, TRAIN_VOICES, VALIDATION_VOICES, Split, Voice, say
from roma_ros.world.voices import draw_voice

VOICES = {
    Split.TRAIN: TRAIN_VOICES,
    Split.VALIDATION: VALIDATION_VOICES,
    Split.TEST: TEST_VOICES,
}


@pytest.mark.parametrize("name", sum(VOICES.values(), ()))
def test_every_voice_is_there_and_says_short_words_within_their_time(name: str) -> None:
    slow = say("kitchen", Voice(name, 130, 30))
    assert 0.2 < len(slow) / 16_000 < 0.9
    assert len(slow) > len(say("kitchen", Voice(name, 190, 30)))


@pytest.mark.parametrize(("one", "other"), list(combinations(Split, 2)))
def test_no_voice_is_heard_in_two_splits(one: Split, other: Split) -> None:
    assert not set(VOICES[one]) & set(VOICES[other])
    variants = [{name.partition("+")[2] for name in VOICES[split]} - {""} for split in (one, other)]
    assert not variants[0] & variants[1]


@pytest.mark.parametrize("split", Split)
def test_every_voice_of_a_split_is_heard(split: Split) -> None:
    random = np.random.default_rng(0)
    assert {draw_voice(random, split).name for _ in range(1_000)} == set(VOICES[split])
