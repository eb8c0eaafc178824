"""SampleClock, with jitter, loss and drift."""

from __future__ import annotations

import numpy as np

from roma_ros.sources.sample_clock import SampleClock

MS = 1_000_000


def test_jitter_does_not_show() -> None:
    clock = SampleClock(44_100)
    jitter = np.random.default_rng(0).integers(-20 * MS, 20 * MS, 500)
    begin = 1_700_000_000 * 1_000_000_000
    first = begin + int(jitter[0])
    for block in range(500):
        true = begin + block * 441 * 1_000_000_000 // 44_100
        stamp = clock.stamp(441, measured=true + int(jitter[block]))
        assert stamp == first + block * 10 * MS


def test_blocks_that_were_lost_leave_a_gap() -> None:
    clock = SampleClock(16_000)
    assert clock.stamp(160, measured=0) == 0
    assert clock.stamp(160, measured=10 * MS) == 10 * MS
    assert clock.stamp(160, measured=500 * MS) == 500 * MS
    assert clock.stamp(160, measured=512 * MS) == 510 * MS


def test_a_crystal_that_drifts_is_followed() -> None:
    clock = SampleClock(48_000)
    worst = 0
    for block in range(100_000):  # 100 ppm fast, for 1,000 s
        true = block * 9_999_000
        worst = max(worst, abs(clock.stamp(480, measured=true) - true))
    assert worst <= 50 * MS
