"""Thread that reads the frames of one opened camera, and may hang with its driver."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import cv2
import numpy as np

from roma_ros.sources.errors import CameraError

__all__ = ["CameraReader"]

MAX_FAILED_READS = 10  # in a row, after which the camera is lost
SLOW_GRAB = 1.0  # seconds, after which some drivers return the last frame again


class CameraReader:
    """Reader of a camera, in a thread of its own, until it fails or is abandoned.

    A call of the driver that hangs cannot be ended; the reader is abandoned then. It drops the
    frames that it reads afterwards, and closes the camera as soon as the call returns.

    Args:
        open_camera: called in the thread; may raise CameraError.
        clock: returns the stamp of a frame, ns; called as soon as the frame was taken.
        on_frame: called with the stamp and uint8 (H, W, 3) BGR of each frame.

    Attributes:
        count: number of frames so far.
        last: time of the last frame by the monotonic clock, s.
        error: why the camera could not be opened; `None`: it could.
    """

    def __init__(
        self,
        open_camera: Callable[[], cv2.VideoCapture],
        clock: Callable[[], int],
        on_frame: Callable[[int, np.ndarray], None],
    ) -> None:
        self.count = 0
        self.last = time.monotonic()
        self.error: CameraError | None = None
        self._open = open_camera
        self._clock = clock
        self._on_frame = on_frame
        self._abandoned = threading.Event()
        self._previous: np.ndarray | None = None
        self._thread = threading.Thread(target=self._work, name="camera", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def abandon(self) -> None:
        """Drop all further frames, and end the thread as soon as possible."""
        self._abandoned.set()

    def join(self, timeout: float) -> None:
        """Wait for the end of the thread, at most `timeout` s."""
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
        failed = 0
        while failed < MAX_FAILED_READS and not self._abandoned.is_set():
            begin = time.monotonic()
            taken = capture.grab()
            stamp = self._clock()
            is_suspect = failed > 0 or time.monotonic() - begin > SLOW_GRAB
            ok, bgr = capture.retrieve() if taken else (False, None)
            if self._abandoned.is_set():
                return
            if not ok or bgr is None or (is_suspect and self._is_previous(bgr)):
                failed += 1
                self._abandoned.wait(0.01)
                continue
            failed = 0
            self.count += 1
            self.last = time.monotonic()
            self._previous = bgr
            self._on_frame(stamp, bgr)

    def _is_previous(self, bgr: np.ndarray) -> bool:
        """Return whether a frame equals the last one bit for bit, which no sensor gives twice."""
        return self._previous is not None and np.array_equal(bgr, self._previous)
