"""Online scores of alerts by hand: found, early, late, missed, repeated, latency, false alarms."""

from __future__ import annotations

import pytest

from roma_ros.benchmarks.alerts import alert_figures, judge_alerts
from roma_ros.benchmarks.streams import Stream, alarm_runs, alert_seconds, from_second

EVENT = (5.0, 8.0)


@pytest.mark.parametrize(
    ("alerts", "first", "found", "repeated", "early", "late"),
    [
        ([6], "right", 1, 0, 0, 0),
        ([5.5, 7, 8], "right", 1, 2, 0, 0),
        ([5], "early", 0, 0, 1, 0),  # the unit before the event
        ([8.9], "right", 1, 0, 0, 0),  # its unit starts in the event
        ([9], "late", 0, 0, 0, 1),
        ([2, 7, 20], "early", 1, 0, 1, 1),
        ([], "missed", 0, 0, 0, 0),
    ],
)
def test_one_event(
    alerts: list[float], first: str, found: int, repeated: int, early: int, late: int
) -> None:
    match = judge_alerts(alerts, [EVENT], 60)
    assert match.first == first
    assert (len(match.latencies), match.repeated, match.early, match.late) == (
        *(found, repeated),
        *(early, late),
    )
    assert match.false_alarms == early + late


def test_an_alert_between_two_events_is_early_or_late_by_the_nearer_one() -> None:
    match = judge_alerts([12, 17], [(5, 10), (20, 25)], 60)
    assert (match.early, match.late, match.latencies) == (1, 1, ())


def test_an_instant_and_a_short_event_can_be_found() -> None:
    assert judge_alerts([10], [(9, 9)], 60).latencies == (1,)
    assert judge_alerts([11], [(10.2, 10.4)], 60).latencies == pytest.approx((0.8,))


def test_of_events_that_overlap_one_alert_finds_one() -> None:
    assert judge_alerts([6], [(5, 20), (5, 8)], 60).latencies == (1,)
    assert judge_alerts([6, 7], [(5, 20), (5, 8)], 60).repeated == 0


def test_figures_of_a_set() -> None:
    matches = [
        judge_alerts([7], [EVENT], 60),
        judge_alerts([1, 2], [EVENT], 60),
        judge_alerts([], [EVENT], 60),
        judge_alerts([30], [], 60),
    ]
    figures = {figure.name: figure for figure in alert_figures(matches)}
    assert figures["event recall"].value == pytest.approx(100 / 3)
    assert figures["alerts in an event"].value == 25
    assert figures["first alert right"].value == pytest.approx(100 / 3)
    assert figures["first alert early"].value == pytest.approx(100 / 3)
    assert figures["no alert"].value == pytest.approx(100 / 3)
    assert figures["false alarms per minute"].value == 3 / 4
    assert figures["latency, median"].value == 2
    assert figures["latency, median"].count == 1


def test_false_alarms_per_minute_need_a_length() -> None:
    (figure,) = [
        figure
        for figure in alert_figures([judge_alerts([1], [EVENT], None)])
        if figure.name == "false alarms per minute"
    ]
    assert figure.value is None


def test_an_alarm_is_raised_once_a_run_at_the_end_of_its_unit() -> None:
    p = (0.1, 0.9, 0.9, 0.9, 0.1, 0.9, 0.9)
    assert alarm_runs(p, 0.5, 2) == [(2, 3), (6, 6)]
    assert alert_seconds(Stream(id="a", p=p, start=10, seconds=7), 0.5, 2) == [13, 17]


def test_what_comes_later_does_not_change_an_alert() -> None:
    p = [0.2, 0.6, 0.7, 0.3, 0.8, 0.9]
    for length in range(1, len(p) + 1):
        stream = Stream(id="a", p=tuple(p[:length]))
        whole = Stream(id="a", p=(*p[:length], 1.0, 1.0, 0.0))
        seen = alert_seconds(stream, 0.5, 2)
        assert [time for time in alert_seconds(whole, 0.5, 2) if time <= length] == seen


def test_only_units_after_the_question_count() -> None:
    stream = Stream(id="a", p=(0.9, 0.9, 0.9, 0.1, 0.9), start=0, seconds=5)
    later = from_second(stream, 1.5)
    assert (later.p, later.start, later.seconds) == ((0.9, 0.1, 0.9), 2, 3.5)
    assert from_second(stream, 99).p == ()
    alerts = Stream(id="a", alerts=(1.0, 4.0), seconds=5)
    assert from_second(alerts, 2).alerts == (4.0,)
