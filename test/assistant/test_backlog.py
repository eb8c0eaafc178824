"""The backlog is bounded, keeps the newest, and tells what it lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roma_ros.assistant.backlog import Backlog, Losses
from roma_ros.events import LagPolicy


def test_drops_the_oldest_and_says_so(make_unit):
    backlog = Backlog(2, LagPolicy.DROP_OLDEST)
    for index in range(5):
        backlog.put(make_unit(index))
    assert len(backlog) == 2
    assert backlog.take().index == 3
    assert backlog.report() == (Losses(dropped=3), False)
    assert backlog.take().index == 4
    assert backlog.report() == (Losses(dropped=3), True), "nothing waits: the whole lag"
    backlog.put(make_unit(5))
    backlog.take()
    assert backlog.report() is None
    assert backlog.total == Losses(dropped=3)


def test_hears_late_units_without_their_video(make_unit):
    backlog = Backlog(3, LagPolicy.AUDIO_ONLY)
    for index in range(3):
        backlog.put(make_unit(index))
    taken = [backlog.take() for _ in range(3)]
    assert [unit.frames is None for unit in taken] == [True, True, False]
    assert all(unit.audio is not None for unit in taken)
    assert backlog.report() == (Losses(audio_only=2), False)
    assert backlog.report() == (Losses(audio_only=2), True)


def test_audio_only_is_bounded_too(make_unit):
    backlog = Backlog(2, LagPolicy.AUDIO_ONLY)
    for index in range(4):
        backlog.put(make_unit(index))
    backlog.take()
    assert backlog.report() == (Losses(dropped=2, audio_only=1), False)


def test_a_stream_without_sound_keeps_its_video(make_unit):
    backlog = Backlog(2, LagPolicy.AUDIO_ONLY)
    for index in range(2):
        backlog.put(make_unit(index, audio=False))
    assert backlog.take().frames is not None
    assert backlog.report() is None


def test_age_is_that_of_the_oldest(make_unit):
    backlog = Backlog(2, LagPolicy.DROP_OLDEST)
    assert backlog.age == 0.0
    backlog.put(make_unit(0))
    assert 0 <= backlog.age < 5
    backlog.clear()
    assert backlog.age == 0.0
    assert backlog.total == Losses()


@pytest.fixture(scope="module")
def units(make_unit):
    return [make_unit(index, video=index % 3 > 0) for index in range(40)]


@given(
    arrivals=st.lists(st.booleans(), max_size=40),
    limit=st.integers(1, 4),
    policy=st.sampled_from(LagPolicy),
)
def test_every_unit_is_heard_or_counted(units, arrivals, limit, policy):
    backlog, coming, heard = Backlog(limit, policy), iter(units), []
    since_recovery = Losses()
    for arrives in arrivals:
        if arrives:
            backlog.put(next(coming))
        elif len(backlog):
            heard.append(backlog.take())
            report = backlog.report()
            if report and not report[1]:
                since_recovery += report[0]
            elif report:
                assert report[0] == since_recovery, "the whole lag is the sum of its reports"
                since_recovery = Losses()
        assert len(backlog) <= limit
    indices = [unit.index for unit in heard]
    assert indices == sorted(set(indices))
    assert len(heard) + len(backlog) + backlog.total.dropped == sum(arrivals)
    silent = sum(unit.frames is None and units[unit.index].frames is not None for unit in heard)
    assert backlog.total.audio_only == silent
