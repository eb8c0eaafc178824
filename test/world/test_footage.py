"""Footage: clips of a folder as backdrops."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roma_ros.world import (
    Footage,
    FootageClip,
    FootageError,
    FrameRenderer,
    Senses,
    Sight,
    SightEvent,
    SightKind,
    Split,
    make_scene,
    make_sight_scene,
    read_footage,
    split_of_clip,
    write_film,
)
from roma_ros.world import footage as module
from roma_ros.world.footage import Passer
from roma_ros.world.sights import Incident

from .by_hand import scene

MOTION, STILL = Sight(SightKind.MOTION), Sight(SightKind.STILLNESS)


@pytest.fixture(scope="module")
def ramp() -> FootageClip:
    """A bright bar that moves to the right, 4 pixels a frame, for 6 s at 4 frames per second."""
    frames = np.full((24, 144, 144, 3), 60, np.uint8)
    for number, frame in enumerate(frames):
        frame[:, 4 * number : 4 * number + 30] = 220
    return FootageClip("ramp.mp4", frames)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    there = tmp_path_factory.mktemp("clips")
    for number in range(3):
        write_film(there / f"clip{number}.mp4", make_scene(number, 2), height=160, width=320, fps=8)
    (there / "broken.mp4").write_bytes(b"no film at all")
    (there / "notes.md").write_text("not footage")
    return there


def test_a_folder_with_a_broken_file(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        clips = read_footage(folder)
    assert [clip.name for clip in clips] == ["clip0.mp4", "clip1.mp4", "clip2.mp4"]
    assert [clip.frames.shape for clip in clips] == 3 * [(8, 144, 288, 3)]
    (record,) = caplog.records
    assert "broken.mp4 is left out: " in record.message


def test_a_folder_is_divided(folder: Path) -> None:
    test = read_footage(folder, Split.TEST, held_out=["clip1.mp4"])
    train = read_footage(folder, Split.TRAIN, held_out=["clip1.mp4"])
    assert [clip.name for clip in test] == ["clip1.mp4"]
    assert [clip.name for clip in train] == ["clip0.mp4", "clip2.mp4"]
    names = [f"{number}.mp4" for number in range(200)]
    assert 20 < sum(split_of_clip(name) is Split.TEST for name in names) < 60
    assert split_of_clip("office-video-only.mp4") is Split.TEST
    assert split_of_clip("portrait-av.mp4") is Split.TEST


def test_a_folder_without_clips_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FootageError, match="is not a folder; name a folder of video files"):
        read_footage(tmp_path / "missing")
    with pytest.raises(FootageError, match="no clip for test that can be decoded, of 4 video"):
        read_footage(folder, Split.TEST, held_out=[])


def test_memory_is_bounded(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MEMORY", 1_000_000)
    (first, *others) = read_footage(folder)
    assert first.frames.nbytes < 1_000_000
    assert not others
    assert "the last 2 clips" in caplog.text


def test_a_picture_of_footage(ramp: FootageClip) -> None:
    shown = Footage(clip=ramp, size=0.5, x=0.0, start=1.0, speed=0.5)
    picture = shown.frame(2.0, 112, 112)
    assert picture.shape == (112, 112, 3)
    np.testing.assert_array_equal(shown.delayed(3).frame(5.0, 112, 112), picture)
    np.testing.assert_array_equal(replace(shown, flip=True).frame(2.0, 112, 112)[:, ::-1], picture)
    # It is played backwards after its end: frames 23 and 21 s from the start are one and the same.
    there = Footage(clip=ramp)
    np.testing.assert_array_equal(there.frame(5.0, 112, 112), there.frame(6.5, 112, 112))
    single = Footage(clip=FootageClip("one.gif", ramp.frames[:1]))
    np.testing.assert_array_equal(single.frame(0.0, 112, 112), single.frame(9.0, 112, 112))


def test_motion_of_footage_that_is_frozen(ramp: FootageClip) -> None:
    moving = replace(scene(12), footage=Footage(clip=ramp))
    assert Senses(moving).sight(MOTION).all()
    frozen = SightEvent(incident=Incident.FROZEN, begins=3.2, ends=9.2)
    still = replace(moving, sights=(frozen,))
    motion, stillness = (Senses(still).sight(sight) for sight in (MOTION, STILL))
    assert np.flatnonzero(~motion).tolist() == [4, 5, 6, 7, 8]
    assert np.flatnonzero(stillness).tolist() == [5, 6, 7, 8]
    renderer = FrameRenderer(still)
    np.testing.assert_array_equal(renderer.content(4.0), renderer.content(9.0))
    # It goes on from there, without a jump.
    np.testing.assert_array_equal(renderer.content(10.2), FrameRenderer(moving).content(4.2))


def test_a_piece_of_footage_that_moves(ramp: FootageClip) -> None:
    piece = Passer(
        footage=Footage(clip=ramp, speed=0.0),
        begins=2.2,
        ends=6.2,
        start=(-0.2, 0.5),
        end=(1.2, 0.5),
        size=(0.3, 0.4),
    )
    passed = replace(scene(10), passers=(piece,))
    assert np.flatnonzero(Senses(passed).sight(MOTION)).tolist() == [3, 4, 5]
    renderer = FrameRenderer(passed)
    np.testing.assert_array_equal(renderer.content(1.0), renderer.content(8.0))
    changed = np.any(renderer.content(4.0) != renderer.content(1.0), axis=2)
    columns = np.flatnonzero(changed.any(axis=0))
    assert abs(columns.mean() / 112 - 0.43) < 0.05
    np.testing.assert_array_equal(
        FrameRenderer(passed.delayed(2)).content(6.0), renderer.content(4.0)
    )
    clips = [make_sight_scene(seed, 20, [ramp]).passers for seed in range(20)]
    assert 0 < sum(map(bool, clips)) < 20
    test = [make_sight_scene(Split.TEST.seed(number), 20, [ramp]) for number in range(20)]
    assert not any(there.passers for there in test)  # what moves there was filmed


def test_scenes_over_footage(ramp: FootageClip) -> None:
    scenes = [make_sight_scene(seed, 10, [ramp]) for seed in range(20)]
    over = [there for there in scenes if there.footage]
    assert 8 < len(over) < 20
    assert any(there.footage and not there.footage.speed for there in over)
    assert make_sight_scene(3, 10, [ramp]) == scenes[3]


def test_real_clips(media: Path) -> None:
    clips = read_footage(media, Split.TEST)
    assert {"office-video-only.mp4", "portrait-av.mp4"} <= {clip.name for clip in clips}
    assert len(clips) >= 2
