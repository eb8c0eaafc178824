"""Devices in place of cv2.VideoCapture and sounddevice: what drivers do when a device is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["PAUSE", "FakeCameras", "FakeSound"]

PAUSE = 0.02  # seconds between two frames, or two chunks


class FakeCameras:
    """Cameras of cv2.VideoCapture, one behind another: each call opens the next of a list.

    Args:
        cameras: what each gives, frame by frame: an image, `None` for a failed read, a number of
            seconds for which `grab` blocks, or an Event that it waits for. `None` in place of a
            camera cannot be opened.

    Attributes:
        opened: times of all calls, by the monotonic clock: s.
        released: how many were closed.
    """

    def __init__(self, *cameras: Iterator[Any] | None) -> None:
        self.opened: list[float] = []
        self.released = 0
        self._cameras = list(cameras)

    def __call__(self, index: int | str) -> Any:
        self.opened.append(time.monotonic())
        frames = self._cameras.pop(0) if self._cameras else None
        return _Capture(self, frames)


class _Capture:
    def __init__(self, owner: FakeCameras, frames: Iterator[Any] | None) -> None:
        self._owner = owner
        self._frames = frames
        self._image: np.ndarray | None = None

    def isOpened(self) -> bool:  # noqa: N802 - as in OpenCV
        return self._frames is not None

    def set(self, what: int, value: float) -> bool:
        return True

    def grab(self) -> bool:
        assert self._frames is not None
        step = next(self._frames, None)
        while isinstance(step, float | threading.Event):
            if isinstance(step, float):
                time.sleep(step)
            else:
                step.wait()
            step = next(self._frames, None)
        time.sleep(PAUSE)
        self._image = step
        return step is not None

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        return self._image is not None, self._image

    def release(self) -> None:
        self._owner.released += 1


class FakeSound:
    """The module sounddevice, as far as it is used.

    Attributes:
        devices: what is plugged in, as `query_devices` tells it. PortAudio sees changes only when
            it is started again.
        refused: rates that no device takes.
        streams: all that were opened.
        hangs: whether closing a stream never returns.
        level: of the samples.
    """

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        self.devices = [microphone(0, "Built-in"), microphone(1, "USB Mic")]
        self.refused: set[int] = set()
        self.streams: list[_Stream] = []
        self.starts = 1
        self.hangs = False
        self.level = 0.1
        self._seen = list(self.devices)

    def _terminate(self) -> None:
        assert all(stream.closed for stream in self.streams), "this would end a stream in use"

    def _initialize(self) -> None:
        self.starts += 1
        self._seen = list(self.devices)

    def query_devices(self, device: int | str | None = None, kind: str | None = None) -> Any:
        if kind is None:
            return list(self._seen)
        return self._find(device)

    def InputStream(self, **arguments: Any) -> _Stream:  # noqa: N802 - as in sounddevice
        device = self._find(arguments["device"])
        if device not in self.devices:
            raise self.PortAudioError("Device unavailable", -9985)
        if arguments["samplerate"] in self.refused:
            raise self.PortAudioError("Invalid sample rate", -9997)
        self.streams.append(_Stream(self, **arguments))
        return self.streams[-1]

    def _find(self, device: int | str | None) -> Any:
        for found in self._seen:
            if device is None or device == found["index"] or str(device) in found["name"]:
                return found
        raise ValueError(f"No input device matching {device!r}")


class _Stream:
    """Calls back every 20 ms until it is closed, unplugged or stalled."""

    def __init__(
        self,
        owner: FakeSound,
        *,
        device: int | str | None,
        samplerate: int,
        channels: int,
        blocksize: int,
        dtype: str,
        callback: Callable[..., None],
        finished_callback: Callable[[], None],
    ) -> None:
        self.rate = samplerate
        self.device = device
        self.stalled = self.closed = self.unplugged = False
        self._owner = owner
        self._shape = (blocksize, channels)
        self._callback, self._finished = callback, finished_callback

    def start(self) -> None:
        threading.Thread(target=self._work, daemon=True).start()

    def close(self) -> None:
        if self._owner.hangs:
            threading.Event().wait()
        self.closed = True

    def _work(self) -> None:
        times = SimpleNamespace(currentTime=0.0, inputBufferAdcTime=0.0)
        while not (self.closed or self.unplugged):
            if not self.stalled:
                samples = np.full(self._shape, self._owner.level, np.float32)
                status = SimpleNamespace(input_overflow=False)
                self._callback(samples, len(samples), times, status)
            time.sleep(PAUSE)
        self._finished()


def microphone(index: int, name: str) -> dict[str, Any]:
    return {"index": index, "name": name, "max_input_channels": 2, "default_samplerate": 48_000.0}
