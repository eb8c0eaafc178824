import math

import numpy as np
import pytest

from roma_ros.units import NS_PER_SECOND
from roma_ros.units.drift import MAX_BLOCKS, DriftHistory

MS = 1_000_000


def history(difference, *, seconds: int = 1200, noise_ms: float = 1.0) -> DriftHistory:
    """Of a difference in s that is a function of the time in s."""
    rng = np.random.default_rng(0)
    found = DriftHistory()
    for second in range(seconds):
        value = difference(second) * 1000 + rng.normal(0, noise_ms)
        found.add(7_000 * NS_PER_SECOND + second * NS_PER_SECOND, round(value * MS))
    return found


@pytest.mark.parametrize("ppm", [20, 100, -100, 300])
def test_a_straight_line_is_a_drift(ppm):
    drift = history(lambda second: 0.4 + ppm * 1e-6 * second).drift
    assert drift is not None
    assert drift.rate * 1e6 == pytest.approx(ppm, abs=2)
    assert drift.first == pytest.approx(400 * MS, abs=3 * MS)
    assert drift.since_begin(drift.begin + 1000 * NS_PER_SECOND) == pytest.approx(
        ppm * MS, abs=3 * MS
    )


@pytest.mark.parametrize(
    "difference",
    [
        lambda second: 0.4,
        lambda second: 0.1 + 0.5 * (second > 600),  # another latency
        lambda second: 0.1 + 0.3 * math.exp(-(((second - 600) / 200) ** 2)),  # a congestion
        lambda second: 0.1 + 0.05 * math.sin(second / 90),
        lambda second: 0.002 * second,  # a queue that fills
    ],
)
def test_a_latency_that_changes_is_none(difference):
    assert history(difference).drift is None


def test_it_is_bounded_and_reaches_back_to_the_beginning():
    found = history(lambda second: 5e-6 * second, seconds=20_000)
    assert len(found._times) <= MAX_BLOCKS
    assert found._times[0] == 7_000 * NS_PER_SECOND
    assert found.drift is not None
    assert found.drift.rate * 1e6 == pytest.approx(5, abs=0.2)
