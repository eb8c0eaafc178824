from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roma_ros.evaluation.intervals import rate_interval, share_interval
from roma_ros.evaluation.narration_score import _match_group, match
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.evaluation.stream_metrics import (
    aged_figures,
    alert_counts_within,
    narration_counts_within,
)
from roma_ros.evaluation.stream_outcomes import (
    Session,
    StreamAlert,
    StreamAnswer,
    StreamLoad,
    StreamNarration,
    StreamOutcomes,
)
from roma_ros.evaluation.stream_protocol import Age, EvalSection
from roma_ros.evaluation.stream_rates import load_metrics, quiet_metrics, recognition_metrics
from roma_ros.world import TimedText

from .by_hand import units

TRIGGERS = TriggerSettings()
UNITS = st.lists(st.integers(0, 60), max_size=12, unique=True).map(sorted)


def session(p_speak: str, start: int = 0, **published: str) -> Session:
    texts = tuple(TimedText(int(unit[1:]), text) for unit, text in published.items())
    return Session(start=start, p_speak=units(p_speak) * 0.8 + 0.1, published=texts)


def alert(
    p_speak: str,
    labels: str,
    fresh: tuple[Session, ...] = (),
    section: EvalSection = EvalSection.CONTINUOUS,
    **names: str,
) -> StreamAlert:
    return StreamAlert(
        section=section,
        stream=names.get("stream", "1"),
        group=names.get("group", "typed"),
        kind=names.get("kind", "audio"),
        instruction="alert me when you hear a beep",
        labels=units(labels),
        session=session(p_speak),
        fresh=fresh,
    )


def test_events_and_alarms_belong_to_the_age_at_which_they_start() -> None:
    one = alert("..xx..x...xx", "..xx.....xx.")
    early = alert_counts_within(one, range(3), triggers=TRIGGERS)
    late = alert_counts_within(one, range(3, 100), triggers=TRIGGERS)
    assert (early.events, early.found, early.false_alarms, early.units) == (1, 1, 0, 3)
    # The alarm at 10 starts within the event of 9 and 10; that at 6 is false.
    assert (late.events, late.found, late.false_alarms, late.units) == (1, 1, 1, 9)


def test_fresh_sessions_are_counted_at_their_place_in_the_stream() -> None:
    fresh = (session("..x."), session("x..x", start=4))
    one = alert("........", "..x....x", fresh)
    counts = alert_counts_within(one, range(100), triggers=TRIGGERS, fresh=True)
    assert (counts.events, counts.found, counts.false_alarms, counts.units) == (2, 2, 1, 8)
    late = alert_counts_within(one, range(5, 100), triggers=TRIGGERS, fresh=True)
    assert (late.events, late.found, late.false_alarms, late.units) == (1, 1, 0, 3)


def narration() -> StreamNarration:
    due = (TimedText(3, "a"), TimedText(6, "b"), TimedText(9, "c"))
    return StreamNarration(
        section=EvalSection.CONTINUOUS,
        stream="1",
        group="sequence",
        due=due,
        cuts=(6,),
        session=session("...x..x...x.", u3="a", u6="x", u10="c"),
        # The first session ends with the first unit of the second scene.
        fresh=(session("...x..x", u3="a", u6="b"), session("x..x..", 6, u6="z", u9="c")),
    )


def test_a_sentence_at_a_cut_counts_or_is_left_out() -> None:
    counts = narration_counts_within(narration(), range(100))
    assert (counts.due, counts.published, counts.matched, counts.worded) == (3, 3, 3, 2)
    without = narration_counts_within(narration(), range(100), cuts=False)
    assert (without.due, without.published, without.matched, without.worded) == (2, 2, 2, 2)


def test_a_fresh_narration_tells_what_the_cut_ended_and_not_what_was_before_it() -> None:
    counts = narration_counts_within(narration(), range(100), fresh=True)
    assert (counts.due, counts.published, counts.matched, counts.worded) == (3, 4, 3, 3)


def test_a_figure_has_the_ages_that_its_streams_reach_and_the_difference() -> None:
    labels = "." * 310 + "x" + "." * 9
    found = alert(labels, labels, (session("." * 320),))
    figures = aged_figures(StreamOutcomes(alerts=[found]), EvalSection.CONTINUOUS, TRIGGERS)
    rows = {row.name: row for row in figures}
    recall = rows["alert: event recall"]
    assert set(recall.ages) == {Age.FIRST_MINUTE, Age.TO_FIVE, Age.AFTER_FIVE}
    assert recall.headline is not None
    assert (recall.headline.value, recall.headline.fresh) == (1.0, 0.0)
    assert recall.met
    assert recall.difference == 1.0
    alarms = rows["alert: false alarms per minute"]
    assert alarms.met
    assert alarms.difference_met is None  # it is no share


def test_answers_are_counted_by_mode_and_age() -> None:
    def answer(unit: int, got: str, *, fresh: bool = False) -> StreamAnswer:
        return StreamAnswer(
            section=EvalSection.CONTINUOUS,
            stream="1",
            mode="present",
            unit=unit,
            fresh=fresh,
            kind="seen_now",
            question="?",
            right="yes",
            got=got,
        )

    answers = [
        answer(10, "yes"),
        answer(400, "yes"),
        answer(410, "no"),
        answer(410, "yes", fresh=True),
    ]
    (row,) = aged_figures(StreamOutcomes(answers=answers), EvalSection.CONTINUOUS, TRIGGERS)
    assert row.ages[Age.FIRST_MINUTE].value == 1
    assert math.isnan(row.ages[Age.FIRST_MINUTE].fresh)
    assert row.ages[Age.AFTER_FIVE].value == 0.5
    assert row.difference == -0.5
    assert row.difference_met is False
    assert row.met is False


def test_quiet_streams_are_counted_by_the_hour_and_watch() -> None:
    series = "x" + "." * 899
    alerts = [
        alert(series, "." * 900, section=EvalSection.QUIET, group="silence") for _ in range(2)
    ]
    told = StreamNarration(
        section=EvalSection.QUIET,
        stream="silence",
        group="silence",
        due=(),
        cuts=(),
        session=session("." * 900, u4="a", u7="b"),
    )
    rows = quiet_metrics(StreamOutcomes(alerts=alerts, narrations=[told]), TRIGGERS)
    assert [row.value for row in rows] == [4.0, 8.0]  # 2 in 2 x 0.25 h; 2 in 0.25 h
    assert [row.met for row in rows] == [False, False]


def test_recordings_have_a_row_for_all_and_for_each_kind() -> None:
    section = EvalSection.RECORDINGS
    alerts = [
        alert("x...x.", "x.x...", section=section, kind="dog"),
        alert("......", "...x..", section=section, kind="rain"),
    ]
    rows = {
        r.name: r for r in recognition_metrics(StreamOutcomes(alerts=alerts), section, TRIGGERS)
    }
    assert rows["recordings: event recall"].value == pytest.approx(1 / 3)
    assert rows["recordings: false alarms per minute and watch"].value == 5  # in 12 units
    assert rows["recordings, dog: event recall"].value == 0.5
    assert rows["recordings, rain: false alarms per minute and watch"].value == 0


def test_the_load_of_the_last_minute_is_compared_with_minute_2() -> None:
    times = np.full(600, 0.02)
    times[540:] = 0.03
    times[550] = 9.0  # a hiccup is left out
    load = StreamLoad(
        section=EvalSection.LONG,
        stream="1",
        unit_seconds=times,
        cache_bytes=np.full(600, 1000),
        resident_bytes=np.linspace(1e8, 2e8, 600),
    )
    step, cache, resident = load_metrics([load])
    assert step.name == "step time, minute 10 over minute 2 (alerts and questions)"
    assert step.value == pytest.approx(1.5)
    assert cache.value == 1
    assert cache.met
    assert resident.value > 1.02


@given(UNITS, UNITS, st.integers(0, 3))
def test_matching_by_groups_is_matching_all_at_once(
    due: list[int], published: list[int], tolerance: int
) -> None:
    whole = _match_group(due, published, tolerance)
    parts = match(due, published, tolerance)
    assert len(parts) == len(whole)
    assert sum(abs(due[i] - published[j]) for i, j in parts) == sum(
        abs(due[i] - published[j]) for i, j in whole
    )
    assert all(abs(due[i] - published[j]) <= tolerance for i, j in parts)


def test_intervals_in_closed_form() -> None:
    low, high = rate_interval(0, 2.0) or (1.0, 0.0)
    assert low == 0
    assert high == pytest.approx(3.69 / 2, rel=0.02)
    assert rate_interval(3, 0) is None
    low, high = share_interval(8, 10) or (1.0, 0.0)
    assert (low, high) == pytest.approx((0.490, 0.943), abs=0.001)
    assert share_interval(0, 0) is None
