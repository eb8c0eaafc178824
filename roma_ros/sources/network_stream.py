"""Live streams of a network as a source, picture and sound, by PyAV (FFmpeg)."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import av
from av.container import InputContainer

from roma_ros.sources.address import StreamAddress
from roma_ros.sources.arrival_timer import ArrivalTimer
from roma_ros.sources.bounded_queue import BoundedQueue
from roma_ros.sources.errors import MediaError
from roma_ros.sources.media_frame import MediaFrame
from roma_ros.sources.media_info import MediaInfo, audio_stream, video_stream
from roma_ros.sources.media_track import orientation_of, pixel_aspect_of, split_frame, time_of
from roma_ros.sources.network import LIVE_OPTIONS, network_reason, open_address
from roma_ros.sources.reconnect import Reconnect, ReconnectTimer
from roma_ros.sources.source import Item, Source
from roma_ros.units import AudioChunk, AudioError

__all__ = ["NetworkStream", "NetworkStreamConfig"]

LOG = logging.getLogger(__name__)
CAPACITY = 64  # items; about a second
CLOSE_SECONDS = 0.5
SILENT_AFTER = 5.0  # seconds after which a track counts as silent
NO_TIMES = {"mpjpeg"}  # formats whose times are made up: arrival counts


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkStreamConfig:
    """Which stream, and what to take of it.

    Attributes:
        address: of the stream.
        video, audio: `False` leaves out the picture, or the sound.
        reconnect: how it is opened again when it was lost; `None`: not at all.
    """

    address: StreamAddress
    video: bool = True
    audio: bool = True
    reconnect: Reconnect | None = None


class NetworkStream(Source):
    """Frames and sound of a live stream at its own pace: a thread of its own reads it.

    A stream that ends, breaks off or gives nothing for some seconds is lost. It is then opened
    again and again, with a logged warning, if the config says so; otherwise the iteration fails.

    Args:
        config: which stream.
        clock: gives the stamps, ns; the default is the system's time, which is ROS time too.
        container: the stream, if it is open already.

    Attributes:
        config: as given.

    Raises:
        MediaError: it cannot be opened, or has neither picture nor sound; the message says why.
    """

    live: ClassVar[bool] = True

    def __init__(
        self,
        config: NetworkStreamConfig,
        *,
        clock: Callable[[], int] = time.time_ns,
        container: InputContainer | None = None,
    ) -> None:
        self.config = config
        self._clock = clock
        self._damaged = 0
        self._queue: BoundedQueue[Item] = BoundedQueue(CAPACITY)
        self._closing = threading.Event()
        if container is None:
            container = open_address(config.address, LIVE_OPTIONS)
        self._has_video, self._has_audio = self._tracks(container)
        self._thread = threading.Thread(
            target=self._work, args=(container,), name="network stream", daemon=True
        )
        self._thread.start()

    @property
    def name(self) -> str:
        return str(self.config.address)

    @property
    def has_video(self) -> bool:
        return self._has_video

    @property
    def has_audio(self) -> bool:
        return self._has_audio

    @property
    def damaged(self) -> int:
        return self._damaged

    @property
    def dropped(self) -> int:
        """Frames and chunks that were lost because nobody took them in time."""
        return self._queue.dropped

    def __iter__(self) -> Iterator[Item]:
        return iter(self._queue)

    def close(self) -> None:
        """Let go of the stream; waits at most half a second for a network that hangs."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._queue.close()
        self._thread.join(CLOSE_SECONDS)

    def _tracks(self, container: InputContainer) -> tuple[bool, bool]:
        """Whether there is a picture and a sound that are wanted. Raises MediaError."""
        try:
            info = MediaInfo.of_container(self.config.address, container)
        except MediaError:
            container.close()
            raise
        tracks = (self.config.video and info.video, self.config.audio and info.audio)
        if not any(tracks):
            container.close()
            wanted = "video" if self.config.video else "audio"
            raise MediaError(f"{self.name} has no {wanted}")
        return tracks

    def _work(self, container: InputContainer | None) -> None:
        """The thread's work: read the stream, and open it again when it is lost."""
        retry = ReconnectTimer(self.config.reconnect)
        while container is not None:
            reason = self._read(container, retry)
            container = None
            while container is None and not self._closing.is_set():
                wait = retry.next_wait()
                if wait is None:
                    self._queue.close(MediaError(retry.final_message(reason)))
                    return
                LOG.warning("%s; trying again in %.1f s", reason, wait)
                if not self._closing.wait(wait):
                    container, reason = self._reopen()

    def _reopen(self) -> tuple[InputContainer | None, str]:
        """The stream, opened once more, or why it cannot be."""
        try:
            container = open_address(self.config.address, LIVE_OPTIONS)
            self._tracks(container)
        except MediaError as error:
            return None, str(error)
        return container, ""

    def _read(self, container: InputContainer, retry: ReconnectTimer) -> str:
        """Read until the stream is lost or closed; returns how it was lost."""
        was_away = retry.outage > 0
        with container:
            timer = ArrivalTimer(self._clock, self._closing)
            try:
                for item in self._played(container, timer):
                    if self._closing.is_set():
                        return ""
                    if was_away:
                        LOG.warning("%s is back after %.1f s", self.name, retry.outage)
                        was_away = False
                    retry.works()
                    self._queue.put(item)
            except av.FFmpegError as error:
                if error.errno != errno.EIO:  # which is how a connection without a length ends
                    return f"{self.name} broke off: {network_reason(error)}"
        return f"{self.name} has ended"

    def _played(self, container: InputContainer, timer: ArrivalTimer) -> Iterator[Item]:
        """The items of an opened stream when they are due. Raises av.FFmpegError: it broke off."""
        video = video_stream(container) if self._has_video else None
        audio = audio_stream(container) if self._has_audio else None
        aspect = Fraction(1) if video is None else pixel_aspect_of(video)
        has_times = container.format.name not in NO_TIMES
        silence = _SilenceMonitor(self.name, video is not None, audio is not None)
        restarts = 0
        for packet in container.demux([track for track in (video, audio) if track is not None]):
            for frame in self._decoded(packet):
                stamp = timer.stamp(time_of(frame) if has_times else None)
                if isinstance(frame, av.VideoFrame):
                    yield MediaFrame(stamp, frame, orientation_of(frame), aspect)
                else:
                    yield from self._chunks(frame, stamp)
                silence.received("picture" if isinstance(frame, av.VideoFrame) else "sound")
            if timer.restarts > restarts:
                LOG.warning("%s has stalled or jumped; it goes on from now", self.name)
                restarts = timer.restarts

    def _decoded(self, packet: av.Packet[Any]) -> list[av.VideoFrame | av.AudioFrame]:
        try:
            frames: list[av.VideoFrame | av.AudioFrame] = list(packet.decode())
        except av.FFmpegError:
            if self._damaged == 0:
                LOG.warning("%s has a damaged packet, which is left out", self.name)
            self._damaged += 1
            return []
        return frames

    def _chunks(self, frame: av.AudioFrame, stamp: int) -> Iterator[AudioChunk]:
        for piece in split_frame(frame, stamp):
            try:
                yield piece.at(piece.start)
            except AudioError:  # samples that are no numbers
                self._damaged += 1


class _SilenceMonitor:
    """Tells once when the picture or the sound of a stream stays away while the other comes."""

    def __init__(self, name: str, video: bool, audio: bool) -> None:
        self._name = name
        now = time.monotonic()
        self._last = {kind: now for kind, has in (("picture", video), ("sound", audio)) if has}

    def received(self, kind: str) -> None:
        """Say that a picture, or a sound, has come."""
        now = time.monotonic()
        self._last[kind] = now
        for other, last in list(self._last.items()):
            if now - last > SILENT_AFTER:
                LOG.warning("%s gives no %s any more", self._name, other)
                del self._last[other]  # until it comes again
