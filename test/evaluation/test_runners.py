"""What is measured is what the product does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from roma_ros.evaluation.cases import Case, CaseKind
from roma_ros.evaluation.errors import EvaluationError
from roma_ros.evaluation.protocol import Protocol, TriggerSettings
from roma_ros.evaluation.runners import AlertRunner, run_case
from roma_ros.thinker import RomaThinker
from roma_ros.world import WorldAlert, WorldQuestion, WorldRenderer

PROTOCOL = Protocol(streams=1, seconds=5, alerts_per_world=2, questions_per_world=2)


@pytest.mark.slow
def test_alerts_and_answers_are_those_of_sessions_by_themselves(tiny: RomaThinker) -> None:
    case = Case.of(CaseKind.CROWD, 0, PROTOCOL)
    outcomes = run_case(tiny, case, PROTOCOL.triggers)
    units = list(WorldRenderer(case.scene))
    alerts = [e for e in case.exercises if isinstance(e.subject, WorldAlert)]
    for exercise, outcome in zip(alerts, outcomes.alerts, strict=True):
        with tiny.open_session(exercise.text) as session:
            alone = [session.step(unit).p_speak for unit in units]
        np.testing.assert_allclose(outcome.p_speak, alone, atol=1e-5)
        np.testing.assert_array_equal(outcome.labels, exercise.labels)
        assert (outcome.step_seconds > 0).all()
        assert not outcome.spoken
    questions = [e.subject for e in case.exercises if isinstance(e.subject, WorldQuestion)]
    assert len(outcomes.answers) == len(questions) == 2
    with tiny.open_session() as session:
        for unit in units:
            session.step(unit)
            for question in [q for q in questions if q.unit == unit.index]:
                with session.branch() as branch:
                    got = branch.answer(question.text).strip()
                (answered,) = [a for a in outcomes.answers if a.question == question.text]
                assert (answered.got, answered.right) == (got, question.answer)


def test_a_spoken_alert_is_heard_without_a_text(tiny: RomaThinker) -> None:
    case = Case.of(CaseKind.SPOKEN_ALERT, 0, PROTOCOL)
    (outcome,) = run_case(tiny, case, PROTOCOL.triggers).alerts
    assert outcome.spoken
    assert len(outcome.p_speak) == case.scene.seconds > 5
    with tiny.open_session() as session:
        first = session.step(WorldRenderer(case.scene).unit(0)).p_speak
    assert outcome.p_speak[0] == pytest.approx(first, abs=1e-5)


@pytest.mark.parametrize(("kind", "window"), [(CaseKind.CROWD, 3), (CaseKind.SPOKEN_ALERT, 0)])
def test_the_window_is_the_checkpoints_unless_the_instruction_is_in_the_stream(
    puppet, kind: CaseKind, window: int
) -> None:
    puppet.thinker.config = replace(puppet.thinker.config, trained_context_seconds=3)
    case = Case.of(kind, 0, PROTOCOL)
    exercise = case.exercises[0]
    assert isinstance(exercise.subject, WorldAlert)
    runner = AlertRunner(puppet.thinker, exercise, exercise.subject, PROTOCOL.triggers)
    assert runner.session.window == (window or case.scene.seconds)
    runner.close()


def test_a_spoken_question_is_answered_after_its_last_unit(puppet) -> None:
    puppet.says("b")
    case = Case.of(CaseKind.SPOKEN_QUESTION, 0, PROTOCOL)
    (outcome,) = run_case(puppet.thinker, case, PROTOCOL.triggers).answers
    assert outcome.spoken
    assert outcome.got == "b" * 25  # the budget of a unit
    (exercise,) = case.exercises
    assert (outcome.question, outcome.right) == (exercise.text, exercise.replies[0].text)


def test_a_narration_speaks_where_it_triggers(puppet) -> None:
    case = Case.of(CaseKind.NARRATION, 0, PROTOCOL)
    puppet.wants(0.9)
    puppet.falls_silent()
    (loud,) = run_case(puppet.thinker, case, PROTOCOL.triggers).narrations
    assert [(saying.unit, saying.text) for saying in loud.published] == [(n, "") for n in range(5)]
    (quiet,) = run_case(puppet.thinker, case, TriggerSettings(narration_threshold=0.95)).narrations
    assert quiet.published == ()
    assert quiet.due == loud.due
    assert quiet.labels.sum() == len(quiet.due)


@pytest.mark.slow
def test_a_sentence_without_end_is_cut_by_the_next_and_told_as_far_as_it_came(puppet) -> None:
    case = Case.of(CaseKind.NARRATION, 0, PROTOCOL)
    puppet.wants(0.9)
    (outcome,) = run_case(puppet.thinker, case, PROTOCOL.triggers).narrations
    assert [saying.text for saying in outcome.published] == ["a" * 25] * 5


def test_a_checkpoint_without_a_speak_head_is_refused(puppet) -> None:
    puppet.thinker.speak_head = None
    case = Case.of(CaseKind.NARRATION, 0, PROTOCOL)
    with pytest.raises(EvaluationError, match="no speak head"):
        run_case(puppet.thinker, case, PROTOCOL.triggers)
