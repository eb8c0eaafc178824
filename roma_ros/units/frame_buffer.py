"""Buffer of the few frames that a unit may still need."""

from bisect import bisect_left
from collections.abc import Iterable

from roma_ros.units.frame import Frame

__all__ = ["FrameBuffer"]

SPARE = 2
"""Frames kept for each sampling time: the nearest one, and one in case it is corrupt."""


class FrameBuffer:
    """Undecoded frames by stamp; only the nearest to some sampling times are kept."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: Frame) -> bool:
        """Add a frame; return False if there is one of the same stamp already."""
        at = bisect_left(self._frames, frame.stamp, key=_stamp)
        if at < len(self._frames) and self._frames[at].stamp == frame.stamp:
            return False
        self._frames.insert(at, frame)
        return True

    def nearest(self, moment: int, end: int, count: int | None = None) -> list[Frame]:
        """Return frames by their distance from a time, the nearest first, the earlier of equals.

        Args:
            moment: the time, ns.
            end: stamp before which frames must be, ns.
            count: most frames to return; None: all.
        """
        before = self._frames[: bisect_left(self._frames, end, key=_stamp)]
        return sorted(before, key=lambda frame: abs(frame.stamp - moment))[:count]

    def prune(self, moments: Iterable[tuple[int, int]]) -> None:
        """Keep only the newest frames and the nearest to each (moment, end of its unit), ns."""
        kept = {frame.stamp for frame in self._frames[-SPARE:]}
        for moment, end in moments:
            kept.update(frame.stamp for frame in self.nearest(moment, end, SPARE))
        self._frames = [frame for frame in self._frames if frame.stamp in kept]

    def discard(self, frame: Frame) -> None:
        """Drop a frame."""
        self._frames.remove(frame)


def _stamp(frame: Frame) -> int:
    return frame.stamp
