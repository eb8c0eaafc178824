"""The picture or the sound of one media file, piece by piece on the file's own time line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType

from roma_ros.sources.media_frame import MediaFrame
from roma_ros.sources.media_info import audio_stream, opened, video_stream
from roma_ros.sources.orientation import UPRIGHT, Orientation
from roma_ros.units import AudioChunk

__all__ = ["AudioTrack", "Piece", "VideoTrack"]

BLOCK_SECONDS = 0.05  # some codecs decode to half a second at once; a microphone never does
DEFAULT_FPS = 25
NS = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class PicturePiece:
    """A frame, from `start` to `end` (ns on the file's time line)."""

    start: int
    end: int
    picture: av.VideoFrame

    def at(self, stamp: int) -> MediaFrame:
        """The frame with its final stamp."""
        return MediaFrame(stamp, self.picture, _orientation(self.picture))


@dataclass(frozen=True, slots=True, eq=False)
class SoundPiece:
    """float32 (n, channels) samples, from `start` to `end` (ns on the file's time line)."""

    start: int
    end: int
    rate: int
    samples: np.ndarray

    def at(self, stamp: int) -> AudioChunk:
        """The samples with their final stamp. Raises AudioError for NaN and the like."""
        return AudioChunk(stamp, self.rate, self.samples)


Piece: TypeAlias = "PicturePiece | SoundPiece"


class VideoTrack:
    """The frames of a file in the order in which they are shown.

    Iterating opens the file anew. Packets that cannot be decoded are left out.

    Attributes:
        damaged: packets left out so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0

    def __iter__(self) -> Iterator[PicturePiece]:
        with opened(self.path) as container:
            stream = video_stream(container)
            if stream is None:
                return
            stream.thread_type = "AUTO"
            usual = round(NS / (stream.average_rate or DEFAULT_FPS))
            end = 0
            for packet in _packets(container, stream):
                frames = _decode(packet)
                self.damaged += frames is None
                for frame in frames or ():
                    assert isinstance(frame, av.VideoFrame)
                    start = _start(frame, otherwise=end)
                    end = start + (_ns(frame.duration, frame.time_base) or usual)
                    yield PicturePiece(start, end, frame)


class AudioTrack:
    """The sound of a file in pieces of at most 50 ms.

    Iterating opens the file anew. Packets that cannot be decoded are left out.

    Attributes:
        damaged: packets left out so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0

    def __iter__(self) -> Iterator[SoundPiece]:
        with opened(self.path) as container:
            stream = audio_stream(container)
            if stream is None:
                return
            end = 0
            for packet in _packets(container, stream):
                frames = _decode(packet)
                self.damaged += frames is None
                for frame in frames or ():
                    assert isinstance(frame, av.AudioFrame)
                    for piece in _sound(frame, _start(frame, otherwise=end)):
                        end = piece.end
                        yield piece


def _packets(
    container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream
) -> Iterator[av.Packet[Any]]:
    """Packets up to the end of the file, or to where it cannot be read any further."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        yield packet


def _decode(packet: av.Packet[Any]) -> list[av.VideoFrame | av.AudioFrame] | None:
    """The frames that a packet completes; `None` if it is damaged."""
    try:
        frames: list[av.VideoFrame | av.AudioFrame] = list(packet.decode())
    except av.FFmpegError:
        return None
    return frames


def _start(frame: av.VideoFrame | av.AudioFrame, *, otherwise: int) -> int:
    """The time at which a frame is presented; some formats have none."""
    return otherwise if frame.pts is None else _ns(frame.pts, frame.time_base)


def _ns(ticks: int | None, time_base: Fraction | None) -> int:
    if not ticks or time_base is None:
        return 0
    return ticks * time_base.numerator * NS // time_base.denominator


def _sound(frame: av.AudioFrame, start: int) -> Iterator[SoundPiece]:
    rate = frame.sample_rate
    samples = _samples(frame)
    block = max(1, int(rate * BLOCK_SECONDS))
    for first in range(0, len(samples), block):
        part = samples[first : first + block]
        yield SoundPiece(
            start=start + first * NS // rate,
            end=start + (first + len(part)) * NS // rate,
            rate=rate,
            samples=part,
        )


def _samples(frame: av.AudioFrame) -> np.ndarray:
    """float32 (n, channels), full scale 1.0."""
    raw = frame.to_ndarray()
    raw = raw.T if frame.format.is_planar else raw.reshape(-1, frame.layout.nb_channels)
    if raw.dtype == np.uint8:
        return (raw.astype(np.float32) - 128.0) / 128.0
    if raw.dtype.kind == "i":
        return np.multiply(raw, -1.0 / np.iinfo(raw.dtype).min, dtype=np.float32)
    return np.ascontiguousarray(raw, dtype=np.float32)


def _orientation(picture: av.VideoFrame) -> Orientation:
    # PyAV's stub calls it a mapping of names; it is one of types too.
    matrix: Any = picture.side_data.get(SideDataType.DISPLAYMATRIX)  # type: ignore[call-overload]
    return UPRIGHT if matrix is None else Orientation.from_display_matrix(bytes(matrix))
