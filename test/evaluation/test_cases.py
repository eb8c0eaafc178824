from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from roma_ros.evaluation import cases as showings_module
from roma_ros.evaluation.cases import Case, CaseKind, modality, schedule
from roma_ros.evaluation.errors import EvaluationError
from roma_ros.evaluation.protocol import Protocol, TriggerSettings
from roma_ros.world import TEST_VOICES, AlertKind, Scene, Split, Task, Touch
from roma_ros.world import Sound as Heard

from ..world.by_hand import BLUE_SQUARE, RED_CIRCLE, figure, scene, sound

PROTOCOL = Protocol(streams=6, seconds=8, alerts_per_world=2, questions_per_world=3)


@pytest.fixture(scope="module")
def cases() -> dict[CaseKind, list[Case]]:
    found: dict[CaseKind, list[Case]] = {kind: [] for kind in CaseKind}
    for kind, number in schedule(PROTOCOL):
        found[kind].append(Case.of(kind, number, PROTOCOL))
    return found


def test_all_worlds_are_tests_and_no_two_are_the_same(
    cases: dict[CaseKind, list[Case]],
) -> None:
    for shown in cases.values():
        seeds = [case.scene.seed for case in shown]
        assert len(set(seeds)) == len(seeds) == 6
        assert {Split.of(seed) for seed in seeds} == {Split.TEST}


def test_there_are_enough_streams_of_each_task(cases: dict[CaseKind, list[Case]]) -> None:
    for case in cases[CaseKind.CROWD]:
        tasks = [exercise.task for exercise in case.exercises]
        assert {Task.ALERT, Task.QUESTION} == set(tasks)
        assert all(exercise.line is None for exercise in case.exercises)
        assert {exercise.scene for exercise in case.exercises} == {case.scene}
    assert all(s.exercises[0].task is Task.NARRATION for s in cases[CaseKind.NARRATION])


def test_voices_are_the_tests(cases: dict[CaseKind, list[Case]]) -> None:
    for kind in (CaseKind.SPOKEN_ALERT, CaseKind.SPOKEN_QUESTION):
        for case in cases[kind]:
            (exercise,) = case.exercises
            assert exercise.line is not None
            assert exercise.scene.speech == (exercise.line,)
            assert exercise.line.voice.name in TEST_VOICES


def test_another_seed_shows_other_worlds() -> None:
    later = Protocol(streams=6, seconds=8, seed=1)
    (_, number), *_ = islice(schedule(later), 1)
    assert Case.of(CaseKind.NARRATION, number, later).scene.seed == Split.TEST.seed(1)


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
    shown = [Case.of(CaseKind.NARRATION, number, PROTOCOL) for number in range(6)]
    worlds = [case.scene.seed - Split.TEST.seed(0) for case in shown]
    assert worlds == [0, 1, 8, 3, 4, 5]
    monkeypatch.setattr(showings_module, "_exercises", lambda *_: ())
    with pytest.raises(EvaluationError, match="expected longer worlds"):
        Case.of(CaseKind.CROWD, 0, PROTOCOL)


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
        AlertKind.SIGHT: [],
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
