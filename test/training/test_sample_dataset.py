"""Samples as training examples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roma_ros.data import (
    Augmentation,
    Sample,
    SampleAnswer,
    SampleError,
    SampleQuery,
    Task,
    export_exercises,
    read_samples,
    sample_units,
    write_samples,
)
from roma_ros.training.curriculum import Mix, exercise_example
from roma_ros.training.example import Exchange
from roma_ros.training.sample_dataset import SampleDataset, SampleWeights, sample_example
from roma_ros.units import MultimodalUnit
from roma_ros.world import (
    Exercise,
    SpeechError,
    Voice,
    alert_exercises,
    narration_exercise,
    question_exercises,
    say,
)


def units(count: int) -> list[MultimodalUnit]:
    return [
        MultimodalUnit(0, index, index * 10**9, None, np.zeros(16_000, np.float32))
        for index in range(count)
    ]


SAMPLE = Sample(
    task=Task.ALERT,
    id="a",
    video=("v.mp4",),
    queries=(SampleQuery(text="Tell me.", audio=None, time=0.0, duration=0.0),),
    answers=(SampleAnswer("alert", 2.0), SampleAnswer("alert", 3.0)),
)
SPOKEN = SampleQuery(text="Tell me.", audio="x.wav", time=0.0, duration=1.8)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Exercise]]:
    folder = tmp_path_factory.mktemp("exported")
    exercises = [
        *alert_exercises(3, 6, 2),
        narration_exercise(5, 8),
        *question_exercises(6, 5, 1),
    ]
    try:
        say("test", Voice("en"))
    except SpeechError:
        pass
    else:
        exercises += [*alert_exercises(4, 5, 1, spoken=True)]
        exercises += [*question_exercises(7, 6, 1, spoken=True)]
    export_exercises(folder, exercises, height=56, width=56)
    return folder, exercises


def test_a_world_as_files_gives_the_examples_of_the_world(
    exported: tuple[Path, list[Exercise]],
) -> None:
    folder, exercises = exported
    for sample, exercise in zip(read_samples(folder / "samples.json"), exercises, strict=True):
        example = sample_example(sample, list(sample_units(sample, folder)))
        wanted = exercise_example(exercise, Mix(alerts=1))
        assert len(example.units) == len(wanted.units) or exercise.task is Task.QUESTION
        if exercise.task is Task.QUESTION and exercise.line is None:
            (reply,) = exercise.replies
            asked = Exchange(unit=reply.unit, question=exercise.text, answer=reply.text)
            assert list(example.exchanges) == [asked]
            continue
        assert example.instruction == wanted.instruction
        assert list(example.speak) == list(wanted.speak)
        assert example.replies == wanted.replies
        assert example.weight == wanted.weight


def test_positive_units_while_the_instruction_is_spoken_have_no_label() -> None:
    assert sample_example(SAMPLE, units(4)).speak == [False, True, True, False]
    spoken = replace(SAMPLE, queries=(SPOKEN,))
    example = sample_example(spoken, units(4))
    assert example.speak == [False, None, True, False]
    assert example.instruction is None
    weighed = sample_example(SAMPLE, units(4), SampleWeights(alert=3.0))
    assert weighed.weight == 3.0


def test_written_questions_are_branches_and_spoken_ones_stay_in_the_stream() -> None:
    written = SampleQuery(text="Who?", audio=None, time=2.0, duration=0.0)
    sample = replace(SAMPLE, task=Task.QUESTION, queries=(written, replace(SPOKEN, time=2.1)))
    sample = replace(sample, answers=(SampleAnswer("me", 2.0), SampleAnswer("you", 4.0)))
    example = sample_example(sample, units(4))
    assert example.exchanges == [Exchange(unit=1, question="Who?", answer="me")]
    assert example.replies == {3: "you"}
    assert not example.speak
    with pytest.raises(SampleError, match="2 questions and 1 answers"):
        sample_example(replace(sample, answers=sample.answers[:1]), units(4))
    with pytest.raises(SampleError, match="after unit 3; its stream has 3"):
        sample_example(sample, units(3))


def test_the_dataset_reads_every_sample(exported: tuple[Path, list[Exercise]]) -> None:
    folder, exercises = exported
    data = SampleDataset(folder / "samples.json")
    assert len(data) == len(exercises)
    first, second = data[0], data[1]
    assert first[0].units is second[0].units  # one video, decoded once
    for index in range(len(data)):
        (example,) = data[index]
        assert len(example.units) >= 1
    (varied,) = SampleDataset(
        folder / "samples.json", augmentation=Augmentation(speed=(2, 2)), seed=1
    )[0]
    assert len(varied.units) == pytest.approx(len(first[0].units) / 2, abs=1)


def test_a_long_stream_is_cut_with_its_labels(exported: tuple[Path, list[Exercise]]) -> None:
    folder, _ = exported
    samples = read_samples(folder / "samples.json")
    path = folder / "cut.jsonl"
    write_samples(path, samples[2:3])
    (example,) = SampleDataset(path, max_units=4)[0]
    assert len(example.units) == 4
    assert all(unit < 4 for unit in example.replies)
