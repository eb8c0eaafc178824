from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from roma_ros.data import (
    Sample,
    SampleError,
    SampleIndex,
    SampleQuery,
    SkipLog,
    Task,
    exercise_sample,
    iterate_samples,
    read_samples,
    write_samples,
)
from roma_ros.world import alert_exercises, narration_exercise, question_exercises

RELEASED = {  # in the form that the public release has: an alert on one video file
    "task": "proactive_gate",
    "id": "17",
    "ans": [{"text": "alert", "time": 4.0}, {"text": "alert", "time": 5.0}],
    "query": [
        {
            "text": "<video>Tell me when the cup falls.",
            "audio": "spoken/17.wav",
            "time": 0.0,
            "duration": 1.9,
        }
    ],
    "videos": [["clips/cup falls.mp4"]],
    "images": [],
}
FRAMES = {  # a narration on frames at 2 fps, with a past that has no time
    "task": "narration",
    "id": "a_3",
    "videos": [["f/1.jpg", "f/2.jpg", "f/3.jpg"]],
    "images": [],
    "ans": [
        {"text": "before", "time": None},
        {"text": "first", "time": 1.5},
        {"text": "second", "time": 0},
    ],
    "query": [{"text": "<video>Describe.", "audio": None, "time": 0, "duration": 0}],
}


def test_an_alert_of_the_release_is_due_in_the_unit_that_ends_at_its_time() -> None:
    sample = Sample.from_json(RELEASED)
    assert sample.task is Task.ALERT
    assert sample.video == ("clips/cup falls.mp4",)
    assert sample.queries[0].text == "Tell me when the cup falls."
    assert sample.queries[0].audio == "spoken/17.wav"
    assert np.flatnonzero(sample.labels(8)).tolist() == [3, 4]
    assert np.flatnonzero(sample.labels(4)).tolist() == [3]
    assert sample.to_json() == RELEASED


def test_answers_may_have_no_time_and_times_are_rounded_up() -> None:
    sample = Sample.from_json(FRAMES)
    assert [answer.unit for answer in sample.answers] == [None, 1, 0]
    assert len(sample.video) == 3
    assert sample.queries[0].audio is None


def test_samples_come_back_from_a_file_as_they_were(tmp_path: Path) -> None:
    exercises = [
        *alert_exercises(3, 12, 2),
        *alert_exercises(4, 8, 1, spoken=True),
        narration_exercise(5, 20),
        *question_exercises(6, 12, 2, spoken=True),
    ]
    samples = [exercise_sample(e, f"{e.id}.mp4", "line.wav" if e.line else None) for e in exercises]
    write_samples(tmp_path / "samples.json", samples)
    assert read_samples(tmp_path / "samples.json") == samples
    for exercise, sample in zip(exercises, samples, strict=True):
        np.testing.assert_array_equal(sample.labels(exercise.scene.seconds), exercise.labels)
        assert sample.task is exercise.task
    assert json.loads((tmp_path / "samples.json").read_text())[0]["query"][0]["text"].startswith(
        "<video>"
    )


def test_a_question_as_text_is_asked_and_answered_after_its_unit() -> None:
    (exercise,) = question_exercises(6, 12, 1)
    sample = exercise_sample(exercise, "v.mp4", None)
    due = exercise.replies[0].unit + 1.0
    assert sample.queries[0].time == sample.answers[0].time == due
    assert sample.answers[0].unit == exercise.replies[0].unit


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "dance"}, "sample: task is 'dance'; expected 'proactive_gate' or"),
        ({"id": None}, "sample: id is None; expected text or a whole number"),
        ({"videos": []}, "expected one list of paths"),
        ({"videos": [["a.mp4"], ["b.mp4"]]}, "expected one list of paths"),
        ({"videos": [[3]]}, "expected one list of paths, without"),
        ({"images": ["a.png"]}, "only videos can be used"),
        ({"id": "\ud800"}, "half of a surrogate pair"),
        ({"ans": [{"text": "x", "time": 1e300}]}, "expected seconds from 0 to 10,000,000"),
        ({"query": []}, "sample: query is \\[\\]; expected an instruction"),
        (
            {"query": [{"text": "x", "audio": None, "time": -1, "duration": 0}]},
            r"query\[0\].time is -1; expected sec",
        ),
        ({"query": [{"text": 5}]}, r"sample: query\[0\].text is 5; expected text"),
        ({"query": [{"text": "x", "audio": 1}]}, "audio is 1; expected text or null"),
        ({"ans": [{"text": "x", "time": "soon"}]}, r"sample: ans\[0\].time is 'soon'"),
        ({"ans": [{"text": "x", "time": float("nan")}]}, "time is nan"),
        ({"ans": "alert"}, "sample: ans is 'alert'; expected a list"),
        ({"ans": [7]}, r"sample: ans\[0\] is 7; expected an object"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SampleError, match=message):
        Sample.from_json({**RELEASED, **change})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read: No such file"),
        ("", "has no row"),
        ("[]", "has no row"),
        ("{", "row 1 is not JSON"),
        ('{"task": "narration"}', "row 1: videos is missing; expected a list"),
        ("[3]", r"samples.json, row 1 is 3; expected an object"),
        ("[{}, {}", "row 1: videos is missing"),
        ('[{"id": 1, "id": 2}]', "row 1 is not JSON: the key 'id' stands twice"),
        ("[NaN]", "NaN is no number"),
        ("[" * 100_000, "nested too deeply"),
        ('[{"id": "a', "row 1 is not JSON: the file ends within it"),
    ],
)
def test_a_file_that_holds_no_samples_is_refused(
    tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "samples.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SampleError, match=message):
        read_samples(path)


def sample_named(name: str, text: str = "Describe.") -> Sample:
    return replace(Sample.from_json({**RELEASED, "id": name}), queries=(query(text),))


def query(text: str) -> SampleQuery:
    return SampleQuery(text=text, audio=None, time=0.1, duration=2.0)


@pytest.mark.parametrize("name", ["s.json", "s.jsonl", "S.JSONL"])
def test_the_round_trip_is_exact(tmp_path: Path, name: str) -> None:
    texts = [
        "plain",
        "<video>marked",
        "ünï\u2028códe 猫",
        'quo"te\\',
        "line\nbreak",
        "<video><video>",
    ]
    samples = [sample_named(f"{index}", text) for index, text in enumerate(texts)]
    samples.append(replace(samples[0], id="two", queries=(query("a"), query("<video>b"))))
    path = tmp_path / name
    assert write_samples(path, samples) == len(samples)
    assert read_samples(path) == samples
    first = path.read_bytes()
    write_samples(path, read_samples(path))
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_samples_are_read_by_number_without_the_others(tmp_path: Path, suffix: str) -> None:
    samples = [sample_named(f"ü{index}", "x" * (index * 700 % 90_000)) for index in range(300)]
    path = tmp_path / f"s{suffix}"
    write_samples(path, samples)
    index = SampleIndex(path)
    assert len(index) == 300
    assert [index[number] for number in (0, 299, -1, 150)] == [
        samples[number] for number in (0, 299, -1, 150)
    ]
    assert index[10:13] == samples[10:13]
    assert list(index) == samples
    with pytest.raises(IndexError):
        index[300]
    path.write_text("[]")
    with pytest.raises(SampleError, match="sample 5 is not JSON"):
        index[5]


def test_reading_takes_no_more_memory_for_a_longer_file(tmp_path: Path) -> None:
    peaks = []
    for suffix in (".json", ".jsonl"):
        for count in (300, 6_000):
            path = tmp_path / f"{count}{suffix}"
            write_samples(path, (sample_named(str(n), "word " * 200) for n in range(count)))
            tracemalloc.start()
            assert sum(1 for _ in iterate_samples(path)) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    for short, long in zip(peaks[::2], peaks[1::2], strict=True):
        assert long < short + 1_500_000  # 6 MB of text; the hashes of the ids take 0.5 MB


def test_invalid_rows_are_skipped_named_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = [json.dumps(sample_named(str(number)).to_json()) for number in range(3)]
    lines = [good[0], "", "{broken", '{"id": "x"}', good[0], good[1], "[1]", good[2]]
    path = tmp_path / "s.jsonl"
    path.write_text("\n".join(lines))
    log = SkipLog()
    assert [sample.id for sample in iterate_samples(path, log)] == ["0", "1", "2"]
    assert log.summary() == "3 kept, 4 skipped (invalid: 3, id twice: 1)"
    for text in ("row 3 is not JSON", "row 4: videos is missing", "row 5: id '0' stands twice"):
        assert text in caplog.text
    with pytest.raises(SampleError, match="row 3 is not JSON"):
        list(iterate_samples(path, SkipLog(strict=True)))


def test_rows_split_by_the_pieces_that_are_read_are_whole(tmp_path: Path) -> None:
    samples = [sample_named(str(n), "é" * (65_530 + n)) for n in range(12)]
    path = tmp_path / "s.json"
    write_samples(path, samples)
    assert list(iterate_samples(path)) == samples


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    for suffix in (".json", ".jsonl"):
        path = tmp_path / f"s{suffix}"
        write_samples(path, [sample_named("a"), sample_named("b")])
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert [sample.id for sample in SampleIndex(path)] == ["a", "b"]


def test_a_thousand_damaged_files_give_a_message_with_the_row(tmp_path: Path) -> None:
    random = Random(5)
    samples = [sample_named(str(n), "Tell me when it starts.") for n in range(4)]
    path = tmp_path / "s"
    whole = []
    for suffix in (".json", ".jsonl"):
        write_samples(path.with_suffix(suffix), samples)
        whole.append(path.with_suffix(suffix).read_bytes())
    refused = 0
    for number in range(1_000):
        data = bytearray(whole[number % 2])
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(data))
            kind = random.randrange(4)
            if kind == 0:
                data[at] = random.randrange(256)
            elif kind == 1:
                del data[at : at + random.randint(1, 40)]
            elif kind == 2:
                data[at:at] = random.choice((b'"', b"{", b"]", b"null", b"1e999", b"\\ud800", b","))
            else:
                del data[at:]
            if not data:
                break
        path.write_bytes(data)
        log = SkipLog()
        try:
            read = list(iterate_samples(path, log))
        except SampleError as error:
            assert str(path) in str(error)  # noqa: PT017
            assert "row" in str(error)  # noqa: PT017
            refused += 1
        else:
            write_samples(tmp_path / "again", read)
            assert read_samples(tmp_path / "again") == read if read else True
            refused += bool(log.skipped)
    assert refused > 500
