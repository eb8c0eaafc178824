"""The thread that takes frames off one opened camera, and may hang with its driver."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import cv2
import numpy as np

from roma_ros.sources.errors import CameraError

__all__ = ["CameraReader"]

MISSES = 10  # reads in a row without a frame: the camera is gone
SLOW_GRAB = 1.0  # seconds; some drivers then give the last frame again


class CameraReader:
    """Reads a camera in a thread of its own until it fails or is abandoned.

    A call of the driver that hangs cannot be ended; the reader is abandoned then. What it reads
    afterwards is thrown away, and it closes the camera as soon as the call returns.

    Args:
        open_camera: called in the thread. May raise CameraError.
        clock: gives the stamps, ns; called as soon as a frame has been taken.
        take: called with the stamp and uint8 (H, W, 3) BGR of each frame.

    Attributes:
        count: frames so far.
        last: when there was a sign of life, by the monotonic clock: s.
        error: why it could not be opened; `None` if it could.
    """

    def __init__(
        self,
        open_camera: Callable[[], cv2.VideoCapture],
        clock: Callable[[], int],
        take: Callable[[int, np.ndarray], None],
    ) -> None:
        self.count = 0
        self.last = time.monotonic()
        self.error: CameraError | None = None
        self._open = open_camera
        self._clock = clock
        self._take = take
        self._abandoned = threading.Event()
        self._previous: np.ndarray | None = None
        self._thread = threading.Thread(target=self._work, name="camera", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def abandon(self) -> None:
        """Take nothing more from it."""
        self._abandoned.set()

    def join(self, timeout: float) -> None:
        """Wait for its end, at most `timeout` s."""
        self._thread.join(timeout)

    def _work(self) -> None:
        try:
            capture = self._open()
        except CameraError as error:
            self.error = error
            return
        try:
            self._read(capture)
        finally:
            capture.release()

    def _read(self, capture: cv2.VideoCapture) -> None:
        misses = 0
        while misses < MISSES and not self._abandoned.is_set():
            begin = time.monotonic()
            taken = capture.grab()
            stamp = self._clock()
            is_suspect = misses > 0 or time.monotonic() - begin > SLOW_GRAB
            ok, bgr = capture.retrieve() if taken else (False, None)
            if self._abandoned.is_set():
                return
            if not ok or bgr is None or (is_suspect and self._is_previous(bgr)):
                misses += 1
                self._abandoned.wait(0.01)
                continue
            misses = 0
            self.count += 1
            self.last = time.monotonic()
            self._previous = bgr
            self._take(stamp, bgr)

    def _is_previous(self, bgr: np.ndarray) -> bool:
        """Whether it is the last frame to the bit, which no sensor takes twice."""
        return self._previous is not None and np.array_equal(bgr, self._previous)
