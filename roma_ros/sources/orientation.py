"""How a picture is to be turned before it is shown: the display matrix of a video."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

__all__ = ["UPRIGHT", "Orientation"]


@dataclass(frozen=True, slots=True)
class Orientation:
    """Steps in their order: swap rows and columns, then mirror.

    Attributes:
        transpose: rows become columns.
        flip_rows: upside down.
        flip_columns: left to right.
    """

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> Orientation:
        """From FFmpeg's display matrix: nine native int32, of which the first rows are
        (a, b, .), (c, d, .) and a pixel at (x, y) is shown at (ax + cy, bx + dy), y downwards.

        An angle between quarter turns, which cameras do not write, counts as the nearest one.
        """
        a, b, _, c, d = struct.unpack_from("=5i", matrix)
        if abs(b) > abs(a):
            return cls(transpose=True, flip_rows=b < 0, flip_columns=c < 0)
        return cls(flip_rows=d < 0, flip_columns=a < 0)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """(H, W, C) -> (H, W, C) or (W, H, C), contiguous."""
        if self == UPRIGHT:
            return image
        if self.transpose:
            image = image.swapaxes(0, 1)
        if self.flip_rows:
            image = image[::-1]
        if self.flip_columns:
            image = image[:, ::-1]
        return np.ascontiguousarray(image)


UPRIGHT = Orientation()
