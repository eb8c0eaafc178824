"""Damaged media files, followed as `roma run FILE --fast` follows them, in this process."""

from __future__ import annotations

import contextlib
import io
import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from values import mutated

from roma_ros.cli.main import main

__all__ = ["media"]

SIZE, FPS, RATE, SECONDS = (48, 64), 8, 16_000, 2
CONTAINERS = {
    "mp4": ("libx264", "aac"),
    "mkv": ("libx265", "libopus"),
    "webm": ("libvpx-vp9", "libopus"),
    "avi": ("mpeg4", "mp3"),
    "ts": ("mpeg2video", "mp2"),
    "wav": (None, "pcm_s16le"),
    "flac": (None, "flac"),
    "mp3": (None, "mp3"),
    "ogg": (None, "libopus"),
}


@cache
def _clip(container: str) -> bytes:
    """Two seconds of picture and sound."""
    video_codec, audio_codec = CONTAINERS[container]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"clip.{container}")
        with av.open(str(path), "w") as output:
            video = None if video_codec is None else _add_video(output, video_codec)
            rate = 48_000 if audio_codec == "libopus" else RATE
            audio = output.add_stream(audio_codec, rate=rate, layout="mono")
            if video is not None:
                _write_video(output, video)
            assert isinstance(audio, av.AudioStream)
            _write_audio(output, audio, rate)
        return path.read_bytes()


def _add_video(output: av.container.OutputContainer, codec: str) -> av.VideoStream:
    stream = output.add_stream(codec, rate=25 if codec == "mpeg2video" else FPS)
    assert isinstance(stream, av.VideoStream)
    stream.height, stream.width, stream.pix_fmt = *SIZE, "yuv420p"
    return stream


def _write_video(output: av.container.OutputContainer, stream: av.VideoStream) -> None:
    for number in range(SECONDS * FPS):
        pixels = np.full((*SIZE, 3), (10 * number, 90, 200), np.uint8)
        picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        picture.pts, picture.time_base = number, 1 / (stream.average_rate or Fraction(FPS))
        output.mux(stream.encode(picture))
    output.mux(stream.encode(None))


def _write_audio(output: av.container.OutputContainer, stream: av.AudioStream, rate: int) -> None:
    tone = np.sin(np.arange(SECONDS * rate) * 2 * np.pi * 440 / rate)
    frame = av.AudioFrame.from_ndarray((tone * 9000).astype("<i2")[None], "s16", "mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    resampler = av.AudioResampler(stream.format, stream.layout, rate, stream.frame_size or 1024)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        output.mux(stream.encode(part))
    output.mux(stream.encode(None))


def media(rng: np.random.Generator) -> str:
    """One damaged file."""
    container = str(rng.choice(list(CONTAINERS)))
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"clip.{container}")
        path.write_bytes(mutated(rng, _clip(container)))
        arguments = ["run", str(path), "--fast", "--quiet", "--watch", "a dog barks"]
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                status = main(arguments)
            except SystemExit as end:
                status = int(end.code or 0)
    text = said.getvalue()
    assert "Traceback" not in text, text
    assert status in (0, 1, 2, 3), f"exit status {status}"
    assert status == 0 or text.strip(), "an exit status without a word"
    return f"exit status {status}"
