"""Small clips whose content is known: when it flashes, when it beeps, which way is up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

__all__ = ["QUADRANTS", "Clip", "rotate", "write_clip"]

QUADRANTS = {(0, 0): (220, 30, 30), (0, 1): (30, 220, 30), (1, 0): (30, 30, 220), (1, 1): (0, 0, 0)}
"""Colour (RGB) of each (row, column) quarter of a frame that does not flash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What to write. Flashes (white frames) and beeps (1 kHz) are 0.1 s long."""

    seconds: float = 4.0
    video: bool = True
    audio: bool = True
    flashes: tuple[float, ...] = ()
    beeps: tuple[float, ...] = ()
    frame_times: tuple[float, ...] | None = None  # seconds; None: 20 a second
    width: int = 96
    height: int = 64
    rate: int = 48_000
    channels: int = 2
    level: float = 0.5
    video_codec: str = "libx264"
    audio_codec: str = "aac"
    sample_format: str = "fltp"
    audio_start: float = 0.0
    pixel_aspect: Fraction = Fraction(1)  # width of a pixel divided by its height
    cover: bool = False  # a picture beside the sound, as music files have it

    def frame(self, time: float) -> np.ndarray:
        """uint8 (height, width, 3) RGB."""
        if any(flash <= time < flash + 0.0999 for flash in self.flashes):
            return np.full((self.height, self.width, 3), 255, np.uint8)
        image = np.zeros((self.height, self.width, 3), np.uint8)
        for (row, column), colour in QUADRANTS.items():
            top, left = row * self.height // 2, column * self.width // 2
            image[top : top + self.height // 2, left : left + self.width // 2] = colour
        return image

    def sound(self) -> np.ndarray:
        """float32 (channels, n), full scale 1.0."""
        time = np.arange(round((self.seconds - self.audio_start) * self.rate)) / self.rate
        on = np.zeros(len(time), bool)
        for beep in self.beeps:
            on |= (time >= beep - self.audio_start) & (time < beep - self.audio_start + 0.1)
        tone = np.where(on, self.level * np.sin(2 * np.pi * 1000 * time + 1.0), 0.0)
        return np.tile(tone.astype(np.float32), (self.channels, 1))

    def times(self) -> Sequence[float]:
        if self.frame_times is not None:
            return self.frame_times
        return [number / 20 for number in range(round(self.seconds * 20))]


def write_clip(path: Path, clip: Clip) -> Path:
    """Write a file in the format that its name says."""
    with av.open(str(path), "w") as container:
        video = _video_stream(container, clip) if clip.video else None
        cover = _cover_stream(container) if clip.cover else None
        audio = _audio_stream(container, clip) if clip.audio else None
        if cover is not None:
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8))
            for packet in [*cover.encode(frame.reformat(format="rgb24")), *cover.encode(None)]:
                container.mux(packet)
        if video is not None:
            _write_video(container, video, clip)
        if audio is not None:
            _write_audio(container, audio, clip)
    return path


def rotate(path: Path, degrees: int) -> Path:
    """Say in an MP4 file's track header that the picture is to be turned clockwise."""
    a, b, c, d = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[
        degrees
    ]
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version 0: the matrix follows 40 bytes of other fields
    values = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    path.write_bytes(data)
    return path


def _video_stream(container: av.container.OutputContainer, clip: Clip) -> av.VideoStream:
    stream = container.add_stream(clip.video_codec, rate=20)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height = clip.width, clip.height
    stream.pix_fmt = "yuvj420p" if clip.video_codec == "mjpeg" else "yuv420p"
    if clip.pixel_aspect != 1:
        stream.codec_context.sample_aspect_ratio = clip.pixel_aspect
    stream.codec_context.time_base = Fraction(1, 1000 if clip.frame_times else 20)
    return stream


def _cover_stream(container: av.container.OutputContainer) -> av.VideoStream:
    stream = container.add_stream("png", rate=1)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height, stream.pix_fmt = 32, 32, "rgb24"
    stream.disposition = av.stream.Disposition.attached_pic
    return stream


def _audio_stream(container: av.container.OutputContainer, clip: Clip) -> av.AudioStream:
    layout = {1: "mono", 2: "stereo"}[clip.channels]
    stream = container.add_stream(clip.audio_codec, rate=clip.rate, layout=layout)
    assert isinstance(stream, av.AudioStream)
    stream.format = av.AudioFormat(clip.sample_format)
    return stream


def _write_video(
    container: av.container.OutputContainer, stream: av.VideoStream, clip: Clip
) -> None:
    time_base = stream.codec_context.time_base
    assert time_base is not None
    for time in clip.times():
        frame = av.VideoFrame.from_ndarray(clip.frame(time), format="rgb24")
        frame.pts, frame.time_base = round(time / time_base), time_base
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _write_audio(
    container: av.container.OutputContainer, stream: av.AudioStream, clip: Clip
) -> None:
    layout = {1: "mono", 2: "stereo"}[clip.channels]
    resampler = av.AudioResampler(format=clip.sample_format, layout=layout, rate=clip.rate)
    frame = av.AudioFrame.from_ndarray(clip.sound(), format="fltp", layout=layout)
    frame.sample_rate = clip.rate
    frame.pts, frame.time_base = round(clip.audio_start * clip.rate), Fraction(1, clip.rate)
    for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(resampled))
    container.mux(stream.encode(None))
