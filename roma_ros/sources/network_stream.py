"""Live network streams as a source, video and audio, by PyAV (FFmpeg)."""

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
CAPACITY = 64  # items in the queue; about 1 s
CLOSE_SECONDS = 0.5
SILENT_AFTER = 5.0  # seconds after which a track counts as silent
NO_TIMES = {"mpjpeg"}  # formats without real times: the time of arrival is used


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkStreamConfig:
    """Settings of a `NetworkStream`.

    Attributes:
        address: of the stream.
        video, audio: whether to read the video, the audio.
        reconnect: how a lost stream is opened again; `None`: not at all.
    """

    address: StreamAddress
    video: bool = True
    audio: bool = True
    reconnect: Reconnect | None = None


class NetworkStream(Source):
    """Frames and audio of a live stream at its own pace. A thread of its own reads it.

    A stream that ends, breaks off or gives nothing for some seconds is lost. With
    `config.reconnect` it is then opened again and again, with a logged warning; otherwise the
    iteration raises MediaError.

    Args:
        config: settings.
        clock: returns the time for stamps, ns; the default is the system's time, which is ROS time
            too.
        container: the stream, if it is open already.

    Attributes:
        config: as given.

    Raises:
        MediaError: it cannot be opened, or has neither video nor audio; the message says why.
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
        """Frames and chunks that were dropped because they were not read in time."""
        return self._queue.dropped

    def __iter__(self) -> Iterator[Item]:
        return iter(self._queue)

    def close(self) -> None:
        """Close the stream; wait at most 0.5 s for a network that hangs."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._queue.close()
        self._thread.join(CLOSE_SECONDS)

    def _tracks(self, container: InputContainer) -> tuple[bool, bool]:
        """Return whether video and audio are to be read.

        Raises:
            MediaError: neither.
        """
        try:
            info = MediaInfo.of_container(self.config.address, container)
        except MediaError:
            container.close()
            raise
        tracks = (self.config.video and info.video, self.config.audio and info.audio)
        if not any(tracks):
            container.close()
            missing = "video" if self.config.video else "audio"
            raise MediaError(f"{self.name} has no {missing}")
        return tracks

    def _work(self, container: InputContainer | None) -> None:
        """Read the stream, and open it again when it is lost; body of the thread."""
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
        """Open the stream again; return it, or `None` and why it cannot be opened."""
        try:
            container = open_address(self.config.address, LIVE_OPTIONS)
            self._tracks(container)
        except MediaError as error:
            return None, str(error)
        return container, ""

    def _read(self, container: InputContainer, retry: ReconnectTimer) -> str:
        """Read until the stream is lost or closed; return why it was lost."""
        was_away = retry.outage > 0
        with container:
            timer = ArrivalTimer(self._clock, self._closing)
            try:
                for item in self._items(container, timer):
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

    def _items(self, container: InputContainer, timer: ArrivalTimer) -> Iterator[Item]:
        """Yield the items of an open stream when they are due.

        Raises:
            av.FFmpegError: the stream broke off.
        """
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
                silence.received("video" if isinstance(frame, av.VideoFrame) else "audio")
            if timer.restarts > restarts:
                LOG.warning("%s has stalled or jumped; its stamps restart from now", self.name)
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
        for chunk in split_frame(frame, stamp):
            try:
                yield chunk.at(chunk.start)
            except AudioError:  # NaN or infinity
                self._damaged += 1


class _SilenceMonitor:
    """Logger of a stream's video or audio that stops while the other continues, once each."""

    def __init__(self, name: str, video: bool, audio: bool) -> None:
        self._name = name
        now = time.monotonic()
        self._last = {kind: now for kind, has in (("video", video), ("audio", audio)) if has}

    def received(self, kind: str) -> None:
        """Report that video, or audio, has arrived."""
        now = time.monotonic()
        self._last[kind] = now
        for other, last in list(self._last.items()):
            if now - last > SILENT_AFTER:
                LOG.warning("%s gives no %s any more", self._name, other)
                del self._last[other]  # until it arrives again
