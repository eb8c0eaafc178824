"""p50 and p99 of a series."""

from __future__ import annotations

import math

import pytest

from roma_ros.percentiles import p50_p99


def test_values_are_interpolated_in_any_order() -> None:
    assert p50_p99([4.0, 1.0, 3.0, 2.0]) == pytest.approx((2.5, 3.97))
    assert p50_p99([7.0]) == (7.0, 7.0)
    assert p50_p99(range(101)) == (50.0, 99.0)


def test_no_values_have_no_percentiles() -> None:
    assert all(map(math.isnan, p50_p99([])))
