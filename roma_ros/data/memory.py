"""Freeing of decoded frames, which Python's garbage collector lets pile up."""

from __future__ import annotations

import gc
import itertools

__all__ = ["free_frames"]

FULL = 20  # units between two full collections, which take up to 0.3 s where torch is loaded
_UNITS = itertools.count(1)


def free_frames() -> None:
    """Free the frames that are not used any more; to be called after each unit of a video.

    PyAV's frames are in cycles of references, which the collector frees alone. It counts objects,
    not bytes, so that hundreds of frames, 1.4 MB each at 720p, would wait for it.
    """
    if next(_UNITS) % FULL:
        gc.collect(0)
    else:
        gc.collect()
