"""A camera, by OpenCV."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from roma_ros.sources.camera_reader import CameraReader
from roma_ros.sources.errors import CameraError
from roma_ros.sources.mailbox import Mailbox
from roma_ros.sources.reconnect import BackOff, Reconnect
from roma_ros.sources.source import Item, Source
from roma_ros.units import RawFrame

__all__ = ["Camera", "CameraConfig"]

LOG = logging.getLogger(__name__)
CAPACITY = 4  # frames that may wait for a slow reader
LOOK = 0.05  # seconds between looks at the reader
CLOSE_SECONDS = 0.5
MAX_HUNG = 3  # threads that hang in a driver at once
CONNECTED = "is it still connected?"


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """Which camera, and what to ask of it.

    Attributes:
        index: number of the device, or its path such as "/dev/video2".
        width, height: pixels to ask for; the camera gives the nearest it can. `None`: its default.
        fps: frames a second to ask for; `None`: its default.
        silent_after: seconds without a frame after which it is lost.
        reconnect: how it is opened again when it was lost; `None`: not at all.

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
    """Frames of a camera, the newest ones: a thread of its own takes them off the device.

    A camera that gives no frame for 4 s is lost, also where a call of its driver hangs. It is then
    opened again and again, with a logged warning, if the config says so; otherwise the iteration
    fails. A frame that was taken before the loss never comes after it.

    Args:
        config: which camera.
        clock: gives the stamps, ns; called as soon as a frame has been taken. The default is the
            system's time, which is ROS time too.

    Attributes:
        config: as given.

    Raises:
        CameraError: it cannot be opened.
    """

    live: ClassVar[bool] = True

    def __init__(self, config: CameraConfig, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.config = config
        self._clock = clock
        self._frames: Mailbox[RawFrame] = Mailbox(CAPACITY)
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
        """Frames that were lost because nobody took them in time."""
        return self._frames.dropped

    def __iter__(self) -> Iterator[Item]:
        return iter(self._frames)

    def close(self) -> None:
        """Let go of the camera; waits at most half a second for a driver that hangs."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._frames.close()
        self._reader.abandon()
        self._thread.join(CLOSE_SECONDS / 2)
        self._reader.join(CLOSE_SECONDS / 2)

    def _start(self, open_camera: Callable[[], cv2.VideoCapture]) -> CameraReader:
        return CameraReader(open_camera, self._clock, self._take)

    def _take(self, stamp: int, bgr: np.ndarray) -> None:
        self._frames.put(_frame(stamp, bgr))

    def _supervise(self) -> None:
        """The thread's work: watch the reader, and replace it when the camera is lost."""
        back_off = BackOff(self.config.reconnect or Reconnect(give_up_after=0))
        while (reason := self._watch(back_off)) is not None:
            self._reader.abandon()
            wait = back_off.next_wait()
            if wait is None:
                tried = f"; tried {back_off.tries} times in {back_off.away:.0f} s"
                self._frames.close(CameraError(reason + (tried if back_off.tries else "")))
                return
            LOG.warning("%s; trying again in %.1f s", reason, wait)
            if self._closing.wait(wait):
                break
            self._reopen()
        self._reader.abandon()

    def _watch(self, back_off: BackOff) -> str | None:
        """Wait until the camera is lost; returns how, or `None` when it is closed."""
        reader, seen, was_away = self._reader, 0, back_off.outage > 0
        while not self._closing.wait(LOOK):
            if reader.count > seen:
                if was_away:
                    LOG.warning("%s is back after %.1f s", self.name, back_off.outage)
                seen, was_away = reader.count, False
                back_off.works()
            if not reader.is_alive:
                if reader.error is not None:
                    return str(reader.error)
                return f"{self.name} gave {reader.count} frames and then no more; {CONNECTED}"
            if time.monotonic() - reader.last > self.config.silent_after:
                silent = f"{self.name} has given no frame for {self.config.silent_after:.1f} s"
                return f"{silent}; {CONNECTED}"
        return None

    def _reopen(self) -> None:
        """Open the camera once more, unless its driver holds too many threads already."""
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
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # the error below says it all
    try:
        capture = cv2.VideoCapture(config.index)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not capture.isOpened():
        raise CameraError(
            f"camera {config.index} cannot be opened; is it connected (`ls /dev/video*`), free, "
            "and is this user in the group `video`?"
        )
    wishes = (
        (cv2.CAP_PROP_FRAME_WIDTH, config.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, config.height),
        (cv2.CAP_PROP_FPS, config.fps),
    )
    for wish, value in wishes:
        if value is not None:
            capture.set(wish, value)
    return capture
