"""ArrivalTimer, by a clock that the test turns."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from roma_ros.sources.arrival_timer import ArrivalTimer

NS = 1_000_000_000
START = 5_000 * NS
FRAME = NS // 25


class Clock(threading.Event):
    """The time, which goes on when somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START

    def __call__(self) -> int:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now += round(timeout * NS)
        return False


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_items_are_held_back_until_they_are_due(clock: Clock) -> None:
    """A server sends ten seconds at once."""
    timer = ArrivalTimer(clock, clock)
    for number in range(250):
        assert timer.stamp(7 * NS + number * FRAME) == START + number * FRAME
        assert abs(clock.now - (START + number * FRAME)) < 1_000
    assert timer.restarts == 0


def test_jitter_of_the_network_is_not_in_the_stamps(clock: Clock) -> None:
    timer = ArrivalTimer(clock, clock)
    noise = np.random.default_rng(0)
    stamps = []
    for number in range(400):
        late = int(noise.integers(0, 300_000_000)) if number else 0
        clock.now = max(clock.now, START + number * FRAME + late)
        stamps.append(timer.stamp(number * FRAME))
    assert np.abs(np.diff(stamps) - FRAME).max() <= 10_000_000
    assert timer.restarts == 0


@pytest.mark.parametrize("jump", [-3600 * NS, 3600 * NS])
def test_times_that_jump_go_on_from_now(clock: Clock, jump: int) -> None:
    timer = ArrivalTimer(clock, clock)
    timer.stamp(4_000 * NS)
    clock.now += NS
    assert timer.stamp(4_001 * NS + jump) == START + NS
    assert timer.stamp(4_001 * NS + jump + FRAME) == START + NS + FRAME
    assert timer.restarts == 1


def test_a_stall_becomes_a_gap(clock: Clock) -> None:
    timer = ArrivalTimer(clock, clock)
    timer.stamp(0)
    clock.now += 3 * NS
    assert timer.stamp(FRAME) == START + 3 * NS
    clock.now += NS  # a second late: no gap, and what follows catches up
    assert timer.stamp(2 * FRAME) == START + 3 * NS + FRAME
    assert timer.restarts == 1


@pytest.mark.parametrize("ppm", [-300, 300])
def test_a_clock_that_drifts_is_followed_without_a_jump(clock: Clock, ppm: int) -> None:
    """For three hours: the stamps stay within 0.1 s of the arrivals and never step by 20 ms."""
    timer = ArrivalTimer(clock, clock)
    previous = None
    for number in range(3 * 3600 * 5):
        sent = number * NS // 5
        arrival = START + sent + sent * ppm // 1_000_000
        clock.now = max(clock.now, arrival)
        stamp = timer.stamp(sent)
        assert abs(stamp - arrival) < NS // 10
        if previous is not None:
            assert abs(stamp - previous - NS // 5) < 20_000_000
        previous = stamp
    assert timer.restarts == 0


def test_without_times_arrival_counts(clock: Clock) -> None:
    timer = ArrivalTimer(clock, clock)
    clock.now += 123
    assert timer.stamp(None) == START + 123
