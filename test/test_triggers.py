"""Triggers against a plain reading of their rules, on random series of p(speak)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roma_ros.triggers import AlertTrigger, NarrationTrigger

SECOND = 1_000_000_000
LEVELS = st.sampled_from([0.0, 0.1, 0.49, 0.5, 0.51, 0.9, 1.0, math.nan])


def triggers_at(trigger: AlertTrigger, series: list[float]) -> list[int]:
    """Indices at which an alert triggers, at one unit a second."""
    return [i for i, p in enumerate(series) if trigger.update(p, (i + 1) * SECOND)]


def expected(series: list[float], threshold: float, window: int, cooldown: int) -> list[int]:
    """The rule, read off the whole series at each unit."""
    triggered: list[int] = []
    for now in range(len(series)):
        if now + 1 < window:
            continue
        in_run = all(series[i] >= threshold for i in range(now - window + 1, now + 1))
        if triggered:
            since = range(triggered[-1] + 1, now + 1)
            run_has_ended = any(not series[i] >= threshold for i in since)
            in_run = in_run and run_has_ended and now - triggered[-1] >= cooldown
        if in_run:
            triggered.append(now)
    return triggered


@given(
    series=st.lists(LEVELS, max_size=80),
    threshold=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
    window=st.integers(1, 60),
    cooldown=st.integers(0, 20),
)
def test_alerts_trigger_as_the_rule_says(series, threshold, window, cooldown):
    trigger = AlertTrigger(threshold, window, cooldown)
    assert triggers_at(trigger, series) == expected(series, threshold, window, cooldown)


@given(series=st.lists(LEVELS, max_size=60), short=st.integers(1, 3), cooldown=st.integers(0, 9))
def test_short_windows_on_dense_runs(series, short, cooldown):
    trigger = AlertTrigger(0.5, short, cooldown)
    assert triggers_at(trigger, series) == expected(series, 0.5, short, cooldown)


def test_one_run_is_one_alert():
    assert triggers_at(AlertTrigger(0.5, window=3), [0.9] * 10) == [2]


def test_a_dip_starts_the_window_again():
    series = [0.9, 0.9, 0.1, 0.9, 0.9, 0.9]
    assert triggers_at(AlertTrigger(0.5, window=3), series) == [5]


def test_rearms_when_the_run_has_ended():
    assert triggers_at(AlertTrigger(0.5), [0.9, 0.9, 0.1, 0.9]) == [0, 3]


def test_cooldown_silences_a_new_run_and_ends_within_it():
    series = [0.9, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9]
    assert triggers_at(AlertTrigger(0.5, cooldown=5.0), series) == [0, 5]


def test_the_cooldown_alone_does_not_rearm():
    assert triggers_at(AlertTrigger(0.5, cooldown=2.0), [0.9] * 9) == [0]


def test_cooldown_is_measured_by_stamps():
    trigger = AlertTrigger(0.5, cooldown=10.0)
    assert trigger.update(0.9, 1 * SECOND)
    assert not trigger.update(0.1, 2 * SECOND)
    assert not trigger.update(0.9, 11 * SECOND - 1)
    assert trigger.update(0.9, 11 * SECOND)


def test_settings_change_between_units():
    trigger = AlertTrigger(0.9, window=5)
    assert triggers_at(trigger, [0.6, 0.6, 0.6]) == []
    trigger.threshold, trigger.window = 0.5, 4
    assert trigger.update(0.6, 4 * SECOND), "the units before count under the new settings"
    trigger.threshold = 0.95
    assert not trigger.update(0.6, 5 * SECOND)
    trigger.threshold, trigger.window = 0.5, 1
    assert trigger.update(0.6, 6 * SECOND)


@pytest.mark.parametrize("p", [0.5, 0.500001, 1.0])
def test_the_threshold_itself_counts(p):
    assert AlertTrigger(0.5).update(p, SECOND)


@given(series=st.lists(st.floats(0, 1)), threshold=st.floats(0.01, 1))
def test_narrations_trigger_at_each_unit_that_is_high_enough(series, threshold):
    trigger = NarrationTrigger(threshold)
    triggered = [trigger.update(p, stamp) for stamp, p in enumerate(series)]
    assert triggered == [p >= threshold for p in series]


def test_nan_is_not_high_enough_for_a_narration():
    assert not NarrationTrigger(0.1).update(math.nan, 0)


def test_a_narrations_threshold_changes_between_units():
    trigger = NarrationTrigger(0.9)
    assert not trigger.update(0.6, 0)
    trigger.threshold = 0.6
    assert trigger.update(0.6, 1)
