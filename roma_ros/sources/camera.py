"""A camera, by OpenCV."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from roma_ros.sources.errors import CameraError
from roma_ros.sources.mailbox import Mailbox
from roma_ros.sources.source import Item, Source
from roma_ros.units import RawFrame

__all__ = ["Camera", "CameraConfig"]

CAPACITY = 4  # frames that may wait for a slow reader
MISSES = 10  # reads in a row without a frame: the camera is gone


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """Which camera, and what to ask of it.

    Attributes:
        index: number of the device, its path such as "/dev/video2", or an address that FFmpeg
            opens, such as "rtsp://...".
        width, height: pixels to ask for; the camera gives the nearest it can. `None`: its default.
        fps: frames a second to ask for; `None`: its default.

    Raises:
        CameraError: a value below its range.
    """

    index: int | str = 0
    width: int | None = None
    height: int | None = None
    fps: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.index, int) and self.index < 0:
            raise CameraError(f"camera index is {self.index}; expected 0, 1, ...")
        for name in ("width", "height", "fps"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise CameraError(f"camera {name} is {value}; expected above 0, or None")


class Camera(Source):
    """Frames of a camera, the newest ones: a thread of its own takes them off the device.

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
        self._capture = _open(config)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
        self._thread.start()

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
        self._closing.set()
        self._frames.close()
        self._thread.join(timeout=2.0)

    def _read(self) -> None:
        """The thread's work: frames into the mailbox until the camera is closed or gone."""
        count = misses = 0
        while not self._closing.is_set() and misses < MISSES:
            taken = self._capture.grab()
            stamp = self._clock()
            ok, bgr = self._capture.retrieve() if taken else (False, None)
            if not ok or bgr is None:
                misses += 1
                self._closing.wait(0.01)
                continue
            count, misses = count + 1, 0
            self._frames.put(_frame(stamp, bgr))
        self._capture.release()
        self._frames.close(
            CameraError(
                f"camera {self.config.index} gave {count} frames and then no more; "
                "is it still connected?"
            )
        )


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
