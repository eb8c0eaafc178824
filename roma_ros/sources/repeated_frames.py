"""Repetition of frames that are shown for long, as a camera would see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from roma_ros.sources.media_track import TrackFrame, TrackItem

__all__ = ["repeat_frames"]

NS = 1_000_000_000
FIRST, EVERY = NS, NS // 2
"""Time until a frame is repeated for the first time, and then between repetitions, ns."""


def repeat_frames(items: Iterable[TrackItem]) -> Iterator[TrackItem]:
    """Repeat each frame for as long as it is shown.

    The last frame of a video track that ends before the audio is shown until the audio ends.

    Args:
        items: frames and chunks of both tracks in the order of their starts.
    """
    shown: TrackFrame | None = None
    due = 0  # ns; time of its next repetition
    for item in items:
        if shown is not None:
            until = item.start if shown.is_last else min(item.start, shown.end)
            for again in _repeats(shown, due, until):
                yield again
                due += EVERY
        if isinstance(item, TrackFrame):
            shown, due = item, item.start + FIRST
        yield item
    if shown is not None:
        yield from _repeats(shown, due, shown.end)


def _repeats(shown: TrackFrame, due: int, until: int) -> Iterator[TrackFrame]:
    """Yield the frame again, from `due` up to `until` (ns)."""
    for start in range(due, until, EVERY):
        yield replace(shown, start=start)
