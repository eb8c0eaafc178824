"""The alert trigger against a plain reading of its rule, on random series of p(speak)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roma_ros.triggers import AlertTrigger

SECOND = 1_000_000_000
LEVELS = st.sampled_from([0.0, 0.1, 0.49, 0.5, 0.51, 0.9, 1.0, math.nan])


def off_at(trigger: AlertTrigger, series: list[float]) -> list[int]:
    """Indices at which a trigger goes off, at one unit a second."""
    return [i for i, p in enumerate(series) if trigger.update(p, (i + 1) * SECOND)]


def expected(series: list[float], threshold: float, window: int, cooldown: int) -> list[int]:
    """The rule, read off the whole series at each unit."""
    went_off: list[int] = []
    for now in range(len(series)):
        if now + 1 < window:
            continue
        in_run = all(series[i] >= threshold for i in range(now - window + 1, now + 1))
        if went_off:
            since = range(went_off[-1] + 1, now + 1)
            run_has_ended = any(not series[i] >= threshold for i in since)
            in_run = in_run and run_has_ended and now - went_off[-1] >= cooldown
        if in_run:
            went_off.append(now)
    return went_off


@given(
    series=st.lists(LEVELS, max_size=80),
    threshold=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
    window=st.integers(1, 60),
    cooldown=st.integers(0, 20),
)
def test_goes_off_as_the_rule_says(series, threshold, window, cooldown):
    trigger = AlertTrigger(threshold, window, cooldown)
    assert off_at(trigger, series) == expected(series, threshold, window, cooldown)


@given(series=st.lists(LEVELS, max_size=60), short=st.integers(1, 3), cooldown=st.integers(0, 9))
def test_short_windows_on_dense_runs(series, short, cooldown):
    trigger = AlertTrigger(0.5, short, cooldown)
    assert off_at(trigger, series) == expected(series, 0.5, short, cooldown)


def test_one_run_is_one_alert():
    assert off_at(AlertTrigger(0.5, window=3), [0.9] * 10) == [2]


def test_a_dip_starts_the_window_again():
    series = [0.9, 0.9, 0.1, 0.9, 0.9, 0.9]
    assert off_at(AlertTrigger(0.5, window=3), series) == [5]


def test_rearms_when_the_run_has_ended():
    assert off_at(AlertTrigger(0.5), [0.9, 0.9, 0.1, 0.9]) == [0, 3]


def test_cooldown_silences_a_new_run_and_ends_within_it():
    series = [0.9, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9]
    assert off_at(AlertTrigger(0.5, cooldown=5.0), series) == [0, 5]


def test_the_cooldown_alone_does_not_rearm():
    assert off_at(AlertTrigger(0.5, cooldown=2.0), [0.9] * 9) == [0]


def test_cooldown_is_measured_by_stamps():
    trigger = AlertTrigger(0.5, cooldown=10.0)
    assert trigger.update(0.9, 1 * SECOND)
    assert not trigger.update(0.1, 2 * SECOND)
    assert not trigger.update(0.9, 11 * SECOND - 1)
    assert trigger.update(0.9, 11 * SECOND)


def test_settings_change_between_units():
    trigger = AlertTrigger(0.9, window=5)
    assert off_at(trigger, [0.6, 0.6, 0.6]) == []
    trigger.threshold, trigger.window = 0.5, 4
    assert trigger.update(0.6, 4 * SECOND), "the units already heard count under the new settings"
    trigger.threshold = 0.95
    assert not trigger.update(0.6, 5 * SECOND)
    trigger.threshold, trigger.window = 0.5, 1
    assert trigger.update(0.6, 6 * SECOND)


@pytest.mark.parametrize("p", [0.5, 0.500001, 1.0])
def test_the_threshold_itself_counts(p):
    assert AlertTrigger(0.5).update(p, SECOND)
