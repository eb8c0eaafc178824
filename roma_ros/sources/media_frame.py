"""A frame of a media file, converted only when somebody looks at it."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np

from roma_ros.sources.orientation import UPRIGHT, Orientation
from roma_ros.units import ImageError
from roma_ros.units.frame import MAX_PIXELS

__all__ = ["MediaFrame"]


@dataclass(frozen=True, slots=True, eq=False)
class MediaFrame:
    """A decompressed picture in the codec's own pixel format.

    Attributes:
        stamp: ns.
        picture: as the decoder gave it.
        orientation: how the file says that it is to be shown; `decode` does so.
    """

    stamp: int
    picture: av.VideoFrame
    orientation: Orientation = UPRIGHT

    @property
    def height(self) -> int:
        """Pixels, as it is shown."""
        return self.picture.width if self.orientation.transpose else self.picture.height

    @property
    def width(self) -> int:
        """Pixels, as it is shown."""
        return self.picture.height if self.orientation.transpose else self.picture.width

    def decode(self) -> np.ndarray:
        """uint8 (H, W, 3) RGB, upright.

        Raises:
            ImageError: it has too many pixels, or a pixel format that cannot be converted.
        """
        if self.height * self.width > MAX_PIXELS:
            raise ImageError(
                f"got a frame of {self.width}x{self.height} pixels, wanted at most {MAX_PIXELS:,}"
            )
        try:
            rgb = self.picture.to_ndarray(format="rgb24")
        except (av.FFmpegError, ValueError) as error:
            name = self.picture.format.name
            raise ImageError(f"cannot convert a frame of pixel format {name}: {error}") from error
        return self.orientation.apply(rgb)
