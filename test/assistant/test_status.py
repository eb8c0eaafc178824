"""Step times over a bounded window."""

from __future__ import annotations

from roma_ros.assistant.status import StepTimes


def test_percentiles_are_steps_that_happened():
    times = StepTimes()
    assert times.percentile(0.99) == times.last == 0.0
    for milliseconds in range(1, 101):
        times.add(milliseconds / 1000)
    assert times.percentile(0.5) == 0.050
    assert times.percentile(0.99) == 0.099
    assert times.percentile(1.0) == times.last == 0.100


def test_old_steps_are_forgotten():
    times = StepTimes(length=4)
    for seconds in (9.0, 9.0, 1.0, 1.0, 1.0, 1.0):
        times.add(seconds)
    assert times.percentile(1.0) == 1.0
