"""Frame of a media file or stream, converted to RGB only on demand."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from roma_ros.sources.orientation import UPRIGHT, Orientation
from roma_ros.units import ImageError
from roma_ros.units.frame import MAX_PIXELS

__all__ = ["MediaFrame"]


@dataclass(frozen=True, slots=True, eq=False)
class MediaFrame:
    """A decompressed frame in the codec's own pixel format.

    Attributes:
        stamp: ns.
        picture: PyAV's frame, as the decoder gave it.
        orientation: orientation that the file gives for display; applied by `decode`.
        pixel_aspect: width of a pixel of `picture` divided by its height; `decode` scales to square
            pixels by making the shorter side longer.
    """

    stamp: int
    picture: av.VideoFrame
    orientation: Orientation = UPRIGHT
    pixel_aspect: Fraction = Fraction(1)

    @property
    def height(self) -> int:
        """Height as shown, pixels."""
        width, height = self._square_size()
        return width if self.orientation.transpose else height

    @property
    def width(self) -> int:
        """Width as shown, pixels."""
        width, height = self._square_size()
        return height if self.orientation.transpose else width

    def decode(self) -> np.ndarray:
        """Return uint8 (H, W, 3) RGB, upright, with square pixels.

        Raises:
            ImageError: it has too many pixels, or a pixel format that cannot be converted.
        """
        width, height = self._square_size()
        if height * width > MAX_PIXELS:
            raise ImageError(
                f"the frame has {self.width}x{self.height} pixels; expected at most {MAX_PIXELS:,}"
            )
        try:
            rgb = self.picture.reformat(width, height, format="rgb24").to_ndarray()
        except (av.FFmpegError, ValueError) as error:
            name = self.picture.format.name
            raise ImageError(f"cannot convert a frame of pixel format {name}: {error}") from error
        return self.orientation.apply(rgb)

    def _square_size(self) -> tuple[int, int]:
        """Return width and height with square pixels, before the frame is rotated."""
        width, height = self.picture.width, self.picture.height
        if self.pixel_aspect > 1:
            return round(width * self.pixel_aspect), height
        return width, round(height / self.pixel_aspect)
