"""units_of: what becomes of a source's items."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from roma_ros.sources import Item, MediaFile, MediaFileConfig, Source, paced, units_of
from roma_ros.units import AudioChunk, RgbFrame

from ..clips import Clip, write_clip

NS = 1_000_000_000


class Listed(Source):
    """A source of frames alone, at these stamps."""

    live: ClassVar[bool] = False
    has_video, has_audio = True, False

    def __init__(self, *stamps: int) -> None:
        self._stamps = stamps

    def __iter__(self) -> Iterator[Item]:
        for stamp in self._stamps:
            yield RgbFrame(stamp, np.full((4, 6, 3), max(stamp, 0) // NS, np.uint8))

    def close(self) -> None:
        pass


def test_units_have_the_modalities_of_their_source(tmp_path: Path) -> None:
    for name, video, audio in (("a.mp4", True, True), ("b.mp4", True, False), ("c.wav", 0, 1)):
        codec = "pcm_s16le" if name.endswith("wav") else "aac"
        sample_format = "s16" if name.endswith("wav") else "fltp"
        clip = Clip(
            seconds=2.4,
            video=bool(video),
            audio=bool(audio),
            audio_codec=codec,
            sample_format=sample_format,
        )
        with MediaFile(MediaFileConfig(path=write_clip(tmp_path / name, clip))) as source:
            units = list(units_of(source))
        assert [unit.index for unit in units] == [0, 1, 2]  # the last one padded
        assert all(
            (unit.frames is not None, unit.audio is not None) == (video, audio) for unit in units
        )


def test_items_that_cannot_be_used_are_left_out() -> None:
    source = Listed(NS, -5, *range(NS + NS // 4, 4 * NS, NS // 4))
    units = list(units_of(source))
    assert [unit.start for unit in units] == [NS, 2 * NS, 3 * NS]
    sound = [AudioChunk(NS, 16_000, np.zeros(160, np.float32))]  # of a source without sound
    assert list(units_of(source, sound)) == []


def test_items_may_come_in_another_way_than_by_iterating() -> None:
    source = Listed(*range(0, 3 * NS, NS // 4))
    units = list(units_of(source, paced(source, speed=100)))
    assert [int(unit.frames[0].max()) for unit in units if unit.frames is not None] == [0, 1, 2]


def test_a_unit_comes_as_soon_as_it_is_settled() -> None:
    seen: list[int] = []

    def noted() -> Iterator[Item]:
        for item in Listed(*range(0, 4 * NS, NS // 4)):
            seen.append(item.stamp)
            yield item

    first = next(units_of(Listed(), noted()))
    assert first.start == 0
    assert seen[-1] <= NS + NS // 2
