import array

import numpy as np
import pytest

from roma_ros.units import AudioChunk, AudioError


def pcm(**changes) -> AudioChunk:
    good = {"stamp": 0, "rate": 16000, "channels": 1, "sample_format": "s16le", "data": bytes(2)}
    return AudioChunk.from_pcm(**{**good, **changes})


@pytest.mark.parametrize(
    ("sample_format", "dtype", "full_scale"),
    [("s16le", "<i2", 2**15), ("s32le", "<i4", 2**31), ("f32le", "<f4", 1)],
)
def test_pcm(sample_format, dtype, full_scale):
    values = np.array([[0.5, -0.25], [0.0, -1.0], [0.125, 0.75]])
    data = (values * full_scale).astype(dtype).tobytes()
    for buffer in (data, memoryview(data), array.array("B", data), np.frombuffer(data, np.uint8)):
        chunk = pcm(rate=48000, channels=2, sample_format=sample_format, data=buffer)
        assert chunk.samples.dtype == np.float32
        np.testing.assert_array_equal(chunk.samples, values)


def test_length_and_mono():
    samples = np.arange(1600, dtype=np.float32).reshape(800, 2) / 1600
    chunk = AudioChunk(10**9, 8000, samples)
    assert chunk.duration == 0.1
    assert chunk.end == 10**9 + 10**8
    np.testing.assert_allclose(chunk.mono(), samples.mean(axis=1), atol=1e-7)
    assert AudioChunk(0, 8000, samples[:, 0]).samples.shape == (800, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_format": "mp3"}, "'mp3'; expected one of s16le, s32le, f32le"),
        ({"rate": 7999}, "rate is 7999 Hz; expected 8000 to 192000"),
        ({"rate": 0}, "rate is 0"),
        ({"rate": 192001}, "rate is 192001"),
        ({"channels": 0}, "0 channels; expected 1 to 8"),
        ({"channels": 9}, "9 channels"),
        ({"data": b""}, "0 samples"),
        ({"data": bytes(3)}, "3 bytes; expected a multiple of 2"),
        ({"data": bytes(6), "channels": 2}, "6 bytes; expected a multiple of 4"),
        ({"data": bytes(2 * 160001)}, "at most 10 s"),
    ],
)
def test_what_is_wrong_is_said(changes, message):
    with pytest.raises(AudioError, match=message):
        pcm(**changes)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 30000.0])
def test_samples_that_are_no_sound(bad):
    samples = np.zeros((100, 2), np.float32)
    samples[50, 1] = bad
    with pytest.raises(AudioError, match="finite samples of full scale"):
        AudioChunk(0, 16000, samples)
    with pytest.raises(AudioError, match="finite samples of full scale"):
        pcm(channels=2, sample_format="f32le", data=samples.tobytes())


@pytest.mark.parametrize(
    "samples", [np.zeros(10), np.zeros((10, 2, 1), np.float32), np.zeros((0, 2), np.float32)]
)
def test_arrays_of_another_shape(samples):
    with pytest.raises(AudioError):
        AudioChunk(0, 16000, samples)
