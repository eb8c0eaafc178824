"""repeat_frames, on pieces made by hand."""

from __future__ import annotations

import av
import numpy as np

from roma_ros.sources.media_track import TrackChunk, TrackFrame, TrackItem
from roma_ros.sources.repeated_frames import repeat_frames

NS = 1_000_000_000


def picture(start: float, end: float, *, is_last: bool = False) -> TrackFrame:
    frame = av.VideoFrame(16, 16, "rgb24")
    return TrackFrame(round(start * NS), round(end * NS), frame, is_last=is_last)


def sound(start: float) -> TrackChunk:
    samples = np.zeros((800, 1), np.float32)
    return TrackChunk(round(start * NS), round((start + 0.05) * NS), 16_000, samples)


def starts(*pieces: TrackItem) -> list[float]:
    """Seconds of the pictures."""
    given = list(repeat_frames(pieces))
    assert [piece.start for piece in given] == sorted(piece.start for piece in given)
    return [piece.start / NS for piece in given if isinstance(piece, TrackFrame)]


def test_pictures_of_a_second_or_less_come_once() -> None:
    assert starts(picture(0, 1), picture(1, 1.5), picture(1.5, 1.54)) == [0, 1, 1.5]


def test_a_picture_comes_again_after_a_second_and_then_every_half() -> None:
    assert starts(picture(0, 2.6), picture(2.6, 4.2)) == [0, 1, 1.5, 2, 2.5, 2.6, 3.6, 4.1]


def test_beyond_its_end_a_picture_is_not_held() -> None:
    """What follows was lost."""
    assert starts(picture(0, 0.04), sound(3.0), picture(5, 5.04)) == [0, 5]


def test_the_last_picture_is_held_for_as_long_as_there_is_sound() -> None:
    pieces = [sound(step / 20) for step in range(1, 52)]
    assert starts(picture(0, 0.04, is_last=True), *pieces) == [0, 1, 1.5, 2, 2.5]
