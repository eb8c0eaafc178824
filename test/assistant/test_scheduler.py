"""Whose turn it is: real time first, and nobody is silenced."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roma_ros.assistant.scheduler import Scheduler, Work

ALL = {Work.UNIT, Work.SPEECH, Work.ANSWER}


def served(scheduler: Scheduler, waiting: set[Work], times: int) -> list[Work | None]:
    return [scheduler.next(waiting) for _ in range(times)]


def test_a_unit_goes_before_speech_and_speech_before_an_answer():
    scheduler = Scheduler()
    assert scheduler.next(ALL) is Work.UNIT
    assert scheduler.next({Work.SPEECH, Work.ANSWER}) is Work.SPEECH
    assert scheduler.next(ALL) is Work.UNIT, "a unit that comes meanwhile goes before the answer"
    assert scheduler.next({Work.ANSWER}) is Work.ANSWER
    assert scheduler.next(set()) is None


def test_units_alone_follow_one_another():
    assert served(Scheduler(), {Work.UNIT}, 3) == [Work.UNIT] * 3


def test_under_overload_all_go_on():
    order = served(Scheduler(), ALL, 8)
    assert order == [Work.UNIT, Work.SPEECH, Work.UNIT, Work.ANSWER] * 2


@given(history=st.lists(st.sets(st.sampled_from(Work)), max_size=30))
def test_a_unit_waits_for_one_slice_at_most_and_nobody_for_more_than_three(history):
    scheduler = Scheduler()
    waited = dict.fromkeys(Work, 0)
    for waiting in history:
        turn = scheduler.next(waiting)
        assert (turn in waiting) if waiting else turn is None
        for work in Work:
            waited[work] = waited[work] + 1 if work in waiting and work is not turn else 0
        assert waited[Work.UNIT] <= 1
        assert max(waited.values()) <= 3
