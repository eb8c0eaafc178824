"""Units to calibrate with: of the world, and of the user's clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from roma_ros.quantize.calibration import audio_feeds, clip_units, vision_feeds, world_units
from roma_ros.sources import SourceError
from roma_ros.thinker import RomaThinker, UnitShapeError
from roma_ros.world import Split, make_scene, write_film


def test_world_units_are_as_many_as_asked_and_of_their_split() -> None:
    units = list(world_units(10))
    assert len(units) == 10
    assert all(unit.frames is not None and unit.audio is not None for unit in units)
    others = list(world_units(10, split=Split.TEST))
    pairs = zip(units, others, strict=True)
    assert not any(np.array_equal(unit.frames, other.frames) for unit, other in pairs)


def test_clips_become_units_one_after_another(tmp_path: Path) -> None:
    for name, seed in (("a.mp4", 1), ("b.mp4", 2)):
        write_film(tmp_path / name, make_scene(seed, 2), height=64, width=96, fps=10)
    units = list(clip_units([tmp_path / "a.mp4", tmp_path / "b.mp4"]))
    assert len(units) == 4
    assert {unit.frames.shape for unit in units if unit.frames is not None} == {(2, 64, 96, 3)}


def test_a_missing_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        list(clip_units([tmp_path / "none.mp4"]))


def test_feeds_are_what_the_thinker_itself_would_encode(tiny: RomaThinker, make_unit) -> None:
    unit = make_unit(0, height=112, width=112)
    (pixels,) = vision_feeds(tiny, [unit], rows=8, columns=8)
    np.testing.assert_array_equal(pixels["pixels"], tiny.features.video(unit.frames).pixels)
    (mel,) = audio_feeds(tiny, [unit])
    np.testing.assert_array_equal(mel["mel"], tiny.features.audio(unit.audio))


def test_frames_are_fitted_to_the_grid(tiny: RomaThinker, make_unit) -> None:
    (feed,) = vision_feeds(tiny, [make_unit(0, height=90, width=300)], rows=6, columns=10)
    assert feed["pixels"].shape == (60, 1176)


def test_units_without_the_modality_are_passed_over(tiny: RomaThinker, make_unit) -> None:
    units = [make_unit(0, video=False), make_unit(1, audio=False), make_unit(2)]
    assert len(list(vision_feeds(tiny, units, rows=8, columns=8))) == 2
    assert len(list(audio_feeds(tiny, units))) == 2


def test_a_grid_beyond_the_checkpoints_pixels_is_refused(tiny: RomaThinker, make_unit) -> None:
    with pytest.raises(UnitShapeError, match="the grid has 40 x 40 patches"):
        list(vision_feeds(tiny, [make_unit(0)], rows=40, columns=40))
