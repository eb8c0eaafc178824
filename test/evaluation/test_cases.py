from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from roma_ros.evaluation import cases as showings_module
from roma_ros.evaluation.cases import Programme, Showing, modality, programme
from roma_ros.evaluation.errors import EvaluationError
from roma_ros.evaluation.protocol import Protocol, TriggerSettings
from roma_ros.world import TEST_VOICES, AlertKind, Scene, Split, Task, Touch
from roma_ros.world import Sound as Heard

from ..world.by_hand import BLUE_SQUARE, RED_CIRCLE, figure, scene, sound

PROTOCOL = Protocol(streams=6, seconds=8, alerts_per_world=2, questions_per_world=3)


@pytest.fixture(scope="module")
def showings() -> dict[Programme, list[Showing]]:
    found: dict[Programme, list[Showing]] = {kind: [] for kind in Programme}
    for kind, number in programme(PROTOCOL):
        found[kind].append(Showing.of(kind, number, PROTOCOL))
    return found


def test_all_worlds_are_tests_and_no_two_are_the_same(
    showings: dict[Programme, list[Showing]],
) -> None:
    for shown in showings.values():
        seeds = [showing.scene.seed for showing in shown]
        assert len(set(seeds)) == len(seeds) == 6
        assert {Split.of(seed) for seed in seeds} == {Split.TEST}


def test_there_are_enough_streams_of_each_task(showings: dict[Programme, list[Showing]]) -> None:
    for showing in showings[Programme.CROWD]:
        tasks = [exercise.task for exercise in showing.exercises]
        assert {Task.ALERT, Task.QUESTION} == set(tasks)
        assert all(exercise.line is None for exercise in showing.exercises)
        assert {exercise.scene for exercise in showing.exercises} == {showing.scene}
    assert all(s.exercises[0].task is Task.NARRATION for s in showings[Programme.NARRATION])


def test_voices_are_the_tests(showings: dict[Programme, list[Showing]]) -> None:
    for kind in (Programme.SPOKEN_ALERT, Programme.SPOKEN_QUESTION):
        for showing in showings[kind]:
            (exercise,) = showing.exercises
            assert exercise.line is not None
            assert exercise.scene.speech == (exercise.line,)
            assert exercise.line.voice.name in TEST_VOICES


def test_another_seed_shows_other_worlds() -> None:
    later = Protocol(streams=6, seconds=8, seed=1)
    (_, number), *_ = islice(programme(later), 1)
    assert Showing.of(Programme.NARRATION, number, later).scene.seed == Split.TEST.seed(1)


def test_a_world_with_nothing_to_ask_is_replaced_by_one_of_nobody_elses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty = Split.TEST.seed(2)
    drawn = showings_module._exercises
    monkeypatch.setattr(
        showings_module,
        "_exercises",
        lambda kind, seed, protocol: () if seed == empty else drawn(kind, seed, protocol),
    )
    shown = [Showing.of(Programme.NARRATION, number, PROTOCOL) for number in range(6)]
    worlds = [showing.scene.seed - Split.TEST.seed(0) for showing in shown]
    assert worlds == [0, 1, 8, 3, 4, 5]
    monkeypatch.setattr(showings_module, "_exercises", lambda *_: ())
    with pytest.raises(EvaluationError, match="expected longer worlds"):
        Showing.of(Programme.CROWD, 0, PROTOCOL)


def test_what_the_oracle_knows() -> None:
    busy: Scene = scene(
        12,
        figures=(figure(RED_CIRCLE, 1.1, 5.4), figure(BLUE_SQUARE, 2.6, 7.4)),
        touches=(Touch(mover=BLUE_SQUARE, other=RED_CIRCLE, begins=4.3, ends=5.2),),
        sounds=(sound(Heard.BEEP, 3.2, 0.3), sound(Heard.TONE, 8.3, 2.0)),
    )
    there = {kind: np.flatnonzero(modality(kind, busy)).tolist() for kind in AlertKind}
    assert there == {
        AlertKind.VISUAL: [1, 2, 3, 4, 5, 6, 7],
        AlertKind.TOUCH: [4, 5],
        AlertKind.AUDIO: [3, 8, 9, 10],
        AlertKind.JOINT: [3],
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Protocol(streams=0), "streams is 0; expected 1"),
        (lambda: Protocol(seconds=3), "seconds is 3"),
        (lambda: Protocol(seed=-1), "seed is -1"),
        (lambda: TriggerSettings(threshold=0), "threshold is 0"),
        (lambda: TriggerSettings(window=61), "window is 61"),
        (lambda: TriggerSettings(narration_threshold=1.5), "narration_threshold is 1.5"),
    ],
)
def test_a_protocol_out_of_range_is_named(make, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        make()
