"""Camera as a source, by OpenCV."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from roma_ros.sources.bounded_queue import BoundedQueue
from roma_ros.sources.camera_reader import CameraReader
from roma_ros.sources.errors import CameraError
from roma_ros.sources.reconnect import Reconnect, ReconnectTimer
from roma_ros.sources.source import Item, Source
from roma_ros.units import RawFrame

__all__ = ["Camera", "CameraConfig"]

LOG = logging.getLogger(__name__)
CAPACITY = 4  # frames in the queue
POLL_SECONDS = 0.05  # between checks of the reader
CLOSE_SECONDS = 0.5
MAX_HUNG = 3  # threads that may hang in a driver at once
CONNECTED = "is it still connected?"


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """Settings of a `Camera`.

    Attributes:
        index: number of the device, or its path such as "/dev/video2".
        width, height: size to request, pixels; the camera gives the nearest it can. `None`: its
            default.
        fps: frame rate to request, Hz; `None`: its default.
        silent_after: time without a frame after which the camera counts as lost, s.
        reconnect: how a lost camera is opened again; `None`: not at all.

    Raises:
        CameraError: a value below its range.
    """

    index: int | str = 0
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    silent_after: float = 4.0
    reconnect: Reconnect | None = None

    def __post_init__(self) -> None:
        if isinstance(self.index, int) and self.index < 0:
            raise CameraError(f"camera index is {self.index}; expected 0, 1, ...")
        for name in ("width", "height", "fps", "silent_after"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise CameraError(f"camera {name} is {value}; expected above 0, or None")


class Camera(Source):
    """Frames of a camera. A thread of its own reads them, and drops the oldest of more than 4.

    Items are `RawFrame`s with encoding bgr8. A camera that gives no frame for 4 s is lost, also
    where a call of its driver hangs. With `config.reconnect` it is then opened again and again,
    with a logged warning; otherwise the iteration raises CameraError. A frame from before the loss
    never comes after it.

    Args:
        config: settings.
        clock: returns the stamp of a frame, ns; called as soon as the frame was taken. The default
            is the system's time, which is ROS time too.

    Attributes:
        config: as given.

    Raises:
        CameraError: it cannot be opened.
    """

    live: ClassVar[bool] = True

    def __init__(self, config: CameraConfig, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.config = config
        self._clock = clock
        self._queue: BoundedQueue[RawFrame] = BoundedQueue(CAPACITY)
        self._closing = threading.Event()
        self._hung: list[CameraReader] = []
        capture = _open(config)
        self._reader = self._start(lambda: capture)
        self._thread = threading.Thread(target=self._supervise, name="camera watch", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        return f"camera {self.config.index}"

    @property
    def has_video(self) -> bool:
        return True

    @property
    def has_audio(self) -> bool:
        return False

    @property
    def dropped(self) -> int:
        """Frames that were dropped because they were not read in time."""
        return self._queue.dropped

    def __iter__(self) -> Iterator[Item]:
        return iter(self._queue)

    def close(self) -> None:
        """Close the camera; wait at most 0.5 s for a driver that hangs."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._queue.close()
        self._reader.abandon()
        self._thread.join(CLOSE_SECONDS / 2)
        self._reader.join(CLOSE_SECONDS / 2)

    def _start(self, open_camera: Callable[[], cv2.VideoCapture]) -> CameraReader:
        return CameraReader(open_camera, self._clock, self._put)

    def _put(self, stamp: int, bgr: np.ndarray) -> None:
        self._queue.put(_frame(stamp, bgr))

    def _supervise(self) -> None:
        """Watch the reader, and replace it when the camera is lost; body of the thread."""
        retry = ReconnectTimer(self.config.reconnect)
        while (reason := self._watch(retry)) is not None:
            self._reader.abandon()
            wait = retry.next_wait()
            if wait is None:
                self._queue.close(CameraError(retry.final_message(reason)))
                return
            LOG.warning("%s; trying again in %.1f s", reason, wait)
            if self._closing.wait(wait):
                break
            self._reopen()
        self._reader.abandon()

    def _watch(self, retry: ReconnectTimer) -> str | None:
        """Wait until the camera is lost; return the reason, or `None` when it is closed."""
        reader, seen, was_away = self._reader, 0, retry.outage > 0
        while not self._closing.wait(POLL_SECONDS):
            if reader.count > seen:
                if was_away:
                    LOG.warning("%s is back after %.1f s", self.name, retry.outage)
                seen, was_away = reader.count, False
                retry.works()
            if not reader.is_alive:
                if reader.error is not None:
                    return str(reader.error)
                return f"{self.name} gave {reader.count} frames and then no more; {CONNECTED}"
            if time.monotonic() - reader.last > self.config.silent_after:
                silent = f"{self.name} has given no frame for {self.config.silent_after:.1f} s"
                return f"{silent}; {CONNECTED}"
        return None

    def _reopen(self) -> None:
        """Open the camera again, unless too many calls of its driver hang."""
        self._hung = [reader for reader in [*self._hung, self._reader] if reader.is_alive]
        if len(self._hung) >= MAX_HUNG:
            self._reader = self._start(self._refuse)
        else:
            self._reader = self._start(lambda: _open(self.config))

    def _refuse(self) -> cv2.VideoCapture:
        raise CameraError(f"{self.name} cannot be opened: {MAX_HUNG} calls of its driver hang")


def _frame(stamp: int, bgr: np.ndarray) -> RawFrame:
    height, width = bgr.shape[:2]
    return RawFrame(
        stamp=stamp, height=height, width=width, encoding="bgr8", step=3 * width, data=bgr
    )


def _open(config: CameraConfig) -> cv2.VideoCapture:
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # the error below is enough
    try:
        capture = cv2.VideoCapture(config.index)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not capture.isOpened():
        raise CameraError(
            f"camera {config.index} cannot be opened; is it connected (`ls /dev/video*`), free, "
            "and is this user in the group `video`?"
        )
    requests = (
        (cv2.CAP_PROP_FRAME_WIDTH, config.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, config.height),
        (cv2.CAP_PROP_FPS, config.fps),
    )
    for setting, value in requests:
        if value is not None:
            capture.set(setting, value)
    return capture
