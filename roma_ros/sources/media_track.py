"""The video or audio track of one media file, item by item with the file's own times."""

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
    "TrackChunk",
    "TrackFrame",
    "TrackItem",
    "VideoTrack",
    "orientation_of",
    "pixel_aspect_of",
    "split_frame",
    "time_of",
]

CHUNK_SECONDS = 0.05  # some codecs decode to 0.5 s at once; a microphone never does
DEFAULT_FPS = 25
BACKWARD = 1_000_000_000  # ns; times that go back further start again, as in files that were joined
MAX_PIXEL_ASPECT = 8  # pixels wider or taller than this are a damaged header
NS = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class TrackFrame:
    """A frame of a video track.

    Attributes:
        start, end: times between which it is shown, ns in the file.
        picture: PyAV's frame, as the decoder gave it.
        pixel_aspect: width of a pixel divided by its height.
        is_last: whether no frame follows, and none was lost: a player would keep showing it.
    """

    start: int
    end: int
    picture: av.VideoFrame
    pixel_aspect: Fraction = Fraction(1)
    is_last: bool = False

    def at(self, stamp: int) -> MediaFrame:
        """Return the frame with a stamp, ns."""
        return MediaFrame(stamp, self.picture, orientation_of(self.picture), self.pixel_aspect)


@dataclass(frozen=True, slots=True, eq=False)
class TrackChunk:
    """A chunk of an audio track.

    Attributes:
        start, end: beginning and end, ns in the file.
        rate: sampling rate, Hz.
        samples: float32 (n, channels), full scale 1.0.
    """

    start: int
    end: int
    rate: int
    samples: np.ndarray

    def at(self, stamp: int) -> AudioChunk:
        """Return the chunk with a stamp, ns.

        Raises:
            AudioError: a sample is not finite.
        """
        return AudioChunk(stamp, self.rate, self.samples)


TrackItem: TypeAlias = "TrackFrame | TrackChunk"


class _Track:
    """Base of both kinds of track: reads and decodes packets, and counts them.

    Attributes:
        location: path or address of the file.
        packets: packets read so far.
        damaged: of these, packets that could not be decoded, and frames that are incomplete.
        broken_off: why the file could not be read to its end; `None`: it could.
    """

    def __init__(self, location: MediaLocation) -> None:
        self.location = location
        self.packets = self.damaged = 0
        self._shift = 0  # ns, added to times that started again
        self._newest = 0  # start of the frame before, ns
        self.broken_off: str | None = None

    def _frames(
        self, container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream
    ) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """Yield frames up to the end of the file, or to where it cannot be read any further."""
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
        """Return when a frame begins, ns; `end` is the end of the one before, by its duration."""
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
    """The frames of a file, in the order in which they are shown.

    Each iteration opens the file. Packets that cannot be decoded are left out.
    """

    def __iter__(self) -> Iterator[TrackFrame]:
        """Yield frames; each is shown until the next one, or for its duration before a lost one."""
        waiting: TrackFrame | None = None
        damaged = 0
        for item in self._frames_with_durations():
            if waiting is not None:
                lost = self.damaged > damaged
                end = min(item.start, waiting.end) if lost else item.start
                yield replace(waiting, end=max(end, waiting.start))
            waiting, damaged = item, self.damaged
        if waiting is not None:
            whole = self.broken_off is None and self.damaged == damaged
            yield replace(waiting, is_last=whole)

    def _frames_with_durations(self) -> Iterator[TrackFrame]:
        """Yield frames with their own durations, as far as the file states them."""
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
                # The duration of a frame is that of decoding: only a hint.
                if stated is not None and not self._shift:
                    length = min(length, max(stated - start, NS // DEFAULT_FPS))
                end = start + length
                yield TrackFrame(start, end, frame, aspect)


class AudioTrack(_Track):
    """The audio of a file, in chunks of at most 50 ms.

    Each iteration opens the file. Packets that cannot be decoded are left out.
    """

    def __iter__(self) -> Iterator[TrackChunk]:
        with opened(self.location) as container:
            stream = audio_stream(container)
            if stream is None:
                return
            end = 0
            for frame in self._frames(container, stream):
                assert isinstance(frame, av.AudioFrame)
                for item in split_frame(frame, self._start(frame, end)):
                    end = item.end
                    yield item


def split_frame(frame: av.AudioFrame, start: int) -> Iterator[TrackChunk]:
    """Split a decoded audio frame that begins at `start` (ns) into chunks of at most 50 ms."""
    rate = frame.sample_rate
    samples = _samples(frame)
    size = max(1, int(rate * CHUNK_SECONDS))
    for first in range(0, len(samples), size):
        part = samples[first : first + size]
        yield TrackChunk(
            start=start + first * NS // rate,
            end=start + (first + len(part)) * NS // rate,
            rate=rate,
            samples=part,
        )


def time_of(frame: av.VideoFrame | av.AudioFrame) -> int | None:
    """Return the presentation time of a frame, ns in its stream; `None`: it has none."""
    return None if frame.pts is None else _ns(frame.pts, frame.time_base)


def _end(stream: av.VideoStream) -> int | None:
    """Return the time at which a track ends by its container, ns; `None`: it is not stated."""
    if not stream.duration:
        return None
    return _ns((stream.start_time or 0) + stream.duration, stream.time_base)


def _ns(ticks: int | None, time_base: Fraction | None) -> int:
    if not ticks or time_base is None:
        return 0
    return ticks * time_base.numerator * NS // time_base.denominator


def _samples(frame: av.AudioFrame) -> np.ndarray:
    """Return float32 (n, channels), full scale 1.0."""
    raw = frame.to_ndarray()
    raw = raw.T if frame.format.is_planar else raw.reshape(-1, frame.layout.nb_channels)
    if raw.dtype == np.uint8:
        return (raw.astype(np.float32) - 128.0) / 128.0
    if raw.dtype.kind == "i":
        return np.multiply(raw, -1.0 / np.iinfo(raw.dtype).min, dtype=np.float32)
    return np.ascontiguousarray(raw, dtype=np.float32)


def pixel_aspect_of(stream: av.VideoStream) -> Fraction:
    """Return width over height of a pixel; 1 where it is not stated, or implausible."""
    aspect = stream.sample_aspect_ratio
    if not aspect or not Fraction(1, MAX_PIXEL_ASPECT) <= aspect <= MAX_PIXEL_ASPECT:
        return Fraction(1)
    return aspect


def orientation_of(picture: av.VideoFrame) -> Orientation:
    """Return the orientation that the file gives for the display of a frame."""
    # PyAV's stub calls it a mapping of names; it is one of types too.
    matrix: Any = picture.side_data.get(SideDataType.DISPLAYMATRIX)  # type: ignore[call-overload]
    return UPRIGHT if matrix is None else Orientation.from_display_matrix(bytes(matrix))
