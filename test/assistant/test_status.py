"""Step times over a bounded window."""

from __future__ import annotations

import pytest

from roma_ros.assistant.status import StepTimes


def test_percentiles_of_the_steps():
    times = StepTimes()
    assert times.p50_p99() == (0.0, 0.0)
    assert times.last == 0.0
    for milliseconds in range(101):
        times.add(milliseconds / 1000)
    assert times.p50_p99() == pytest.approx((0.050, 0.099))
    assert times.last == 0.100


def test_old_steps_are_forgotten():
    times = StepTimes(length=4)
    for seconds in (9.0, 9.0, 1.0, 1.0, 1.0, 1.0):
        times.add(seconds)
    assert times.p50_p99() == (1.0, 1.0)
