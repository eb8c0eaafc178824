"""Samples from annotated rows and rendered clips: labels, cuts, wording, negatives, speech."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from roma_ros.data import (
    AlertRow,
    BuildOptions,
    BuildReport,
    CaptionSegment,
    DataError,
    NarrationRow,
    QuestionRow,
    Row,
    Sample,
    SkipLog,
    Task,
    Turn,
    VideoFolder,
    build_samples,
    check_videos,
    read_samples,
    sample_units,
)
from roma_ros.data.cutting import Stretch, join_segments
from roma_ros.data.labels import positive_units
from roma_ros.data.report import draw_contact_sheet
from roma_ros.data.rows import VideoPart
from roma_ros.data.wording import alert_instruction, content_words, is_instruction
from roma_ros.sources import read_audio
from roma_ros.sources.media_info import MediaInfo
from roma_ros.speech import SpeechError, Voice, say

from ..clips import Clip, write_clip


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> VideoFolder:
    folder = tmp_path_factory.mktemp("videos")
    (folder / "deep").mkdir()
    write_clip(folder / "one.mp4", Clip(seconds=10, flashes=(2.0, 7.0), beeps=(2.1, 7.2)))
    write_clip(folder / "deep" / "two.mkv", Clip(seconds=6))
    write_clip(folder / "silent.mp4", Clip(seconds=4, audio=False))
    return VideoFolder(folder)


def alert(name: str = "a", video: str = "one.mp4", **change: object) -> AlertRow:
    fields: dict[str, object] = {
        "place": "f, row 1",
        "text": "a dog runs",
        "windows": ((2, 4),),
        **change,
    }
    return AlertRow(id=name, video=video, **fields)  # type: ignore[arg-type]


def narration(*segments: tuple[float, float, str], **change: object) -> NarrationRow:
    fields: dict[str, object] = {"place": "f, row 2", "id": "n", "video": "one", **change}
    parts = tuple(CaptionSegment(*segment) for segment in segments)
    return NarrationRow(segments=parts, **fields)  # type: ignore[arg-type]


def built(
    rows: Sequence[Row], videos: VideoFolder, folder: Path, log: SkipLog, **options: object
) -> tuple[list[Sample], BuildReport]:
    out = folder / "train.jsonl"
    report = build_samples(rows, videos, out, BuildOptions(**options), log)  # type: ignore[arg-type]
    samples = read_samples(out) if report.total else []
    assert log.kept == report.total == len(samples)
    allowed = bool(options.get("allow_silent"))
    assert len(list(check_videos(samples, folder, SkipLog(), allow_silent=allowed))) == len(samples)
    return samples, report


@pytest.mark.parametrize(
    ("windows", "units"),
    [
        ([(2, 4)], [2, 3]),
        ([(2.5, 4)], [2, 3]),  # half a unit is enough
        ([(2.6, 4.4)], [3]),
        ([(2.6, 2.9)], [2]),  # shorter than half a unit
        ([(2.9, 3.2)], [3]),
        ([(3, 3)], [3]),
        ([(0, 1), (0.5, 2), (5, 5.5)], [0, 1, 5]),
        ([(0.1 + 0.2, 0.8)], [0]),  # 0.5 s but for the rounding of floats
        ([], []),
    ],
)
def test_every_second_of_a_window_is_positive(
    windows: list[tuple[float, float]], units: list[int]
) -> None:
    assert positive_units(windows) == units


def test_an_alert_has_an_answer_for_every_second_of_its_windows(
    tmp_path: Path, videos: VideoFolder
) -> None:
    log = SkipLog()
    rows = [
        alert(windows=((2, 4), (8, 20))),
        alert("b", "nowhere.mp4"),
        alert("c", "two", windows=((7, 9),)),
        alert("d", "silent.mp4"),
        alert("a", "two.mkv", windows=()),
    ]
    samples, report = built(rows, videos, tmp_path, log, negatives=0)
    assert [sample.id for sample in samples] == ["a", "a-2"]
    assert [answer.unit for answer in samples[0].answers] == [2, 3, 8, 9]
    assert samples[1].answers == ()
    assert log.skipped == {"no video": 1, "event after the end": 1, "no sound": 1}
    assert log.changed == {"window cut at the end of the video": 1}
    assert report.negative_samples == 1
    with pytest.raises(DataError, match=r"f, row 1: nowhere\.mp4 is not in"):
        build_samples(rows[1:], videos, tmp_path / "x.json", BuildOptions(), SkipLog(strict=True))


def test_negatives_name_events_that_have_nothing_to_do_with_the_video(
    tmp_path: Path, videos: VideoFolder
) -> None:
    rows = [
        alert("a", "one.mp4", text="a dog runs"),
        alert("b", "two.mkv", text="the kettle boils"),
        alert("c", "two.mkv", text="dogs are running", windows=((0, 1),)),
    ]
    samples, report = built(rows, videos, tmp_path, SkipLog(), negatives=1)
    absent = {sample.id: sample for sample in samples if not sample.answers}
    assert set(absent) == {"a-not-0"}  # a dog is in both videos, the kettle in one
    assert "kettle" in absent["a-not-0"].queries[0].text
    assert report.negative_samples == 1


def test_wording_varies_and_fits_the_event() -> None:
    from random import Random

    said = {alert_instruction("The man sits down.", Random(seed)) for seed in range(60)}
    assert len(said) > 8
    assert all(
        ("the man sits down" in text and is_instruction(text)) or "I want" in text or "Keep" in text
        for text in said
    )
    phrase = alert_instruction("Bird on left", Random(1))
    assert phrase.endswith(": Bird on left.")
    assert alert_instruction("Tell me when it rains.", Random(1)) == "Tell me when it rains."
    assert content_words("Two dogs are running") == content_words("a dog runn")


def test_narrated_segments_are_joined_and_gaps_cut_out(tmp_path: Path, videos: VideoFolder) -> None:
    row = narration((1.5, 3.6, "First."), (6.5, 8.4, "Second."), (9.0, 30.0, "Late."))
    log = SkipLog()
    (sample,), report = built([row], videos, tmp_path, log)
    assert [(answer.text, answer.unit) for answer in sample.answers] == [
        ("First.", 1),
        ("Second.", 3),
    ]
    assert log.changed["segment cut at the end of the video"] == 1
    assert log.changed["segment mostly after the end"] == 1
    units = list(sample_units(sample, tmp_path))
    assert len(units) == 4
    bright = [
        [frame.mean() > 150 for frame in unit.frames] for unit in units if unit.frames is not None
    ]
    # The flashes at 2.0 s and 7.0 s are half a second into their stretches.
    assert bright == [[False, True], [False, False], [False, True], [False, False]]
    loud = [float(np.abs(unit.audio).max()) > 0.1 for unit in units if unit.audio is not None]
    assert loud == [True, False, True, False]
    onset = np.flatnonzero(np.abs(units[0].audio) > 0.1)[0] / 16_000  # type: ignore[arg-type]
    assert onset == pytest.approx(0.6, abs=0.03)
    assert report.seconds == 4
    info = MediaInfo.of(tmp_path / sample.video[0])
    assert info.duration == pytest.approx(4, abs=0.1)


def test_segments_that_overlap_follow_one_another() -> None:
    row = narration((0, 10, "whole"), (2, 4, "inside"), (9, 14, "next"), (13.8, 14.2, "tiny"))
    stretches, joined, changes = join_segments(row, 20)
    assert stretches == [Stretch(0, 10), Stretch(10, 4), Stretch(14, 1)] or stretches == [
        Stretch(0, 10),
        Stretch(10, 4),
    ]
    assert [segment.text for segment in joined.segments][:2] == ["whole", "next"]
    assert [segment.end for segment in joined.segments][:2] == [10, 14]
    assert changes["segment overlaps"] >= 1
    assert sum(changes.values()) + len(joined.segments) >= len(row.segments)


def test_gaps_stay_if_wanted_and_with_an_instruction_in_the_stream(
    tmp_path: Path, videos: VideoFolder
) -> None:
    segments = ((1.5, 3.6, "First."), (6.5, 8.4, "Second."))
    log = SkipLog()
    (sample,), _ = built([narration(*segments)], videos, tmp_path, log, keep_gaps=True)
    assert [answer.unit for answer in sample.answers] == [3, 8]
    asked = narration(*segments, whole=True, time=1.0, instruction="Count.")
    (sample,), _ = built([asked], videos, tmp_path, SkipLog())
    assert [answer.unit for answer in sample.answers] == [3, 8]
    assert (sample.queries[0].text, sample.queries[0].time) == ("Count.", 1.0)


def test_a_part_of_a_longer_video_is_cut_out(tmp_path: Path, videos: VideoFolder) -> None:
    row = alert(video="one_6.0_9.0", part=VideoPart("one", 6.0, 9.0), windows=((1, 2),))
    (sample,), _ = built([row], videos, tmp_path, SkipLog(), negatives=0)
    units = list(sample_units(sample, tmp_path))
    assert len(units) == 3
    assert units[1].frames is not None
    assert units[1].frames[0].mean() > 150  # the flash at 7.0 s
    assert [answer.unit for answer in sample.answers] == [1]


def test_questions_are_asked_after_what_they_need(tmp_path: Path, videos: VideoFolder) -> None:
    turns = (
        Turn(3.2, "What?", "x"),
        Turn(3.9, "And?", "y"),
        Turn(None, "Which?", "B dog", ("A cat", "B dog"), 1),
        Turn(99.0, "Late?", "z"),
    )
    row = QuestionRow(place="f, row 3", id="q", video="two", turns=turns)
    log = SkipLog()
    (sample,), _ = built([row], videos, tmp_path, log, letters=True)
    assert [query.time for query in sample.queries] == [4, 4, 6]
    assert [answer.unit for answer in sample.answers] == [3, 3, 5]
    assert sample.queries[2].text == "Which?\nA. A cat\nB. B dog"
    assert sample.answers[2].text == "B. B dog"
    assert log.changed == {"question after the end of the video": 1}
    (sample,), _ = built([row], videos, tmp_path, SkipLog())
    assert sample.queries[2].text == "Which?"
    assert sample.answers[2].text == "B dog"


def test_queries_are_spoken_in_several_voices_with_no_word_cut(
    tmp_path: Path, videos: VideoFolder
) -> None:
    try:
        say("test", Voice("en"))
    except SpeechError:
        pytest.skip("espeak-ng is not installed")
    turns = (Turn(3.0, "What is on the left?", "x"), Turn(3.5, "And on the right?", "y"))
    rows: list[Row] = [alert(str(number)) for number in range(6)]
    rows.append(QuestionRow(place="f", id="q", video="two", turns=turns))
    samples, report = built(rows, videos, tmp_path, SkipLog(), spoken=True, negatives=0)
    assert report.spoken == report.queries == 8
    assert len({sample.queries[0].audio for sample in samples}) == 7
    asked = samples[-1]
    assert asked.task is Task.QUESTION
    first, second = asked.queries
    assert first.time == 3.1
    assert asked.answers[0].time == np.ceil(first.time + first.duration)
    assert second.time >= asked.answers[0].time  # type: ignore[operator]
    silent = [
        unit.audio for unit in sample_units(read_samples(tmp_path / "train.jsonl")[-1], tmp_path)
    ]
    heard = np.concatenate([sound for sound in silent if sound is not None])
    for query in asked.queries:
        assert query.audio is not None
        line = read_audio(tmp_path / query.audio)
        assert len(line) / 16_000 == pytest.approx(query.duration, abs=0.001)
        begin = round(query.time * 16_000)
        piece = heard[begin : begin + len(line)]
        assert len(piece) == len(line)
        assert np.abs(piece - line).max() < 0.01  # the video itself is silent there
    again, _ = built(rows, videos, tmp_path, SkipLog(), spoken=True, negatives=0)
    assert again == samples
    others, _ = built(rows, videos, tmp_path, SkipLog(), spoken=True, negatives=0, seed=1)
    assert others != samples


def test_the_report_counts_and_shows_the_samples(tmp_path: Path, videos: VideoFolder) -> None:
    rows: list[Row] = [alert(str(number)) for number in range(12)]
    rows.append(narration((1, 3, "First.")))
    samples, report = built(rows, videos, tmp_path, SkipLog(), negatives=0)
    values = json.loads(json.dumps(report.to_json()))
    assert values["samples"] == {"alert": 12, "narration": 1}
    assert values["positive_units"] == {"alert": 24, "narration": 1}
    assert values["labelled_units"]["narration"] == 2
    assert 120 <= values["labelled_units"]["alert"] <= 132
    assert values["videos"] == 2
    assert sum(values["lengths_seconds"].values()) == 13
    assert len(report.chosen) == 10
    assert "12; 24 positive units" in report.describe()
    sheet = tmp_path / "sheet.png"
    draw_contact_sheet([*report.chosen[:2], samples[-1]], tmp_path, sheet)
    assert sheet.stat().st_size > 10_000


def test_a_name_that_leads_out_of_the_folder_finds_nothing(videos: VideoFolder) -> None:
    for name in ("../../etc/passwd", "/etc/passwd", "..", "", ".mp4"):
        assert videos.find(name) is None
    for name in ("one", "one.mp4", "./one.mp4", "videos/one.mp4", "one.avi", "deep/two.mkv", "two"):
        assert videos.find(name) is not None
