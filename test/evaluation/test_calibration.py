from __future__ import annotations

import math

import numpy as np
import pytest

from roma_ros.evaluation.calibration import Bin, calibration_error, reliability

from .by_hand import units


def test_two_bins_by_hand() -> None:
    bins = reliability(np.array([0.1, 0.3, 0.9, 1.0]), units(".xxx"), bins=2)
    assert [(part.low, part.high, part.count, part.share) for part in bins] == [
        (0.0, 0.5, 2, 0.5),
        (0.5, 1.0, 2, 1.0),
    ]
    assert [part.p_speak for part in bins] == pytest.approx([0.2, 0.95])
    assert calibration_error(bins) == pytest.approx((2 * 0.3 + 2 * 0.05) / 4)


def test_bins_weigh_by_their_units_and_empty_ones_nothing() -> None:
    bins = (Bin(0, 0.5, 3, 0.2, 0.2), Bin(0.5, 1, 1, 0.8, 0.0), Bin(1, 1.5, 0, math.nan, math.nan))
    assert calibration_error(bins) == pytest.approx(0.2)


def test_every_unit_is_in_one_of_fifteen_bins() -> None:
    p = np.linspace(0, 1, 101)
    bins = reliability(p, p > 0.5)
    assert len(bins) == 15
    assert sum(part.count for part in bins) == 101
    assert all(part.low <= part.p_speak <= part.high for part in bins)


def test_nothing_has_no_error() -> None:
    assert math.isnan(calibration_error(reliability(np.empty(0), np.empty(0, bool))))
