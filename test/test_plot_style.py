"""The palette can be read on white, also by readers with a colour vision deficiency."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from roma_ros import plot_style

PALETTE = {
    name: getattr(plot_style, name) for name in ("INK", "BLUE", "RED", "GREEN", "PURPLE", "AMBER")
}
# Linear RGB as seen with full deficiency: Machado, Oliveira and Fernandes 2009, table 1.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # of linear sRGB
WHITE = TO_XYZ.sum(axis=1)


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB."""
    share = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    x, y, z = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("name", [*PALETTE, "FAINT"])
def test_a_colour_has_enough_contrast_on_white(name: str) -> None:
    luminance = TO_XYZ[1] @ linear(getattr(plot_style, name))
    assert 1.05 / (luminance + 0.05) >= 3.0


@pytest.mark.parametrize("vision", VISION)
def test_any_two_colours_stay_apart(vision: str) -> None:
    seen = {name: lab(VISION[vision] @ linear(colour)) for name, colour in PALETTE.items()}
    apart = {(a, b): np.linalg.norm(seen[a] - seen[b]) for a, b in combinations(seen, 2)}
    assert min(apart.values()) > 12, min(apart, key=lambda pair: apart[pair])
