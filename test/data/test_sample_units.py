from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from roma_ros.data import (
    Sample,
    SampleAnswer,
    SampleError,
    SampleQuery,
    Task,
    export_exercises,
    read_samples,
    sample_units,
)
from roma_ros.world import (
    Exercise,
    FrameRenderer,
    WorldRenderer,
    alert_exercises,
    make_scene,
    narration_exercise,
    question_exercises,
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Exercise]]:
    folder = tmp_path_factory.mktemp("exported")
    exercises = [
        *alert_exercises(3, 6, 2),
        *alert_exercises(4, 5, 1, spoken=True),
        narration_exercise(5, 6),
        *question_exercises(7, 8, 1, spoken=True),
    ]
    export_exercises(folder, exercises, height=112, width=112)
    return folder, exercises


def test_what_is_read_back_is_what_was_rendered(exported: tuple[Path, list[Exercise]]) -> None:
    folder, exercises = exported
    samples = read_samples(folder / "samples.json")
    assert len(samples) == len(exercises)
    for sample, exercise in zip(samples, exercises, strict=True):
        units = list(sample_units(sample, folder))
        rendered = list(WorldRenderer(exercise.scene))
        assert [unit.index for unit in units] == list(range(len(rendered)))
        np.testing.assert_array_equal(sample.labels(len(units)), exercise.labels)
        for read, made in zip(units, rendered, strict=True):
            assert read.frames is not None
            assert made.frames is not None
            assert read.audio is not None
            assert made.audio is not None
            # The codec changes noise and edges, which a blur takes away, and nothing else.
            for one, other in zip(read.frames, made.frames, strict=True):
                assert cv2.absdiff(*(cv2.blur(frame, (9, 9)) for frame in (one, other))).max() < 25
            loss = np.sqrt(np.mean((read.audio - made.audio) ** 2))
            assert loss < 0.004 + 0.15 * np.sqrt(np.mean(made.audio**2))


def test_exercises_on_one_scene_share_a_video(exported: tuple[Path, list[Exercise]]) -> None:
    folder, exercises = exported
    samples = read_samples(folder / "samples.json")
    assert samples[0].video == samples[1].video
    assert len(list(folder.glob("*.mp4"))) == len(exercises) - 1
    assert len(list(folder.glob("*.wav"))) == 2


def pictures(folder: Path, count: int) -> Sample:
    """A sample on that many frames at 2 fps, without sound."""
    renderer = FrameRenderer(make_scene(1, 5))
    names = [f"{index}.png" for index in range(count)]
    for index, name in enumerate(names):
        cv2.imwrite(str(folder / name), renderer.frame(index / 2)[:, :, ::-1])
    return Sample(
        task=Task.NARRATION,
        id="pictures",
        video=tuple(names),
        queries=(SampleQuery(text="describe", audio=None, time=0.0, duration=0.0),),
        answers=(SampleAnswer("something", 2.0),),
    )


def test_frames_at_two_a_second_make_units_without_sound(tmp_path: Path) -> None:
    units = list(sample_units(pictures(tmp_path, 5), tmp_path))
    renderer = FrameRenderer(make_scene(1, 5))
    assert len(units) == 3
    for unit in units:
        assert unit.audio is None
        assert unit.frames is not None
    assert units[1].frames is not None
    np.testing.assert_array_equal(units[1].frames, renderer.unit(1))
    assert units[2].frames is not None
    np.testing.assert_array_equal(units[2].frames[1], renderer.frame(2.0))  # the last one again


def test_the_stream_goes_on_until_the_last_answer_is_due(tmp_path: Path) -> None:
    sample = replace(pictures(tmp_path, 2), answers=(SampleAnswer("late", 3.2),))
    units = list(sample_units(sample, tmp_path))
    assert [unit.index for unit in units] == [0, 1, 2, 3]
    assert units[0].frames is not None
    assert units[3].frames is not None
    np.testing.assert_array_equal(units[3].frames[1], units[0].frames[1])
    assert units[3].start == 3_000_000_000


def test_a_spoken_query_gives_silent_pictures_a_sound(
    tmp_path: Path, exported: tuple[Path, list[Exercise]]
) -> None:
    folder, exercises = exported
    spoken = next(exercise for exercise in exercises if exercise.line is not None)
    query = SampleQuery(text="x", audio=str(folder / f"{spoken.id}.wav"), time=0.5, duration=2.0)
    sample = replace(pictures(tmp_path, 4), queries=(query,))
    units = list(sample_units(sample, tmp_path))
    assert len(units) >= 3
    sounds = [unit.audio for unit in units]
    assert sounds[0] is not None
    assert not sounds[0][:7_900].any()
    assert np.abs(sounds[0][8_000:]).max() > 0.05
    assert sounds[1] is not None
    assert sounds[1].std() > 0.02


def test_what_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    whole = pictures(tmp_path, 2)
    with pytest.raises(SampleError, match=r"nowhere\.mp4"):
        list(sample_units(replace(whole, video=("nowhere.mp4",)), tmp_path))
    with pytest.raises(SampleError, match=r"no\.png"):
        list(sample_units(replace(whole, video=("0.png", "no.png")), tmp_path))
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(SampleError, match=r"broken\.png"):
        list(sample_units(replace(whole, video=("broken.png",) * 2), tmp_path))
    silent = SampleQuery(text="x", audio="no.wav", time=0.0, duration=1.0)
    with pytest.raises(SampleError, match=r"no\.wav"):
        list(sample_units(replace(whole, queries=(silent,)), tmp_path))


@pytest.mark.slow
def test_decoding_many_clips_takes_no_more_memory(
    exported: tuple[Path, list[Exercise]],
) -> None:
    """500 clips, one after another, as a training reads them."""
    folder, _ = exported
    sample = read_samples(folder / "samples.json")[0]
    sizes = []
    for number in range(500):
        assert sum(1 for _ in sample_units(sample, folder)) > 1
        if number in {99, 499}:
            pages = Path("/proc/self/statm").read_text().split()[1]
            sizes.append(int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20)
    assert sizes[1] < sizes[0] + 30
