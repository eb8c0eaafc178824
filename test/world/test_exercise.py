from __future__ import annotations

import numpy as np
import pytest

from roma_ros.world import (
    NARRATION_INSTRUCTION,
    TEST_VOICES,
    TRAIN_VOICES,
    VALIDATION_VOICES,
    Exercise,
    Senses,
    Split,
    Task,
    TimedText,
    WorldAlert,
    WorldQuestion,
    alert_exercises,
    narration_exercise,
    question_exercises,
    say,
)
from roma_ros.world.questions import asked_again

SEEDS = range(12)


def spoken_until(exercise: Exercise) -> float:
    assert exercise.line is not None
    return exercise.line.onset + len(say(exercise.line.text, exercise.line.voice)) / 16_000


def test_alerts_as_text_share_their_scene() -> None:
    exercises = alert_exercises(3, 20, 4)
    assert len(exercises) == 4
    assert len({exercise.id for exercise in exercises}) == 4
    for exercise in exercises:
        assert exercise.task is Task.ALERT
        assert exercise.scene == exercises[0].scene
        assert exercise.scene.speech == ()
        assert exercise.labels.shape == (20,)
        assert exercise.text.startswith("alert me ")


def test_an_alert_is_put_in_words_at_the_beginning_of_each_window() -> None:
    replies = [e for seed in SEEDS for e in alert_exercises(seed, 20, 4) if e.replies]
    assert replies
    for exercise in replies:
        assert isinstance(exercise.subject, WorldAlert)
        for reply, window in zip(exercise.replies, exercise.subject.windows, strict=True):
            assert reply == TimedText(window.first, exercise.subject.event.report)
            assert exercise.labels[window.first : window.last + 1].all()


def test_nothing_happens_before_a_spoken_instruction_is_over() -> None:
    for seed in SEEDS:
        for exercise in alert_exercises(seed, 12, 2, spoken=True):
            assert exercise.line is not None
            assert exercise.scene.speech == (exercise.line,)
            end = spoken_until(exercise)
            assert exercise.scene.seconds == 12 + np.ceil(end + 0.1)
            assert not exercise.labels[: int(end)].any()
            assert all(event.onset > end for event in exercise.scene.sounds)
            assert isinstance(exercise.subject, WorldAlert)
            happens = exercise.subject.event.happens(Senses(exercise.scene))
            np.testing.assert_array_equal(exercise.labels, happens)
            text = [e.labels for e in alert_exercises(seed, 12, 2) if e.text == exercise.text]
            np.testing.assert_array_equal(text[0], exercise.labels[-12:])


def test_a_narration_speaks_at_the_ends_of_its_segments() -> None:
    exercise = narration_exercise(5, 30)
    assert exercise.task is Task.NARRATION
    assert exercise.text == NARRATION_INSTRUCTION
    assert isinstance(exercise.subject, tuple)
    assert [r.unit for r in exercise.replies] == [segment.end for segment in exercise.subject]
    assert np.flatnonzero(exercise.labels).tolist() == [r.unit for r in exercise.replies]
    later = narration_exercise(5, 30, spoken=True)
    shift = later.scene.seconds - 30
    assert [r.unit - shift for r in later.replies] == [r.unit for r in exercise.replies]


def test_a_question_as_text_looks_back_from_any_time_of_the_scene() -> None:
    exercises = question_exercises(4, 20, 6)
    assert len(exercises) == 6
    for exercise in exercises:
        assert exercise.task is Task.QUESTION
        assert isinstance(exercise.subject, WorldQuestion)
        assert exercise.replies == (TimedText(exercise.subject.unit, exercise.subject.answer),)
        assert exercise.scene.seconds == 20


def test_a_spoken_question_is_over_when_its_answer_is_due_and_nothing_else_sounds() -> None:
    found = 0
    for seed in SEEDS:
        for exercise in question_exercises(seed, 20, 4, spoken=True):
            found += 1
            assert exercise.line is not None
            assert isinstance(exercise.subject, WorldQuestion)
            due = exercise.subject.unit + 1
            assert exercise.scene.seconds == due
            assert due - 0.2 < spoken_until(exercise) < due
            for event in exercise.scene.sounds:
                assert event.end <= exercise.line.onset or event.onset >= due
            assert asked_again(exercise.subject, exercise.scene) == exercise.subject
    assert found > 30


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (Split.TRAIN, TRAIN_VOICES),
        (Split.VALIDATION, VALIDATION_VOICES),
        (Split.TEST, TEST_VOICES),
    ],
)
def test_voices_are_those_of_the_split(split: Split, names: tuple[str, ...]) -> None:
    used = {
        exercise.line.voice.name
        for index in range(15)
        for exercise in alert_exercises(split.seed(index), 6, 2, spoken=True)
        if exercise.line is not None
    }
    assert len(used) > 4
    assert used <= set(names)


def test_the_same_seed_gives_the_same_exercises() -> None:
    for make in (
        lambda: alert_exercises(7, 10, 3, spoken=True),
        lambda: question_exercises(7, 20, 3, spoken=True),
        lambda: (narration_exercise(7, 10, spoken=True),),
    ):
        one, other = make(), make()
        assert [e.scene for e in one] == [e.scene for e in other]
        assert [(e.id, e.text, e.replies) for e in one] == [
            (e.id, e.text, e.replies) for e in other
        ]
