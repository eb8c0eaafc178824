from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roma_ros.data import (
    Sample,
    SampleError,
    Task,
    exercise_sample,
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
        ({"task": "dance"}, "sample.task is 'dance'; expected 'proactive_gate' or"),
        ({"id": None}, "sample.id is None"),
        ({"videos": []}, "expected one list of paths"),
        ({"videos": [["a.mp4"], ["b.mp4"]]}, "expected one list of paths"),
        ({"videos": [[3]]}, "something other than paths"),
        ({"query": []}, "sample.query is empty"),
        ({"query": [{"text": "x", "audio": None, "time": -1, "duration": 0}]}, r"\[0\].time is -1"),
        ({"query": [{"text": 5}]}, r"sample.query\[0\].text is 5; expected str"),
        ({"query": [{"text": "x", "audio": 1}]}, "audio is 1; expected str or null"),
        ({"ans": [{"text": "x", "time": "soon"}]}, r"sample.ans\[0\].time is 'soon'"),
        ({"ans": [{"text": "x", "time": float("nan")}]}, "time is nan"),
        ({"ans": "alert"}, "sample.ans is 'alert'; expected list"),
        ({"ans": [7]}, r"sample.ans\[0\] is 7; expected an object"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SampleError, match=message):
        Sample.from_json({**RELEASED, **change})


def test_a_file_that_holds_no_samples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "samples.json"
    with pytest.raises(SampleError, match="cannot be read"):
        read_samples(path)
    path.write_text("{")
    with pytest.raises(SampleError, match="as JSON"):
        read_samples(path)
    path.write_text('{"task": "narration"}')
    with pytest.raises(SampleError, match="expected a list of samples"):
        read_samples(path)
    path.write_text("[3]")
    with pytest.raises(SampleError, match=r"samples.json\[0\] is 3"):
        read_samples(path)
