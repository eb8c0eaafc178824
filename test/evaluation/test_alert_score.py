from __future__ import annotations

import numpy as np
import pytest

from roma_ros.evaluation.alert_score import AlertCounts, alarm_windows, score_alert
from roma_ros.evaluation.bootstrap import total
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.world import Window

from .by_hand import units

DEFAULT = TriggerSettings()


def test_a_firing_lasts_as_long_as_its_run() -> None:
    p = np.array([0.9, 0.5, 0.49, 0.6, 0.1, 0.7])
    assert alarm_windows(p, DEFAULT) == (Window(0, 1), Window(3, 3), Window(5, 5))
    assert alarm_windows(p, TriggerSettings(threshold=0.65)) == (Window(0, 0), Window(5, 5))


def test_a_window_delays_the_firing_and_leaves_out_short_runs() -> None:
    p = np.array([0.9, 0.9, 0.9, 0.1, 0.9, 0.1])
    assert alarm_windows(p, TriggerSettings(window=2)) == (Window(1, 2),)
    assert alarm_windows(p, TriggerSettings(window=4)) == ()


def test_every_count_of_one_stream() -> None:
    p = np.array([0.9, 0.9, 0.1, 0.6, 0.1, 0.7, 0.1, 0.1])
    labels = units(".x.x..x.")
    # The first firing starts before its event; the second is right, the third alarms for nothing.
    counts = score_alert(p, labels, DEFAULT, recurring=True)
    assert counts == AlertCounts(
        events=3,
        found=1,
        recurrences=3,
        recurrences_found=1,
        firings=3,
        false_alarms=2,
        hits=2,
        false_units=2,
        missed_units=1,
        units=8,
    )
    assert counts.recall == pytest.approx(1 / 3)
    assert counts.false_alarms_per_minute == pytest.approx(2 * 60 / 8)
    assert counts.false_seconds_per_minute == pytest.approx(2 * 60 / 8)
    assert counts.unit_f1 == pytest.approx(4 / 7)


def test_one_long_firing_finds_one_event() -> None:
    counts = score_alert(np.full(5, 0.9), units("xx.xx"), DEFAULT)
    assert (counts.events, counts.found, counts.false_alarms) == (2, 1, 0)
    assert (counts.recurrences, counts.false_units) == (0, 1)


def test_an_event_in_which_it_fires_twice_is_found_once() -> None:
    counts = score_alert(np.array([0.9, 0.1, 0.9]), units("xxx"), DEFAULT)
    assert (counts.found, counts.firings, counts.missed_units) == (1, 2, 1)


def test_with_a_window_an_event_is_found_only_while_it_goes_on() -> None:
    p, two = np.array([0.1, 0.9, 0.9, 0.1]), TriggerSettings(window=2)
    assert score_alert(p, units(".xx."), two).found == 1
    late = score_alert(p, units(".x.."), two)
    assert (late.found, late.false_alarms) == (0, 1)


def test_what_cannot_be_measured_is_nan() -> None:
    silent = score_alert(np.zeros(3), units("..."), DEFAULT)
    assert np.isnan(silent.recall)
    assert np.isnan(silent.unit_f1)
    assert silent.false_alarms_per_minute == 0
    assert np.isnan(total([], AlertCounts).false_alarms_per_minute)


def test_unclear_units_count_neither_way_and_an_event_begins_with_those_before_it() -> None:
    labels, unclear = units("...x..x."), units(".xx...x.")
    # It starts in the unclear units before the event; at 5 it is false; the label at 6 is clear.
    counts = score_alert(units(".xxx.xx.") * 0.9, labels, TriggerSettings(), unclear=unclear)
    assert (counts.events, counts.found, counts.false_alarms) == (2, 1, 1)
    assert (counts.hits, counts.false_units, counts.missed_units) == (2, 1, 0)
    unclear = units(".xx..x..")
    counts = score_alert(units(".xxx.xx.") * 0.9, labels, TriggerSettings(), unclear=unclear)
    assert (counts.found, counts.false_alarms, counts.false_units) == (2, 0, 0)


def test_only_events_and_alarms_that_start_within_are_counted() -> None:
    labels, p_speak = units(".xx...xx.."), units(".xx.xxxx.x") * 0.9
    counts = score_alert(p_speak, labels, TriggerSettings(), within=range(2, 9))
    # The event at 1 and its alarm are outside; the alarm at 4 is false and hides the event at 6.
    assert (counts.events, counts.found, counts.false_alarms, counts.units) == (1, 0, 1, 7)
    assert (counts.hits, counts.false_units, counts.missed_units) == (3, 2, 0)
