"""One open input stream of PortAudio, by sounddevice."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from roma_ros.sources.errors import MicrophoneError
from roma_ros.sources.sample_clock import SampleClock
from roma_ros.units.audio import MAX_RATE, MIN_RATE

__all__ = ["MicrophoneStream"]

LOG = logging.getLogger(__name__)
INVALID_SAMPLE_RATE = -9997  # error code of PortAudio

_lock = threading.Lock()
_open_streams = 0  # in this process


class MicrophoneStream:
    """Chunks of one microphone, from its opening until it ends or is closed.

    Args:
        device: PortAudio's number of the device or a part of its name; `None`: the default.
        rate: sampling rate, Hz; `None`: the device's own, which is also used where the device
            refuses another.
        channels: number of channels to record.
        block_seconds: length of a chunk, s.
        clock: returns the time for stamps, ns.
        on_chunk: called in PortAudio's thread with the stamp (ns), the rate (Hz), and float32
            (n, channels) of each chunk.
        rescan: whether to look for devices that were plugged in since PortAudio was started. That
            ends all streams of sounddevice in this process, so it is left out while another one of
            this class is open.

    Attributes:
        rate: sampling rate, Hz.
        device_name: PortAudio's name of the device.
        count: number of chunks so far.
        last: time of the last chunk by the monotonic clock, s.
        overruns: number of times that PortAudio reported lost samples.
        has_ended: whether PortAudio reported the end of the stream.

    Raises:
        MicrophoneError: PortAudio is missing, or the device cannot be opened.
    """

    def __init__(
        self,
        device: int | str | None,
        *,
        rate: int | None,
        channels: int,
        block_seconds: float,
        clock: Callable[[], int],
        on_chunk: Callable[[int, int, np.ndarray], None],
        rescan: bool = False,
    ) -> None:
        self.count = self.overruns = 0
        self.last = time.monotonic()
        self.has_ended = False
        self._clock = clock
        self._on_chunk = on_chunk
        self._closed = False
        sounddevice = _import_sounddevice()
        if rescan:
            _rescan_devices(sounddevice)
        try:
            self.device_name, own_rate = _device(sounddevice, device)
            self.rate = rate or own_rate
            try:
                self._stream = self._open(sounddevice, device, channels, block_seconds)
            except sounddevice.PortAudioError as error:
                if rate in (None, own_rate) or not _is_rate_refused(error):
                    raise
                LOG.warning(
                    "microphone %s refuses %d Hz; opened at its own %d Hz",
                    self.device_name,
                    self.rate,
                    own_rate,
                )
                self.rate = own_rate
                self._stream = self._open(sounddevice, device, channels, block_seconds)
        except (sounddevice.PortAudioError, ValueError) as error:
            name = "the default microphone" if device is None else f"microphone {device}"
            raise MicrophoneError(
                f"{name} cannot be opened: {error}; microphones found: {_found(sounddevice)}"
            ) from error
        _count_open(1)

    def close(self, timeout: float) -> None:
        """Close the device; wait at most `timeout` s for a driver that hangs."""
        if self._closed:
            return
        self._closed = True
        closer = threading.Thread(target=self._close, name="microphone close", daemon=True)
        closer.start()
        closer.join(timeout)

    def _close(self) -> None:
        self._stream.close()
        _count_open(-1)

    def _open(
        self, sounddevice: Any, device: int | str | None, channels: int, block_seconds: float
    ) -> Any:
        self._stamps = SampleClock(self.rate)
        stream = sounddevice.InputStream(
            device=device,
            samplerate=self.rate,
            channels=channels,
            blocksize=round(self.rate * block_seconds),
            dtype="float32",
            callback=self._on_block,
            finished_callback=self._end,
        )
        try:
            stream.start()
        except sounddevice.PortAudioError:
            stream.close()
            raise
        return stream

    def _on_block(self, samples: np.ndarray, count: int, times: Any, status: Any) -> None:
        """Copy a block, float32 (count, channels); PortAudio's callback, in its thread."""
        if self._closed:
            return
        self.overruns += bool(status.input_overflow)
        age = times.currentTime - times.inputBufferAdcTime
        if not 0 < age < 1:  # some drivers report no times
            age = count / self.rate
        stamp = self._stamps.stamp(count, measured=self._clock() - round(age * 1e9))
        self.last = time.monotonic()
        self.count += 1
        self._on_chunk(stamp, self.rate, samples.copy())

    def _end(self) -> None:
        """Note that the stream has ended, by `close` or by itself; PortAudio's callback."""
        self.has_ended = True


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


def _rescan_devices(sounddevice: Any) -> None:
    """Restart PortAudio so that it finds new devices, unless one of our streams is open."""
    with _lock:
        if _open_streams == 0:
            # The way that sounddevice's author gives (its issue 125); there is no public one.
            sounddevice._terminate()
            sounddevice._initialize()


def _count_open(change: int) -> None:
    global _open_streams
    with _lock:
        _open_streams += change


def _device(sounddevice: Any, device: int | str | None) -> tuple[str, int]:
    """Return the name and the own rate (Hz) of a device."""
    found = sounddevice.query_devices(device, "input")
    rate = round(found["default_samplerate"])
    return str(found["name"]), min(max(rate, MIN_RATE), MAX_RATE)


def _is_rate_refused(error: Exception) -> bool:
    return INVALID_SAMPLE_RATE in error.args


def _found(sounddevice: Any) -> str:
    names = [
        f"{device['index']} {device['name']}"
        for device in sounddevice.query_devices()
        if device["max_input_channels"] > 0
    ]
    return ", ".join(names) or "none"
