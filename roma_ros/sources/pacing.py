"""Playback of a recording at the pace at which it was recorded."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from roma_ros.sources.source import Item

__all__ = ["paced"]


def paced(items: Iterable[Item], speed: float = 1.0) -> Iterator[Item]:
    """Yield each item when it is due: as long after the first one as its stamp is.

    A late item comes at once, and the next ones are not delayed by it, so that the pace does not
    drift.

    Args:
        items: in the order of their stamps.
        speed: seconds of the recording per second; above 0.

    Raises:
        ValueError: `speed` is not above 0.
    """
    if not speed > 0:
        raise ValueError(f"speed is {speed}; expected above 0")
    return _paced(items, speed)


def _paced(items: Iterable[Item], speed: float) -> Iterator[Item]:
    first: int | None = None
    began = 0.0
    for item in items:
        if first is None:
            first, began = item.stamp, time.monotonic()
        wait = began + (item.stamp - first) / 1e9 / speed - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        yield item
