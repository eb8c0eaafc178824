"""The picture or the sound of one media file, piece by piece on the file's own time line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

import av
import numpy as np
from av.sidedata.sidedata import Type as SideDataType

from roma_ros.sources.media_frame import MediaFrame
from roma_ros.sources.media_info import MediaLocation, audio_stream, opened, video_stream
from roma_ros.sources.network import network_reason
from roma_ros.sources.orientation import UPRIGHT, Orientation
from roma_ros.units import AudioChunk

__all__ = [
    "AudioTrack",
    "PicturePiece",
    "Piece",
    "SoundPiece",
    "VideoTrack",
    "orientation_of",
    "pixel_aspect_of",
    "sound_pieces",
    "time_of",
]

BLOCK_SECONDS = 0.05  # some codecs decode to half a second at once; a microphone never does
DEFAULT_FPS = 25
BACKWARD = 1_000_000_000  # ns; times that go back further begin anew, as in files that were joined
MAX_PIXEL_ASPECT = 8  # pixels wider or taller than this are a damaged header
NS = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class PicturePiece:
    """A frame, shown from `start` to `end` (ns on the file's time line).

    Attributes:
        start, end: ns.
        picture: as the decoder gave it.
        pixel_aspect: width of a pixel divided by its height.
        is_last: no frame follows, and none was lost: a player goes on showing this one.
    """

    start: int
    end: int
    picture: av.VideoFrame
    pixel_aspect: Fraction = Fraction(1)
    is_last: bool = False

    def at(self, stamp: int) -> MediaFrame:
        """The frame with its final stamp."""
        return MediaFrame(stamp, self.picture, orientation_of(self.picture), self.pixel_aspect)


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


class _Track:
    """What both kinds of track count while they are read.

    Attributes:
        packets: packets read so far.
        damaged: of these, packets that could not be decoded, and frames that are incomplete.
        broken_off: why the file could not be read to its end; `None` if it could.
    """

    def __init__(self, location: MediaLocation) -> None:
        self.location = location
        self.packets = self.damaged = 0
        self._shift = 0  # ns, of times that have begun anew
        self._newest = 0  # start of the frame before, ns
        self.broken_off: str | None = None

    def _frames(
        self, container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream
    ) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """Frames up to the end of the file, or to where it cannot be read any further."""
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError as error:
                self.broken_off = network_reason(error)
                return
            self.packets += packet.size > 0
            yield from self._decode(packet)

    def _start(self, frame: av.VideoFrame | av.AudioFrame, end: int) -> int:
        """When a frame begins (ns); `end` is that of the one before, if its duration was right."""
        time = time_of(frame)
        if time is None:
            return end
        if time + self._shift < self._newest - BACKWARD:
            self._shift = min(end, self._newest + NS) - time
        self._newest = time + self._shift
        return self._newest

    def _decode(self, packet: av.Packet[Any]) -> Iterator[av.VideoFrame | av.AudioFrame]:
        try:
            frames: list[av.VideoFrame | av.AudioFrame] = list(packet.decode())
        except av.FFmpegError:
            self.damaged += 1
            return
        for frame in frames:
            self.damaged += frame.is_corrupt
            yield frame


class VideoTrack(_Track):
    """The frames of a file in the order in which they are shown.

    Iterating opens the file anew. Packets that cannot be decoded are left out.
    """

    def __iter__(self) -> Iterator[PicturePiece]:
        """A frame is shown until the next one; one before a lost frame, for its usual time."""
        waiting: PicturePiece | None = None
        damaged = 0
        for piece in self._pieces():
            if waiting is not None:
                lost = self.damaged > damaged
                end = min(piece.start, waiting.end) if lost else piece.start
                yield replace(waiting, end=max(end, waiting.start))
            waiting, damaged = piece, self.damaged
        if waiting is not None:
            whole = self.broken_off is None and self.damaged == damaged
            yield replace(waiting, is_last=whole)

    def _pieces(self) -> Iterator[PicturePiece]:
        """Frames with their own durations, as far as the file tells them."""
        with opened(self.location) as container:
            stream = video_stream(container)
            if stream is None:
                return
            aspect = pixel_aspect_of(stream)
            rate = stream.average_rate or stream.guessed_rate or DEFAULT_FPS
            usual = min(round(NS / rate), NS)
            stated = _end(stream)
            end = 0
            for frame in self._frames(container, stream):
                assert isinstance(frame, av.VideoFrame)
                start = self._start(frame, end)
                length = _ns(frame.duration, frame.time_base) or usual
                if (
                    stated is not None and not self._shift
                ):  # durations are those of decoding: only a hint
                    length = min(length, max(stated - start, NS // DEFAULT_FPS))
                end = start + length
                yield PicturePiece(start, end, frame, aspect)


class AudioTrack(_Track):
    """The sound of a file in pieces of at most 50 ms.

    Iterating opens the file anew. Packets that cannot be decoded are left out.
    """

    def __iter__(self) -> Iterator[SoundPiece]:
        with opened(self.location) as container:
            stream = audio_stream(container)
            if stream is None:
                return
            end = 0
            for frame in self._frames(container, stream):
                assert isinstance(frame, av.AudioFrame)
                for piece in sound_pieces(frame, self._start(frame, end)):
                    end = piece.end
                    yield piece


def sound_pieces(frame: av.AudioFrame, start: int) -> Iterator[SoundPiece]:
    """The samples of a decoded frame that begins at `start` (ns), in pieces of at most 50 ms."""
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


def time_of(frame: av.VideoFrame | av.AudioFrame) -> int | None:
    """When a frame is presented, ns on its stream's time line; `None`: it has no time."""
    return None if frame.pts is None else _ns(frame.pts, frame.time_base)


def _end(stream: av.VideoStream) -> int | None:
    """The time at which a track ends, as the container states it."""
    if not stream.duration:
        return None
    return _ns((stream.start_time or 0) + stream.duration, stream.time_base)


def _ns(ticks: int | None, time_base: Fraction | None) -> int:
    if not ticks or time_base is None:
        return 0
    return ticks * time_base.numerator * NS // time_base.denominator


def _samples(frame: av.AudioFrame) -> np.ndarray:
    """float32 (n, channels), full scale 1.0."""
    raw = frame.to_ndarray()
    raw = raw.T if frame.format.is_planar else raw.reshape(-1, frame.layout.nb_channels)
    if raw.dtype == np.uint8:
        return (raw.astype(np.float32) - 128.0) / 128.0
    if raw.dtype.kind == "i":
        return np.multiply(raw, -1.0 / np.iinfo(raw.dtype).min, dtype=np.float32)
    return np.ascontiguousarray(raw, dtype=np.float32)


def pixel_aspect_of(stream: av.VideoStream) -> Fraction:
    """Width of a pixel divided by its height; 1 where the file does not tell, or nonsense."""
    aspect = stream.sample_aspect_ratio
    if not aspect or not Fraction(1, MAX_PIXEL_ASPECT) <= aspect <= MAX_PIXEL_ASPECT:
        return Fraction(1)
    return aspect


def orientation_of(picture: av.VideoFrame) -> Orientation:
    """How the file says that a frame is to be shown."""
    # PyAV's stub calls it a mapping of names; it is one of types too.
    matrix: Any = picture.side_data.get(SideDataType.DISPLAYMATRIX)  # type: ignore[call-overload]
    return UPRIGHT if matrix is None else Orientation.from_display_matrix(bytes(matrix))
