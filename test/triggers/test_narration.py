"""The narration trigger: each unit by itself."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from roma_ros.triggers import NarrationTrigger


@given(series=st.lists(st.floats(0, 1)), threshold=st.floats(0.01, 1))
def test_goes_off_at_each_unit_that_is_high_enough(series, threshold):
    trigger = NarrationTrigger(threshold)
    went_off = [trigger.update(p, stamp) for stamp, p in enumerate(series)]
    assert went_off == [p >= threshold for p in series]


def test_nan_is_not_high_enough():
    assert not NarrationTrigger(0.1).update(math.nan, 0)


def test_threshold_changes_between_units():
    trigger = NarrationTrigger(0.9)
    assert not trigger.update(0.6, 0)
    trigger.threshold = 0.6
    assert trigger.update(0.6, 1)
