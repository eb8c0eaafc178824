"""Mixture of files of samples and worlds: order, skipped samples, class weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roma_ros.data import (
    DataError,
    Sample,
    SampleAnswer,
    SampleError,
    SampleQuery,
    Task,
    export_exercises,
    read_samples,
    write_samples,
)
from roma_ros.training.curriculum import Lesson, Lessons, Mix
from roma_ros.training.mixture import LabelCounts, Mixture, SampleFile
from roma_ros.training.sample_dataset import SampleWeights
from roma_ros.world import alert_exercises, narration_exercise


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    exercises = [*alert_exercises(3, 6, 2), *alert_exercises(4, 4, 2), narration_exercise(5, 8)]
    export_exercises(folder, exercises, height=56, width=56)
    return folder / "samples.json"


def with_samples(file: Path, name: str, samples: list[Sample]) -> Path:
    path = file.parent / name
    write_samples(path, samples)
    return path


def prepared(path: Path, strict: bool = False) -> SampleFile:
    usable = SampleFile(path, strict=strict)
    usable.prepare(weights=SampleWeights(2.0, 3.0), cache=None, augmentation=None, seed=0)
    return usable


LESSONS = Lessons([Lesson(Mix(alerts=1), 20)])


def order(mixture: Mixture) -> list[tuple[int, int, int]]:
    return list(mixture._order)


def test_each_pass_has_every_sample_once_and_worlds_stay_in_order(file: Path) -> None:
    samples = SampleFile(file)
    mixture = Mixture([(samples, 2.4)], LESSONS, 0.5, seed=1)
    assert len(mixture) == 12 + 10  # of 5 samples 2.4 times, and half of the worlds
    turns = Counter((place, turn) for source, place, turn in order(mixture) if source == 0)
    assert set(turns.values()) == {1}
    assert Counter(turn for _, turn in turns) == {0: 5, 1: 5, 2: 2}
    assert [place for source, place, _ in order(mixture) if source < 0] == list(range(10))
    assert order(mixture) == order(Mixture([(samples, 2.4)], LESSONS, 0.5, seed=1))
    assert order(mixture) != order(Mixture([(samples, 2.4)], LESSONS, 0.5, seed=2))


def test_samples_of_about_one_length_stand_together(file: Path) -> None:
    samples = SampleFile(file)
    samples.lengths = np.random.default_rng(0).integers(5, 300, 128)
    samples.usable = np.arange(128)
    lengths = [int(samples.lengths[place]) for _, place, _ in order(Mixture([(samples, 1.0)]))]
    spreads = [np.ptp(lengths[at : at + 8]) for at in range(0, 128, 8)]
    assert np.mean(spreads) < 60 < np.ptp(lengths) / 4


def test_labels_are_counted_and_give_the_weights(file: Path) -> None:
    samples = SampleFile(file)
    due = [len({answer.unit for answer in s.answers}) for s in read_samples(file)]
    assert samples.labels.positive == {Task.ALERT: sum(due[:4]), Task.NARRATION: due[4]}
    assert samples.labels.negative[Task.ALERT] == sum(samples.lengths[:4]) - sum(due[:4])
    counts = LabelCounts({Task.ALERT: 10, Task.NARRATION: 1}, {Task.ALERT: 25, Task.NARRATION: 99})
    assert counts.weights() == SampleWeights(alert=2.5, narration=10.0)
    assert LabelCounts({}, {}).weights() == SampleWeights(1.0, 1.0)
    assert str(counts).startswith("alert: 10 positive and 25 negative units")
    assert (counts + counts).positive[Task.ALERT] == 20


def test_samples_that_cannot_be_used_are_skipped_and_counted(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, *_ = read_samples(file)
    gone = replace(good, id="gone", video=("gone.mp4",))
    ask = SampleQuery(text="Who?", audio=None, time=0.0, duration=0.0)
    untimed = replace(
        good, id="u", task=Task.QUESTION, queries=(ask,), answers=(SampleAnswer("me", None),)
    )
    path = with_samples(file, "some.jsonl", [gone, good, untimed])
    samples = SampleFile(path)
    assert samples.usable.tolist() == [1]
    assert samples.log.summary() == "1 kept, 2 skipped (no video: 1, no timed answer: 1)"
    assert "sample gone: " in caplog.text
    with pytest.raises(SampleError, match=r"sample gone: .*gone\.mp4 does not exist"):
        SampleFile(path, strict=True)
    with pytest.raises(DataError, match="no usable sample: 0 kept, 1 skipped"):
        SampleFile(with_samples(file, "none.jsonl", [gone]))


def test_a_damaged_video_gives_its_place_to_the_next_sample(file: Path) -> None:
    good, *_ = read_samples(file)
    video = (file.parent / good.video[0]).read_bytes()
    (file.parent / "cut.mp4").write_bytes(video)
    path = with_samples(file, "cut.jsonl", [replace(good, id="cut", video=("cut.mp4",)), good])
    samples, strict = prepared(path), prepared(path, strict=True)
    (file.parent / "cut.mp4").write_bytes(b"junk")  # after its header was read
    (example,) = samples.example(0, 0)
    assert example.weight == 2.0
    assert len(example.units) == 6
    assert samples.log.summary() == "1 kept, 1 skipped (damaged: 1)"
    samples.example(0, 1)
    assert samples.log.skipped["damaged"] == 1
    with pytest.raises(DataError, match="sample 0: "):
        strict.example(0, 0)


def test_worlds_and_samples_come_from_one_dataset(file: Path) -> None:
    mixture = Mixture([(prepared(file), 1.0)], Lessons([Lesson(Mix(alerts=1), 2)]))
    for index, (source, _, _) in enumerate(order(mixture)):
        examples = mixture[index]
        assert len(examples) == 1 or source < 0
    with pytest.raises(ValueError, match="raise its weights"):
        Mixture([(SampleFile(file), 0.01)])
