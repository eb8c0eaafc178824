"""A recorded instruction: what is taken from a WAV file, and what is refused."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from roma_ros.recording import Recording, RecordingError


def write(
    path: Path, samples: np.ndarray, *, rate: int = 16_000, width: int = 2, channels: int = 1
) -> Path:
    """Samples in [-1, 1], (n,) or (n, channels), as PCM."""
    integers = (samples * (2.0 ** (8 * width - 1) - 1)).astype({1: "u1", 2: "<i2", 4: "<i4"}[width])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(integers.tobytes())
    return path


def tone(seconds: float, rate: int = 16_000) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def test_a_mono_file_at_16_khz_is_taken_as_it_is(tmp_path: Path) -> None:
    samples = Recording.from_wav(write(tmp_path / "a.wav", tone(1.5))).samples
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, tone(1.5), atol=2 / 32_768)
    with pytest.raises(ValueError, match="read-only"):
        samples[0] = 1


@pytest.mark.parametrize(("rate", "width"), [(44_100, 2), (48_000, 4), (8_000, 2)])
def test_other_rates_and_stereo_are_brought_to_it(tmp_path: Path, rate: int, width: int) -> None:
    left = tone(1, rate)
    both = np.stack([left, 0.5 * left], axis=1)
    path = write(tmp_path / "a.wav", both, rate=rate, width=width, channels=2)
    samples = Recording.from_wav(path).samples
    assert len(samples) == 16_000
    middle = slice(1_000, 15_000)  # away from the resampler's edges
    np.testing.assert_allclose(samples[middle], 0.75 * tone(1)[middle], atol=0.01)


def test_what_cannot_be_an_instruction_is_refused(tmp_path: Path) -> None:
    def refuses(path: Path, says: str) -> None:
        with pytest.raises(RecordingError, match=says):
            Recording.from_wav(path)

    refuses(tmp_path / "none.wav", "there is no file")
    refuses(tmp_path, "there is no file")
    text = tmp_path / "text.wav"
    text.write_text("alert me when the kettle boils")
    refuses(text, "cannot be read as WAV.*ffmpeg -i")
    refuses(write(tmp_path / "8bit.wav", tone(1), width=1), "1 channels of 8 bits")
    many = np.zeros((16_000, 6))
    refuses(write(tmp_path / "many.wav", many, channels=6), "6 channels of 16 bits")
    refuses(write(tmp_path / "rate.wav", tone(1), rate=192_000), "192000 Hz; wanted")
    refuses(write(tmp_path / "long.wav", tone(31)), "31.00 s long; wanted 0.1 to 30 s")
    refuses(write(tmp_path / "short.wav", tone(0.05)), "0.05 s long")
    refuses(write(tmp_path / "silent.wav", np.zeros(16_000)), "is silent")


def test_a_file_that_ends_before_its_header_says(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.wav", tone(2)).read_bytes()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole[: 44 + 2 * 16_000 + 1])  # one second, and half a sample
    assert len(Recording.from_wav(cut).samples) == 16_000
    cut.write_bytes(whole[:50])
    with pytest.raises(RecordingError, match=r"0\.00 s long"):
        Recording.from_wav(cut)
