"""A microphone, by sounddevice (PortAudio)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from roma_ros.sources.errors import MicrophoneError
from roma_ros.sources.mailbox import Mailbox
from roma_ros.sources.sample_clock import SampleClock
from roma_ros.sources.source import Item, Source
from roma_ros.units import AudioChunk, AudioError
from roma_ros.units.audio import MAX_CHANNELS, MAX_RATE, MIN_RATE

__all__ = ["Microphone", "MicrophoneConfig"]

CAPACITY_SECONDS = 2.0  # audio that may wait for a slow reader


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrophoneConfig:
    """Which microphone, and what to ask of it.

    Attributes:
        device: PortAudio's number of the device or a part of its name; `None`: the default.
        rate: Hz, 8,000 to 192,000; `None`: the device's own.
        channels: 1 to 8.
        block_seconds: length of a chunk, 0.005 to 0.5 s.

    Raises:
        MicrophoneError: a value outside its range.
    """

    device: int | str | None = None
    rate: int | None = None
    channels: int = 1
    block_seconds: float = 0.02

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


class Microphone(Source):
    """Audio of a microphone in chunks of equal length.

    Args:
        config: which microphone.
        clock: gives the stamps, ns; the default is the system's time, which is ROS time too.

    Attributes:
        config: as given.
        rate: Hz.
        overruns: how often PortAudio said that samples were lost before they came here.
        damaged: chunks left out because their samples were no numbers (a broken driver).

    Raises:
        MicrophoneError: PortAudio is missing, or the device cannot be opened.
    """

    live: ClassVar[bool] = True

    def __init__(
        self, config: MicrophoneConfig, *, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.config = config
        self.overruns = self.damaged = 0
        self._clock = clock
        self._chunks: Mailbox[AudioChunk] = Mailbox(round(CAPACITY_SECONDS / config.block_seconds))
        sounddevice = _import_sounddevice()
        try:
            self.rate = config.rate or _own_rate(sounddevice, config.device)
            self._stamps = SampleClock(self.rate)
            self._stream = sounddevice.InputStream(
                device=config.device,
                samplerate=self.rate,
                channels=config.channels,
                blocksize=round(self.rate * config.block_seconds),
                dtype="float32",
                callback=self._take,
                finished_callback=self._gone,
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            name = "the default microphone" if config.device is None else config.device
            raise MicrophoneError(
                f"{name} cannot be opened: {error}; microphones found: {_found(sounddevice)}"
            ) from error

    @property
    def has_video(self) -> bool:
        return False

    @property
    def has_audio(self) -> bool:
        return True

    @property
    def dropped(self) -> int:
        """Chunks that were lost because nobody took them in time."""
        return self._chunks.dropped

    def __iter__(self) -> Iterator[Item]:
        return iter(self._chunks)

    def close(self) -> None:
        self._chunks.close()
        self._stream.close()

    def _take(self, samples: np.ndarray, count: int, times: Any, status: Any) -> None:
        """PortAudio's callback, in its thread: (count, channels) float32, to be copied."""
        self.overruns += bool(status.input_overflow)
        age = times.currentTime - times.inputBufferAdcTime
        if not 0 < age < 1:  # some drivers give no times
            age = count / self.rate
        stamp = self._stamps.stamp(count, heard=self._clock() - round(age * 1e9))
        try:
            self._chunks.put(AudioChunk(stamp, self.rate, samples.copy()))
        except AudioError:
            self.damaged += 1

    def _gone(self) -> None:
        """PortAudio's word that the stream has ended, by `close` or by itself."""
        self._chunks.close(MicrophoneError("the microphone has stopped; is it still connected?"))


def _import_sounddevice() -> Any:
    try:
        import sounddevice  # here, because it fails to import where PortAudio is missing
    except ImportError as error:
        raise MicrophoneError(
            "a microphone needs the Python library sounddevice; pip install sounddevice"
        ) from error
    except OSError as error:
        raise MicrophoneError(
            f"a microphone needs PortAudio ({error}); install it: sudo apt install libportaudio2"
        ) from error
    return sounddevice


def _own_rate(sounddevice: Any, device: int | str | None) -> int:
    rate: int = round(sounddevice.query_devices(device, "input")["default_samplerate"])
    return min(max(rate, MIN_RATE), MAX_RATE)


def _found(sounddevice: Any) -> str:
    names = [
        f"{device['index']} {device['name']}"
        for device in sounddevice.query_devices()
        if device["max_input_channels"] > 0
    ]
    return ", ".join(names) or "none"
