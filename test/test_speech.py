"""Spoken words, by the real espeak-ng."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from roma_ros.speech import SpeechError, Voice, say, speak

LINE = "alert me when a blue square appears while a tone sounds"


@pytest.mark.slow
def test_a_line_is_the_same_whatever_was_said_before_and_whenever() -> None:
    voice = Voice("en-us+f2", 150, 40)
    first = say(LINE, voice).copy()
    say("something else", Voice("en+m2", 180, 60))
    speak.cache_clear()
    time.sleep(1.1)  # left to itself, the library seeds its noise with the time in seconds
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


def test_words_are_heard_one_after_another_to_the_end() -> None:
    speech = speak("do you hear three beeps now?", Voice("en-us"))
    words = speech.words
    assert [word.text for word in words] == ["do", "you", "hear", "three", "beeps", "now"]
    assert words[0].begins == 0
    assert [word.ends for word in words[:-1]] == [word.begins for word in words[1:]]
    assert words[-1].ends == pytest.approx(len(speech.sound) / 16_000)
    beeps = words[4]
    level = np.abs(speech.sound)[int(beeps.begins * 16_000) : int(beeps.ends * 16_000)]
    assert level.max() > 0.1


def test_what_runs_into_a_word_is_part_of_it() -> None:
    said = speak("what colour was the first shape?", Voice("en-us")).words
    assert [word.text for word in said] == ["what", "colour", "was", "first", "shape"]
    far = speak("how many words so far?", Voice("en-us")).words
    assert [word.text for word in far][:4] == ["how", "many", "words", "so"]


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


def test_an_unknown_voice_and_no_words_are_refused() -> None:
    with pytest.raises(SpeechError, match="no voice 'xx-nobody'"):
        say("hello", Voice("xx-nobody"))
    with pytest.raises(SpeechError, match="is silent"):
        say("...", Voice("en-us"))


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(SpeechError, match="pip install espeakng-loader"):
        say("a sentence that was never said", Voice("en-us"))
