"""What the demo asks for, against the annotations of its own scene."""

from __future__ import annotations

from itertools import pairwise

import pytest

from roma_ros.demo.demo import SEED, UNITS
from roma_ros.demo.plan import NARRATION, NEAR_MISS, TAIL, PlanError, make_plan
from roma_ros.world import Split, annotate, draw_alerts

SEEDS = [SEED, *map(Split.TEST.seed, range(40, 52))]


def test_the_published_seed_is_a_test_world_with_all_that_the_demo_shows():
    plan = make_plan(SEED, UNITS)
    assert Split.of(SEED) is Split.TEST
    assert plan.watches == ("visual", "audio", "joint", NEAR_MISS, NARRATION)
    assert len(plan.questions) == 3
    assert sum(segment.end < UNITS for segment in plan.segments) >= 5
    assert len({figure.look for figure in plan.scene.figures}) >= 3
    assert plan.scene.touches


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_is_what_the_annotations_say(seed):
    plan = make_plan(seed, UNITS)
    truth = annotate(plan.scene)
    assert plan.scene.seconds == UNITS + TAIL
    assert [(s.end, s.text) for s in plan.segments] == [
        (s["end_unit"], s["text"]) for s in truth["segments"]
    ]
    labels = {alert.instruction: alert.labels for alert in draw_alerts(plan.scene, 24)}
    for alert in plan.alerts:
        if alert.instruction in labels:
            wanted = labels[alert.instruction][:UNITS].tolist()
            spoken = [plan.should_trigger(alert.name, unit) for unit in range(UNITS)]
            assert spoken == wanted
        assert bool(alert.windows) == (alert.name != NEAR_MISS)


@pytest.mark.parametrize("seed", SEEDS)
def test_questions_come_one_after_another_and_leave_time_to_answer(seed):
    questions = make_plan(seed, UNITS).questions
    for before, after in pairwise(questions):
        assert before.latest < after.unit
    assert all(question.unit < question.latest < UNITS for question in questions)


def test_a_stream_in_which_nothing_happens_is_refused():
    with pytest.raises(PlanError, match="choose another"):
        make_plan(SEED, 1)
