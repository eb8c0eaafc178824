from __future__ import annotations

import sys

import numpy as np
import pytest

from roma_ros.world import TEST_VOICES, TRAIN_VOICES, SpeechError, Split, Voice, say
from roma_ros.world.voices import draw_voice

LINE = "alert me when a blue square appears while a tone sounds"


def test_a_line_is_the_same_whatever_was_said_before() -> None:
    voice = Voice("en-us+f2", 150, 40)
    first = say(LINE, voice).copy()
    say("something else", Voice("en+m2", 180, 60))
    say.cache_clear()
    np.testing.assert_array_equal(say(LINE, voice), first)


def test_a_line_has_the_loudness_and_no_silence_at_its_ends() -> None:
    line = say(LINE, Voice("en-us"))
    assert line.dtype == np.float32
    assert 2 * 16_000 < len(line) < 5 * 16_000
    assert np.sqrt(np.mean(line**2)) == pytest.approx(0.1, rel=0.05)
    assert np.abs(line).max() <= 1
    assert np.abs(line[:800]).max() > 0.003
    with pytest.raises(ValueError, match="read-only"):
        line[0] = 1


@pytest.mark.parametrize("name", TRAIN_VOICES + TEST_VOICES)
def test_every_voice_is_there_and_says_short_words_within_their_time(name: str) -> None:
    slow = say("kitchen", Voice(name, 130, 30))
    assert 0.2 < len(slow) / 16_000 < 0.9
    assert len(slow) > len(say("kitchen", Voice(name, 190, 30)))


def test_voices_differ_in_sound_speed_and_pitch() -> None:
    lines = [
        say(LINE, voice)
        for voice in (
            Voice("en-us"),
            Voice("en-us+f4"),
            Voice("en-us", speed=190),
            Voice("en-us", pitch=70),
        )
    ]
    assert len({line[:8000].tobytes() for line in lines}) == 4
    assert len(lines[2]) < 0.95 * len(lines[0])


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


def test_an_unknown_voice_and_no_words_are_refused() -> None:
    with pytest.raises(SpeechError, match="no voice 'xx-nobody'"):
        say("hello", Voice("xx-nobody"))
    with pytest.raises(SpeechError, match="nothing to hear"):
        say("...", Voice("en-us"))


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(SpeechError, match="pip install espeakng-loader"):
        say("a sentence that was never said", Voice("en-us"))
