"""Orientation of a video: rotation and mirroring by its display matrix."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

__all__ = ["UPRIGHT", "Orientation"]


@dataclass(frozen=True, slots=True)
class Orientation:
    """Transposition and mirroring of an image; the transposition comes first.

    Attributes:
        transpose: whether rows become columns.
        flip_rows: whether it is mirrored top to bottom.
        flip_columns: whether it is mirrored left to right.
    """

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    @classmethod
    def from_display_matrix(cls, matrix: bytes) -> Orientation:
        """Read FFmpeg's display matrix.

        It has nine native int32, of which the first rows are (a, b, .), (c, d, .): a pixel at
        (x, y) is shown at (ax + cy, bx + dy), y downwards. An angle between quarter turns, which
        cameras do not write, counts as the nearest one.
        """
        a, b, _, c, d = struct.unpack_from("=5i", matrix)
        if abs(b) > abs(a):
            return cls(transpose=True, flip_rows=b < 0, flip_columns=c < 0)
        return cls(flip_rows=d < 0, flip_columns=a < 0)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Return an image (H, W, C) as it is to be shown: (H, W, C) or (W, H, C), contiguous."""
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
