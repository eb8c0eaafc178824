"""Samples whose videos cannot be used: missing, damaged, too short, silent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from roma_ros.data import (
    DataError,
    Sample,
    SampleAnswer,
    SampleQuery,
    SkipLog,
    Task,
    check_videos,
    sample_units,
)

from ..clips import Clip, write_clip

ALERT = Sample(
    task=Task.ALERT,
    id="a",
    video=("good.mp4",),
    queries=(SampleQuery(text="Tell me.", audio=None, time=0, duration=0),),
    answers=(SampleAnswer("alert", 3.0),),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_clip(tmp_path / "good.mp4", Clip(seconds=3))
    write_clip(tmp_path / "silent.mp4", Clip(seconds=3, audio=False))
    write_clip(tmp_path / "late.mp4", Clip(seconds=3, audio_start=0.4))
    times = (0.0, 0.1, 0.9, 1.0, 1.05, 2.2, 2.9)
    write_clip(tmp_path / "vfr.mkv", Clip(seconds=3, frame_times=times, flashes=(2.2,)))
    (tmp_path / "broken.mp4").write_bytes(b"\x00\x01" * 500)
    return tmp_path


@pytest.mark.parametrize(
    ("change", "reason", "message"),
    [
        ({"video": ("gone.mp4",)}, "no video", r"sample a: .*gone\.mp4 does not exist"),
        ({"video": ("broken.mp4",)}, "damaged video", r"broken\.mp4"),
        ({"video": ("silent.mp4",)}, "no sound", r"silent\.mp4 has no sound; use --allow-silent"),
        ({"video": ("1.png", "2.png")}, "no video", r"1\.png does not exist"),
        ({"answers": (SampleAnswer("x", 5.0),)}, "video too short", r"goes on until 5\.0 s"),
        (
            {"queries": (replace(ALERT.queries[0], audio="no.wav"),)},
            "no speech file",
            r"no\.wav does not exist",
        ),
    ],
)
def test_what_cannot_be_used_is_skipped_or_refused(
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    change: dict[str, object],
    reason: str,
    message: str,
) -> None:
    samples = [ALERT, replace(ALERT, **change)]  # type: ignore[arg-type]
    log = SkipLog()
    assert list(check_videos(samples, folder, log)) == [ALERT]
    assert log.skipped == {reason: 1}
    with pytest.raises(DataError, match=message):
        list(check_videos(samples, folder, SkipLog(strict=True)))


def test_a_silent_video_is_taken_if_that_is_allowed(folder: Path) -> None:
    silent = replace(ALERT, video=("silent.mp4",))
    assert list(check_videos([silent], folder, SkipLog(strict=True), allow_silent=True)) == [silent]
    assert all(unit.audio is None for unit in sample_units(silent, folder))


def test_the_answer_to_a_question_may_come_after_the_video(folder: Path) -> None:
    asked = replace(
        ALERT,
        task=Task.QUESTION,
        queries=(replace(ALERT.queries[0], time=3.0),),
        answers=(SampleAnswer("x", 6.0),),
    )
    assert list(check_videos([asked], folder, SkipLog(strict=True))) == [asked]


def test_a_variable_frame_rate_and_late_sound_keep_their_times(folder: Path) -> None:
    units = list(sample_units(replace(ALERT, video=("vfr.mkv",)), folder))
    assert [unit.index for unit in units] == [0, 1, 2]
    brightness = [unit.frames.mean() for unit in units if unit.frames is not None]
    assert brightness[2] > 1.5 * max(brightness[:2])  # the flash at 2.2 s is in unit 2
    late = list(sample_units(replace(ALERT, video=("late.mp4",)), folder))
    assert len(late) == 3
