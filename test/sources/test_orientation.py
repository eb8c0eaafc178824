"""Orientation, against the definition of the matrix and numpy's own turning."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest

from roma_ros.sources.orientation import UPRIGHT, Orientation


def matrix(a: int, b: int, c: int, d: int) -> bytes:
    one = 1 << 16
    return struct.pack("=9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)


ALL = [(a, 0, 0, d) for a, d in itertools.product((1, -1), repeat=2)] + [
    (0, b, c, 0) for b, c in itertools.product((1, -1), repeat=2)
]


@pytest.mark.parametrize("values", ALL)
def test_every_pixel_goes_where_the_matrix_says(values: tuple[int, int, int, int]) -> None:
    a, b, c, d = values
    image = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
    places = {(a * x + c * y, b * x + d * y): image[y, x] for y in range(3) for x in range(5)}
    left, top = min(x for x, _ in places), min(y for _, y in places)
    shown = Orientation.from_display_matrix(matrix(*values)).apply(image)
    for (x, y), pixel in places.items():
        assert (shown[y - top, x - left] == pixel).all()
    assert shown.size == image.size


def test_a_quarter_turn_clockwise() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    shown = Orientation.from_display_matrix(matrix(0, 1, -1, 0)).apply(image)
    assert (shown == np.rot90(image, k=-1)).all()


def test_an_upright_picture_is_not_copied() -> None:
    image = np.zeros((2, 4, 3), np.uint8)
    assert Orientation.from_display_matrix(matrix(1, 0, 0, 1)) == UPRIGHT
    assert UPRIGHT.apply(image) is image
