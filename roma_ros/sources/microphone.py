"""Microphone as a source, by sounddevice (PortAudio)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from roma_ros.sources.bounded_queue import BoundedQueue
from roma_ros.sources.errors import MicrophoneError
from roma_ros.sources.microphone_stream import MicrophoneStream
from roma_ros.sources.reconnect import Reconnect, ReconnectTimer
from roma_ros.sources.source import Item, Source
from roma_ros.units import AudioChunk, AudioError
from roma_ros.units.audio import MAX_CHANNELS, MAX_RATE, MIN_RATE

__all__ = ["Microphone", "MicrophoneConfig"]

LOG = logging.getLogger(__name__)
CAPACITY_SECONDS = 2.0  # of audio in the queue
POLL_SECONDS = 0.05  # between checks of the stream
CLOSE_SECONDS = 0.5
ZERO_SECONDS = 10.0  # of exact zeros, which no working microphone gives
CONNECTED = "is it still connected?"


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrophoneConfig:
    """Settings of a `Microphone`.

    Attributes:
        device: PortAudio's number of the device or a part of its name; `None`: the default.
        rate: sampling rate, 8,000 to 192,000 Hz; `None`: the device's own, which is also used where
            the device refuses another.
        channels: 1 to 8.
        block_seconds: length of a chunk, 0.005 to 0.5 s.
        silent_after: time without a chunk after which the microphone counts as lost, s; above
            `block_seconds`.
        reconnect: how a lost microphone is opened again; `None`: not at all.

    Raises:
        MicrophoneError: a value outside its range.
    """

    device: int | str | None = None
    rate: int | None = None
    channels: int = 1
    block_seconds: float = 0.02
    silent_after: float = 3.0
    reconnect: Reconnect | None = None

    def __post_init__(self) -> None:
        if self.rate is not None and not MIN_RATE <= self.rate <= MAX_RATE:
            raise MicrophoneError(
                f"microphone rate is {self.rate} Hz; expected {MIN_RATE} to {MAX_RATE} Hz"
            )
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise MicrophoneError(
                f"microphone channels is {self.channels}; expected 1 to {MAX_CHANNELS}"
            )
        if not 0.005 <= self.block_seconds <= 0.5:
            raise MicrophoneError(
                f"microphone block_seconds is {self.block_seconds}; expected 0.005 to 0.5 s"
            )
        if not self.silent_after > self.block_seconds:
            raise MicrophoneError(
                f"microphone silent_after is {self.silent_after} s; expected above block_seconds, "
                f"{self.block_seconds} s"
            )


class Microphone(Source):
    """Audio of a microphone, in chunks of equal length.

    A microphone that gives no chunk for 3 s is lost, whatever PortAudio reports. With
    `config.reconnect` it is then opened again and again, with a logged warning; otherwise the
    iteration raises MicrophoneError. 10 s of exact zeros are logged once: it is muted, or another
    device.

    Args:
        config: settings.
        clock: returns the time for stamps, ns; the default is the system's time, which is ROS time
            too.

    Attributes:
        config: as given.

    Raises:
        MicrophoneError: PortAudio is missing, or the device cannot be opened.
    """

    live: ClassVar[bool] = True

    def __init__(
        self, config: MicrophoneConfig, *, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.config = config
        self._clock = clock
        self._damaged = self._overruns = 0
        self._zeros = 0.0  # seconds of exact zeros so far
        self._zeros_logged = False
        self._queue: BoundedQueue[AudioChunk] = BoundedQueue(
            round(CAPACITY_SECONDS / config.block_seconds)
        )
        self._closing = threading.Event()
        self._stream = self._open(config.device)
        self._thread = threading.Thread(target=self._supervise, name="microphone", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        device = self.config.device
        return "microphone" if device is None else f"microphone {device}"

    @property
    def rate(self) -> int:
        """Sampling rate of the device as it is open now, Hz."""
        return self._stream.rate

    @property
    def has_video(self) -> bool:
        return False

    @property
    def has_audio(self) -> bool:
        return True

    @property
    def dropped(self) -> int:
        """Chunks that were dropped because they were not read in time."""
        return self._queue.dropped

    @property
    def overruns(self) -> int:
        """Number of times that PortAudio reported lost samples."""
        return self._overruns + self._stream.overruns

    @property
    def damaged(self) -> int:
        """Chunks left out because their samples were not finite (a broken driver)."""
        return self._damaged

    def __iter__(self) -> Iterator[Item]:
        return iter(self._queue)

    def close(self) -> None:
        """Close the microphone; wait at most 0.5 s for a driver that hangs."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._queue.close()
        self._thread.join(CLOSE_SECONDS / 2)
        self._stream.close(CLOSE_SECONDS / 2)

    def _open(self, device: int | str | None, *, rescan: bool = False) -> MicrophoneStream:
        return MicrophoneStream(
            device,
            rate=self.config.rate,
            channels=self.config.channels,
            block_seconds=self.config.block_seconds,
            clock=self._clock,
            on_chunk=self._put,
            rescan=rescan,
        )

    def _put(self, stamp: int, rate: int, samples: np.ndarray) -> None:
        """Put a chunk into the queue; runs in PortAudio's thread."""
        silence = 0.0 if samples.any() else self._zeros + len(samples) / rate
        self._zeros = silence
        try:
            self._queue.put(AudioChunk(stamp, rate, samples))
        except AudioError:
            self._damaged += 1

    def _supervise(self) -> None:
        """Watch the stream, and replace it when the microphone is lost; body of the thread."""
        retry = ReconnectTimer(self.config.reconnect)
        reason = self._watch(retry)
        while reason is not None:
            wait = retry.next_wait()
            if wait is None:
                self._queue.close(MicrophoneError(retry.final_message(reason)))
                return
            LOG.warning("%s; trying again in %.1f s", reason, wait)
            if self._closing.wait(wait):
                return
            reason = self._reopen() or self._watch(retry)

    def _watch(self, retry: ReconnectTimer) -> str | None:
        """Wait until the microphone is lost; return the reason, or `None` when it is closed."""
        stream, seen, was_away = self._stream, 0, retry.outage > 0
        while not self._closing.wait(POLL_SECONDS):
            if stream.count > seen:
                if was_away:
                    LOG.warning("%s is back after %.1f s", self.name, retry.outage)
                seen, was_away = stream.count, False
                retry.works()
            if self._zeros >= ZERO_SECONDS and not self._zeros_logged:
                LOG.warning(
                    "%s has given nothing but exact zeros for %.0f s; is it muted, or another "
                    "device?",
                    self.name,
                    ZERO_SECONDS,
                )
            self._zeros_logged = self._zeros >= ZERO_SECONDS
            if stream.has_ended:
                return f"{self.name} has stopped; {CONNECTED}"
            if time.monotonic() - stream.last > self.config.silent_after:
                silent = f"{self.name} has given no sound for {self.config.silent_after:.1f} s"
                return f"{silent}; {CONNECTED}"
        return None

    def _reopen(self) -> str | None:
        """Open the device again; return why it cannot be opened, or `None`."""
        old = self._stream
        old.close(CLOSE_SECONDS)
        self._overruns += old.overruns
        device = self.config.device
        if isinstance(device, int):  # numbers change when devices come and go
            device = old.device_name
        try:
            self._stream = self._open(device, rescan=True)
        except MicrophoneError as error:
            return str(error)
        return None
