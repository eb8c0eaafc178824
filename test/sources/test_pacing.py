"""paced, against the wall clock."""

from __future__ import annotations

import time

import numpy as np
import pytest

from roma_ros.sources import paced
from roma_ros.units import RgbFrame

PICTURE = np.zeros((2, 2, 3), np.uint8)


def items(*seconds: float) -> list[RgbFrame]:
    return [RgbFrame(round(second * 1e9), PICTURE) for second in seconds]


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_items_come_when_they_are_due(speed: float) -> None:
    begin = time.monotonic()
    for item in paced(items(5.0, 5.1, 5.1, 5.4), speed):
        due = (item.stamp / 1e9 - 5.0) / speed
        late = time.monotonic() - begin - due
        assert -0.001 <= late < 0.1


def test_an_item_that_is_late_does_not_delay_the_next_ones() -> None:
    begin = time.monotonic()
    for item in paced(items(0.0, 0.1, 0.2, 0.4)):
        if item.stamp == 0:
            time.sleep(0.3)
    assert 0.399 <= time.monotonic() - begin < 0.6


def test_stamps_that_go_back_wait_for_nothing() -> None:
    begin = time.monotonic()
    assert len(list(paced(items(9.0, 1.0, 2.0)))) == 3
    assert time.monotonic() - begin < 0.2


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="expected above 0"):
        paced([], speed)
