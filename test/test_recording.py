"""A recorded instruction: what is taken from an audio file, and what is refused."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np
import pytest

from roma_ros.recording import Recording, RecordingError

from .clips import Clip, write_clip


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
    samples = Recording.from_file(write(tmp_path / "a.wav", tone(1.5))).samples
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, tone(1.5), atol=2 / 32_768)
    with pytest.raises(ValueError, match="read-only"):
        samples[0] = 1


@pytest.mark.parametrize(("rate", "width"), [(44_100, 2), (48_000, 4), (8_000, 2), (192_000, 4)])
def test_other_rates_and_stereo_are_brought_to_it(tmp_path: Path, rate: int, width: int) -> None:
    left = tone(1, rate)
    both = np.stack([left, 0.5 * left], axis=1)
    path = write(tmp_path / "a.wav", both, rate=rate, width=width, channels=2)
    samples = Recording.from_file(path).samples
    assert len(samples) == 16_000
    middle = slice(1_000, 15_000)  # away from the resampler's edges
    np.testing.assert_allclose(samples[middle], 0.75 * tone(1)[middle], atol=0.01)


def test_what_cannot_be_an_instruction_is_refused(tmp_path: Path) -> None:
    def refuses(path: Path, says: str) -> None:
        with pytest.raises(RecordingError, match=says):
            Recording.from_file(path)

    refuses(tmp_path / "none.wav", "there is no file")
    refuses(tmp_path, "there is no file")
    text = tmp_path / "text.wav"
    text.write_text("alert me when the kettle boils")
    refuses(text, "is a text, .*; give an audio file")
    film = Clip(seconds=1.0, audio=False)
    refuses(write_clip(tmp_path / "film.mp4", film), "film.mp4 has no audio; give an audio file")
    many = np.zeros((16_000, 9))
    refuses(write(tmp_path / "many.wav", many, channels=9), "9 channels; expected")
    refuses(write(tmp_path / "rate.wav", tone(1), rate=4_000), "4000 Hz and 1 channels; expected")
    refuses(write(tmp_path / "long.wav", tone(31)), "is 31.00 s long; expected at most 30 s; give")
    refuses(write(tmp_path / "short.wav", tone(0.05)), "is 0.05 s long; expected at least 0.1 s")
    refuses(write(tmp_path / "silent.wav", np.zeros(16_000)), "is silent")
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    refuses(large, "is 65 MiB large; expected at most 64 MiB; give")


def test_a_file_that_ends_before_its_header_says(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.wav", tone(2)).read_bytes()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole[: 44 + 2 * 16_000 + 1])  # one second, and half a sample
    assert 15_000 < len(Recording.from_file(cut).samples) <= 16_000  # the odd packet is left out
    cut.write_bytes(whole[:50])
    with pytest.raises(RecordingError, match=r"0\.00 s long"):
        Recording.from_file(cut)


@pytest.mark.parametrize(
    ("name", "codec", "sample_format", "rate"),
    [
        ("a.mp3", "libmp3lame", "fltp", 44_100),
        ("a.flac", "flac", "s16", 96_000),
        ("a.ogg", "libopus", "flt", 48_000),
        ("a.m4a", "aac", "fltp", 48_000),
        ("a.wav", "pcm_u8", "u8", 16_000),
        ("film.mp4", "aac", "fltp", 48_000),
    ],
)
def test_any_audio_file_is_taken(
    tmp_path: Path, name: str, codec: str, sample_format: str, rate: int
) -> None:
    clip = Clip(
        seconds=2.0,
        video=name == "film.mp4",
        audio_codec=codec,
        sample_format=sample_format,
        rate=rate,
        beeps=(0.5, 1.5),
    )
    samples = Recording.from_file(write_clip(tmp_path / name, clip)).samples
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(32_000, abs=1_600)  # encoders pad their last frame
    loud = np.flatnonzero(np.abs(samples) > 0.25) / 16_000
    first, second = loud[loud < 1], loud[loud > 1]
    assert (first[0], first[-1]) == pytest.approx((0.5, 0.6), abs=0.02)
    assert (second[0], second[-1]) == pytest.approx((1.5, 1.6), abs=0.02)


def test_a_long_file_is_refused_before_it_is_decoded_as_a_whole(tmp_path: Path) -> None:
    """Half an hour of silence in 200 kB: its length is not stated, so it is counted."""
    path = tmp_path / "long.flac"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=8_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        for number in range(450):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 32_000), np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = 8_000, number * 32_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = bytearray(path.read_bytes())
    data[21:26] = bytes((data[21] & 0xF0, 0, 0, 0, 0))  # the count of samples in STREAMINFO
    path.write_bytes(data)
    with pytest.raises(RecordingError, match="is longer than 30 s; expected at most that; give"):
        Recording.from_file(path)
