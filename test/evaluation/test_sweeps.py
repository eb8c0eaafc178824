from __future__ import annotations

import pytest

from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.evaluation.sweeps import (
    sweep_alert_threshold,
    sweep_alert_window,
    sweep_narration_threshold,
)

from .by_hand import alert, narration

OUTCOMES = [
    alert([0.3, 0.9, 0.8, 0.2], ".xx."),
    alert([0.6, 0.2, 0.1, 0.1], "...."),
]


def test_a_higher_threshold_trades_recall_for_false_alarms() -> None:
    points = sweep_alert_threshold(OUTCOMES, TriggerSettings(), (0.25, 0.5, 0.7, 0.95))
    assert [point.threshold for point in points] == [0.25, 0.5, 0.7, 0.95]
    assert [point.recall for point in points] == [0, 1, 1, 0]
    assert [point.false_alarms_per_minute for point in points] == [15, 7.5, 0, 0]
    assert [point.unit_f1 for point in points] == [
        pytest.approx(value) for value in (4 / 6, 4 / 5, 1, 0)
    ]


def test_a_longer_window_leaves_out_what_is_short() -> None:
    points = sweep_alert_window(OUTCOMES, TriggerSettings(), (1, 2, 3))
    assert [(point.window, point.threshold) for point in points] == [(1, 0.5), (2, 0.5), (3, 0.5)]
    assert [point.recall for point in points] == [1, 1, 0]
    assert [point.false_seconds_per_minute for point in points] == [7.5, 0, 0]


def test_narration_thresholds() -> None:
    outcome = narration({3: "a", 6: "b"}, {3: "a", 5: "b"})
    low, middle, high = sweep_narration_threshold([outcome], (0.05, 0.5, 0.95))
    assert (low.recall, low.precision) == (1, 2 / 8)
    assert (middle.f1, middle.precision, middle.recall) == (1, 1, 1)
    assert (high.f1, high.recall) == (0, 0)
