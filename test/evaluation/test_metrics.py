from __future__ import annotations

import math

import pytest

from roma_ros.evaluation.metrics import Metric, Target, answers_by_kind, compute_metrics
from roma_ros.evaluation.outcomes import Outcomes
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.evaluation.table import metrics_table
from roma_ros.world import AlertKind, QuestionKind

from .by_hand import alert, answer, narration

OUTCOMES = Outcomes(
    alerts=[
        alert(".x....", ".x....", "xx.xx."),
        alert(".x.x..", ".x.x.x", ".x.x.x", world=2, kind=AlertKind.AUDIO, recurring=True),
        alert("x.....", "x.....", "xx....", spoken=True),
    ],
    narrations=[narration({3: "a", 6: "b"}, {3: "a", 5: "c"})],
    answers=[
        answer("yes", "yes"),
        answer("yes", "no"),
        answer("no", "no"),
        answer("red", "red", QuestionKind.COLOUR_NOW),
        answer("yes", "yes", spoken=True),
    ],
)


def by_name() -> dict[str, Metric]:
    return {f.name: f for f in compute_metrics(OUTCOMES, TriggerSettings(), 16_000_000)}


def test_every_bar_has_its_figure() -> None:
    found = compute_metrics(OUTCOMES, TriggerSettings(), 16_000_000)
    targets = {
        f.name: (f.target.value, f.target.at_most, f.value, f.met) for f in found if f.target
    }
    assert targets == {
        "alert: event recall": (0.9, False, 0.75, False),
        "alert: false alarms per minute": (0.5, True, 0.0, True),
        "alert: false-alarm s per minute": (1.5, True, 0.0, True),
        # the model: 3 hits, 1 missed; the oracle: 4 hits, 3 false
        "alert: unit F1 above oracle's": (0.2, False, pytest.approx(6 / 7 - 8 / 11), False),
        "alert, recurring: recall": (0.85, False, pytest.approx(2 / 3), False),
        "alert, spoken: event recall": (0.8, False, 1.0, True),
        "narration: F1 of its times": (0.85, False, 1.0, True),
        "narration: exact text of matched": (0.8, False, 0.5, False),
        "question, text: accuracy": (0.9, False, 0.75, False),
        "question, spoken: accuracy": (0.8, False, 1.0, True),
        "real time factor": (0.15, True, pytest.approx((18 * 0.02 + 8 * 0.04) / 26), True),
        "checkpoint, MB": (25, True, 16.0, True),
    }


def test_baselines_stand_beside() -> None:
    found = by_name()
    # The oracle starts at 0 and 3 in the first stream, both outside the event.
    assert found["alert: event recall"].baselines == {"oracle": 0.75, "always": 0.0, "never": 0.0}
    assert found["alert: false alarms per minute"].baselines["oracle"] == 2 * 60 / 12
    assert found["alert: false-alarm s per minute"].baselines["always"] == 8 * 60 / 12
    assert found["narration: F1 of its times"].baselines == {"always": 4 / 10, "never": 0.0}
    assert found["narration: exact text of matched"].baselines == {"majority": 0.5}
    assert found["question, text: accuracy"].baselines == {"majority": 0.75}


def test_what_figures_stand_on() -> None:
    found = by_name()
    assert found["alert: event recall"].counts == {"streams": 2, "events": 4}
    assert found["alert: false alarms per minute"].counts == {"streams": 2, "minutes": 0.2}
    assert found["alert, recurring: recall"].counts == {"streams": 2, "events": 3}
    assert found["question, text: accuracy"].counts == {"streams": 1, "questions": 4}


def test_nan_meets_no_target() -> None:
    assert not Target(0.5).met(math.nan)
    assert not Target(0.5, at_most=True).met(math.nan)
    assert Target(0.5).met(0.5)
    assert Target(0.5, at_most=True).met(0.5)


def test_no_outcomes_are_no_figures() -> None:
    for metric in compute_metrics(Outcomes(), TriggerSettings(), 0):
        assert metric.name.startswith("checkpoint") or math.isnan(metric.value)


def test_answers_by_kind() -> None:
    colour, seen = answers_by_kind([a for a in OUTCOMES.answers if not a.spoken])
    assert (colour["kind"], colour["questions"], colour["accuracy"]) == ("colour_now", 1, 1.0)
    assert (seen["kind"], seen["accuracy"], seen["majority"]) == ("seen_now", 2 / 3, 2 / 3)


def test_the_table_says_what_is_missed() -> None:
    found = compute_metrics(OUTCOMES, TriggerSettings(), 16_000_000)
    table = metrics_table(found, "a title")
    cells = [list(column.cells) for column in table.columns]
    assert table.row_count == len(found)
    assert (cells[0][0], cells[1][0], cells[3][0]) == ("alert: event recall", "0.750", "≥ 0.9")
    assert str(cells[4][0]) == "missed"
    assert cells[5][0] == "oracle 0.750  always 0  never 0"
    assert cells[6][0] == "2 streams, 4 events"
