"""When a lost device is tried again, by a clock that the test turns."""

from __future__ import annotations

import math

import pytest

from roma_ros.sources import SourceError
from roma_ros.sources.reconnect import Reconnect, ReconnectTimer


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_waits_grow_to_the_longest() -> None:
    clock = Clock()
    timer = ReconnectTimer(Reconnect(first_wait=0.5, longest_wait=5.0), now=clock)
    waits = []
    for _ in range(7):
        wait = timer.next_wait()
        assert wait is not None
        waits.append(wait)
        clock.time += wait
    assert waits == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
    assert timer.tries == 7
    assert timer.away == 22.5


def test_it_gives_up_after_its_time_and_not_before() -> None:
    clock = Clock()
    timer = ReconnectTimer(
        Reconnect(first_wait=1.0, longest_wait=10.0, give_up_after=6.0), now=clock
    )
    waits = []
    while (wait := timer.next_wait()) is not None:
        waits.append(wait)
        clock.time += wait
    assert waits == [1.0, 2.0, 3.0]  # the third is cut short, so that the last try is at 6 s
    assert ReconnectTimer(Reconnect(give_up_after=0)).next_wait() is None


def test_a_device_that_comes_and_goes_is_tried_no_faster_than_one_that_stays_away() -> None:
    """Each time it gives a frame or two: that is not recovery."""
    clock = Clock()
    timer = ReconnectTimer(Reconnect(first_wait=0.5, longest_wait=8.0), now=clock)
    waits = []
    for _ in range(6):
        wait = timer.next_wait()
        assert wait is not None
        waits.append(wait)
        clock.time += wait
        timer.works()
        clock.time += 1.0
        timer.works()
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


def test_only_the_time_away_counts_for_giving_up() -> None:
    clock = Clock()
    timer = ReconnectTimer(Reconnect(first_wait=1.0, give_up_after=5.0), now=clock)
    for _ in range(2):
        timer.next_wait()
        clock.time += 2.0
        assert timer.outage == 2.0
        timer.works()
        clock.time += 4.0  # too short to have recovered
    assert (timer.outage, timer.away) == (0.0, 4.0)
    assert timer.next_wait() == 1.0  # what is left of 5 s
    clock.time += 1.0
    assert timer.next_wait() is None


def test_after_five_good_seconds_a_loss_is_a_new_one() -> None:
    clock = Clock()
    timer = ReconnectTimer(Reconnect(first_wait=0.5, give_up_after=60.0), now=clock)
    for _ in range(3):
        timer.next_wait()
    clock.time += 40.0
    for _ in range(6):
        timer.works()
        clock.time += 1.0
    assert timer.away == 0.0
    assert timer.tries == 0
    clock.time += 600.0
    assert timer.next_wait() == 0.5


@pytest.mark.parametrize(
    ("first", "longest", "give_up"),
    [(0.0, 1.0, 1.0), (2.0, 1.0, 1.0), (1.0, math.inf, 1.0), (1.0, 2.0, math.nan)],
)
def test_values_out_of_range(first: float, longest: float, give_up: float) -> None:
    with pytest.raises(SourceError, match="expected"):
        Reconnect(first_wait=first, longest_wait=longest, give_up_after=give_up)


def test_the_last_message_tells_the_tries() -> None:
    clock = Clock()
    timer = ReconnectTimer(Reconnect(first_wait=1.0, give_up_after=3.0), now=clock)
    assert timer.final_message("it is gone") == "it is gone"
    while (wait := timer.next_wait()) is not None:
        clock.time += wait
    assert timer.final_message("it is gone") == "it is gone; tried 2 times in 3 s"
    assert ReconnectTimer(None).next_wait() is None
