"""Selection of frames: for each unit the nearest to +0.0 s and to +0.5 s."""

import cv2
import numpy as np

from roma_ros.units.errors import ImageError
from roma_ros.units.frame import Frame, RgbFrame
from roma_ros.units.frame_buffer import FrameBuffer
from roma_ros.units.stats import AssemblerStats
from roma_ros.units.unit import FRAMES_PER_UNIT, NS_PER_SECOND, VideoFill

__all__ = ["VideoTimeline"]

MOMENTS = (0, NS_PER_SECOND // 2)
"""Sampling times of a unit's frames, ns from its start."""
UNKNOWN_SIZE = (224, 224)
"""Height and width of black frames before the first frame, pixels."""


class VideoTimeline:
    """The video of one stream: frames in any order in, two frames for each unit out.

    A unit takes the frame nearest to each of its sampling times of all frames before the unit's
    end, also those before its start.
    """

    def __init__(self, *, hold: int, lateness: int, stats: AssemblerStats) -> None:
        """
        Args:
            hold: how old a frame may be at the start of a unit that uses it, ns.
            lateness: how much older than the newest a frame may be when it arrives, ns.
            stats: counters to update.
        """
        self._hold = hold
        self.lateness = lateness
        self._stats = stats
        self._buffer = FrameBuffer()
        self._newest: int | None = None
        self._last: RgbFrame | None = None  # the last frame that was decoded

    def __len__(self) -> int:
        """Number of undecoded frames in memory."""
        return len(self._buffer)

    def add(self, frame: Frame, start: int) -> None:
        """Add a frame, and drop the frames that no unit from the one at `start` (ns) on needs."""
        if not self._buffer.add(frame):
            self._stats.frames_duplicate += 1
            return
        self._newest = frame.stamp if self._newest is None else max(self._newest, frame.stamp)
        self.forget(start)

    def forget(self, start: int) -> None:
        """Drop the frames that no unit from the one at `start` (ns) on needs."""
        newest = start if self._newest is None else self._newest
        self._buffer.prune(
            (unit + moment, unit + NS_PER_SECOND)
            for unit in range(start, newest + 1, NS_PER_SECOND)
            for moment in MOMENTS
        )

    def is_settled(self, start: int) -> bool:
        """Return whether no later frame can be nearer to a sampling time of the unit at `start`.

        With a camera of some frames a second that is long before the unit's end.
        """
        last_moment = start + MOMENTS[-1]
        nearest = self._buffer.nearest(last_moment, start + NS_PER_SECOND, 1)
        if self._newest is None or not nearest:
            return False
        return abs(nearest[0].stamp - last_moment) <= self._newest - self.lateness - last_moment

    def read(self, start: int, *, may_hold: bool = True) -> tuple[np.ndarray, VideoFill]:
        """Decode the frames of a unit.

        Args:
            start: of the unit, ns.
            may_hold: whether frames from before the unit may be used for missing ones.

        Returns:
            uint8 (2, H, W, 3) RGB, and what it has in place of missing frames.
        """
        chosen: list[RgbFrame] = []
        for moment in MOMENTS:
            frame = self._decode_nearest(start, moment, chosen)
            if frame is None:
                return self._black(), VideoFill.BLACK
            chosen.append(frame)
        self._last = chosen[-1]
        fresh = any(frame.stamp >= start for frame in chosen)
        if not fresh and not may_hold:
            return self._black(), VideoFill.BLACK
        return _stack([frame.rgb for frame in chosen]), VideoFill.NONE if fresh else VideoFill.HELD

    def _decode_nearest(self, start: int, moment: int, decoded: list[RgbFrame]) -> RgbFrame | None:
        """Decode the nearest frame that can be; else return the last one; None: it is too old."""
        oldest = start - self._hold
        known = {frame.stamp: frame for frame in decoded}
        for frame in self._buffer.nearest(start + moment, start + NS_PER_SECOND):
            if frame.stamp < oldest:
                continue
            if frame.stamp in known:
                return known[frame.stamp]
            try:
                return RgbFrame(frame.stamp, frame.decode())
            except ImageError as error:
                self._stats.frames_bad += 1
                self._stats.last_error = str(error)
                self._buffer.discard(frame)
        last = self._last
        return last if last is not None and last.stamp >= oldest else None

    def _black(self) -> np.ndarray:
        height, width = UNKNOWN_SIZE if self._last is None else self._last.rgb.shape[:2]
        return np.zeros((FRAMES_PER_UNIT, height, width, 3), np.uint8)


def _stack(images: list[np.ndarray]) -> np.ndarray:
    """Stack images; if the camera changed its resolution, all get the last one's size."""
    height, width = images[-1].shape[:2]
    return np.stack(
        [
            image
            if image.shape == images[-1].shape
            else cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            for image in images
        ]
    )
