import array

import numpy as np
import pytest

from roma_ros.events import Alert, Narration, SpeakProbability
from roma_ros.nodes.audio_input import RomaAudio
from roma_ros.nodes.conversions import (
    alert_message,
    audio_message,
    compressed_frame,
    compressed_image,
    image_message,
    narration_message,
    raw_frame,
    speak_probability_message,
)
from roma_ros.nodes.stamps import stamp_of
from roma_ros.units import AudioChunk, RgbFrame

STAMP = 1_700_000_000_123_456_789


@pytest.fixture
def frame() -> RgbFrame:
    x, y = np.meshgrid(np.arange(64), np.arange(48))
    return RgbFrame(STAMP, np.stack([4 * x, 5 * y, x + y], axis=-1).astype(np.uint8))


def test_a_raw_image_comes_back_as_it_was(frame):
    message = image_message(frame, "camera")
    assert (message.height, message.width, message.step) == (48, 64, 192)
    assert message.header.frame_id == "camera"
    back = raw_frame(message, stamp_of(message.header.stamp))
    assert back.stamp == STAMP
    assert np.array_equal(back.decode(), frame.rgb)


def test_reading_a_raw_image_copies_nothing(frame):
    message = image_message(frame, "")
    assert isinstance(message.data, array.array)
    assert np.shares_memory(np.asarray(raw_frame(message, 0).data), np.asarray(message.data))


def test_a_compressed_image_comes_back_nearly_as_it_was(frame):
    message = compressed_image(frame, "camera")
    back = compressed_frame(message, STAMP).decode()
    assert back.shape == frame.rgb.shape
    assert np.abs(back.astype(int) - frame.rgb).mean() < 4


def test_audio_comes_back_as_it_was():
    samples = np.random.default_rng(0).uniform(-1, 1, (480, 2)).astype(np.float32)
    message = audio_message(AudioChunk(STAMP, 48_000, samples), "microphone")
    assert (message.sample_rate, message.channels, message.format) == (48_000, 2, "f32le")
    back = RomaAudio().chunk(message, stamp_of(message.header.stamp))
    assert back.stamp == STAMP
    assert np.array_equal(back.samples, samples)


def test_events_keep_what_they_say():
    where = {"stream": 0, "stamp": STAMP, "unit": 7, "watch": "dog", "p_speak": 0.75}
    p_speak = speak_probability_message(SpeakProbability(**where, threshold=0.5, triggered=True))
    assert (p_speak.unit, p_speak.watch, p_speak.p_speak) == (7, "dog", 0.75)
    assert (p_speak.threshold, p_speak.triggered) == (0.5, True)
    words = {"instruction": "A dog barks.", "text": "It does."}
    for message in (
        alert_message(Alert(**where, **words)),
        narration_message(Narration(**where, **words)),
    ):
        assert stamp_of(message.header.stamp) == STAMP
        assert (message.unit, message.watch, message.p_speak) == (7, "dog", 0.75)
        assert (message.instruction, message.text) == ("A dog barks.", "It does.")
