"""Encodings of sensor_msgs/Image, and their conversion to RGB."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np

from roma_ros.units.errors import ImageError

__all__ = ["ENCODINGS", "Chroma", "PixelLayout", "demosaic", "layout_of"]

BAND_PIXELS = 1_000_000
"""Images are converted in bands of rows of about so many pixels, to save memory."""


class Chroma(Enum):
    """Sharing of chroma values between pixels (chroma subsampling)."""

    OWN = "each pixel has its own"
    PAIRS = "4:2:2, packed: two pixels in a row share them"
    QUADS = "4:2:0: two by two pixels share them; they follow the luma"
    PLANE = "4:4:4: each pixel has its own; they follow the luma, in rows of twice its length"


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """Memory layout of an encoding, and its conversion to RGB.

    Attributes:
        channels: values of a pixel in its row.
        to_rgb: OpenCV's conversion code; `None`: it is RGB already.
        bits: 8 or 16 for each value. 16 bits are scaled to 8 as cv_bridge does, full scale to full
            scale.
        chroma: which pixels share chroma values.
        mosaic: whether it is a Bayer pattern, in which a pixel has one of three colours.
    """

    channels: int
    to_rgb: int | None
    bits: int = 8
    chroma: Chroma = Chroma.OWN
    mosaic: bool = False

    def row_bytes(self, width: int) -> int:
        """Return the bytes of a row of pixels (of luma, where chroma has its own plane)."""
        return width * self.channels * self.bits // 8

    def planes(self, height: int, width: int, step: int) -> list[tuple[int, int, int, int]]:
        """Return each plane's offset, rows, bytes from row to row, and used bytes of a row."""
        used = self.row_bytes(width)
        if self.chroma is Chroma.QUADS:
            return [(0, height, step, used), (height * step, height // 2, step, used)]
        if self.chroma is Chroma.PLANE:
            return [(0, height, step, used), (height * step, height, 2 * step, 2 * used)]
        return [(0, height, step, used)]

    def bands(
        self, planes: list[np.ndarray], width: int, *, big_endian: bool, multiple: int
    ) -> Iterator[np.ndarray]:
        """Yield bands of the image from top to bottom, uint8 (rows, W, 3) RGB.

        Args:
            planes: uint8 (rows, bytes) of each plane; rows need not be contiguous.
            width: width of the image, pixels.
            big_endian: byte order of 16-bit values.
            multiple: an even number; all bands but the last have a multiple of so many rows.
        """
        height = planes[0].shape[0]
        rows = max(multiple, BAND_PIXELS // width // multiple * multiple)
        for top in range(0, height, rows):
            yield self._band(planes, top, min(top + rows, height), width, big_endian)

    def _band(
        self, planes: list[np.ndarray], top: int, bottom: int, width: int, big_endian: bool
    ) -> np.ndarray:
        luma = planes[0]
        if self.mosaic:  # two rows more on either side: each pixel's colours come from around it
            first, last = max(0, top - 2), min(len(luma), bottom + 2)
            pixels = self._pixels(luma[first:last], width, big_endian)[..., 0]
            return demosaic(pixels, self.to_rgb)[top - first : bottom - first]
        pixels = self._pixels(luma[top:bottom], width, big_endian)
        if self.chroma is Chroma.QUADS:
            pairs = planes[1][top // 2 : bottom // 2].reshape(-1, width // 2, 2)
            return cv2.cvtColorTwoPlane(pixels, pairs, self.to_rgb or 0)
        if self.chroma is Chroma.PLANE:
            pairs = planes[1][top:bottom].reshape(-1, width, 2)
            return cv2.transform(np.concatenate([pixels, pairs], axis=2), _BT601)
        return pixels if self.to_rgb is None else cv2.cvtColor(pixels, self.to_rgb)

    def _pixels(self, rows: np.ndarray, width: int, big_endian: bool) -> np.ndarray:
        """Return uint8 (rows, width, channels)."""
        if self.bits == 16:
            values = np.ascontiguousarray(rows).view(">u2" if big_endian else "<u2")
            rows = cv2.convertScaleAbs(values.astype(np.uint16, copy=False), alpha=255 / 65535)
        return rows.reshape(len(rows), width, self.channels)


# Limited range, Y U V -> R G B.
_BT601 = np.array(
    [
        [1.164384, 0.0, 1.596027, -222.9215],
        [1.164384, -0.391762, -0.812968, 135.5752],
        [1.164384, 2.017232, 0.0, -276.8363],
    ]
)
_UYVY = PixelLayout(2, cv2.COLOR_YUV2RGB_UYVY, chroma=Chroma.PAIRS)
_YUYV = PixelLayout(2, cv2.COLOR_YUV2RGB_YUY2, chroma=Chroma.PAIRS)
# OpenCV names a Bayer pattern by its second row's second and third pixel, ROS by its first four.
_BAYER = {
    "rggb": cv2.COLOR_BayerBG2RGB,
    "bggr": cv2.COLOR_BayerRG2RGB,
    "gbrg": cv2.COLOR_BayerGR2RGB,
    "grbg": cv2.COLOR_BayerGB2RGB,
}

# YUV is BT.601 of limited range, and OpenCV's types (8UC3) are BGR, as cv_bridge has them.
_LAYOUTS = {
    "rgb8": PixelLayout(3, None),
    "bgr8": PixelLayout(3, cv2.COLOR_BGR2RGB),
    "rgba8": PixelLayout(4, cv2.COLOR_RGBA2RGB),
    "bgra8": PixelLayout(4, cv2.COLOR_BGRA2RGB),
    "mono8": PixelLayout(1, cv2.COLOR_GRAY2RGB),
    "rgb16": PixelLayout(3, None, bits=16),
    "bgr16": PixelLayout(3, cv2.COLOR_BGR2RGB, bits=16),
    "rgba16": PixelLayout(4, cv2.COLOR_RGBA2RGB, bits=16),
    "bgra16": PixelLayout(4, cv2.COLOR_BGRA2RGB, bits=16),
    "mono16": PixelLayout(1, cv2.COLOR_GRAY2RGB, bits=16),
    "8UC1": PixelLayout(1, cv2.COLOR_GRAY2RGB),
    "8UC3": PixelLayout(3, cv2.COLOR_BGR2RGB),
    "8UC4": PixelLayout(4, cv2.COLOR_BGRA2RGB),
    "16UC3": PixelLayout(3, cv2.COLOR_BGR2RGB, bits=16),
    "16UC4": PixelLayout(4, cv2.COLOR_BGRA2RGB, bits=16),
    "uyvy": _UYVY,
    "yuv422": _UYVY,
    "yuyv": _YUYV,
    "yuv422_yuy2": _YUYV,
    "nv12": PixelLayout(1, cv2.COLOR_YUV2RGB_NV12, chroma=Chroma.QUADS),
    "nv21": PixelLayout(1, cv2.COLOR_YUV2RGB_NV21, chroma=Chroma.QUADS),
    "nv24": PixelLayout(1, None, chroma=Chroma.PLANE),
    **{f"bayer_{name}8": PixelLayout(1, code, mosaic=True) for name, code in _BAYER.items()},
    **{
        f"bayer_{name}16": PixelLayout(1, code, bits=16, mosaic=True)
        for name, code in _BAYER.items()
    },
}
ENCODINGS = tuple(_LAYOUTS)
"""Encodings of images in colour or grey."""

_DEPTH = {"16UC1": "mm", "32FC1": "m", "16UC": "mm", "32FC": "m"}
_OPENCV_TYPE = re.compile(r"(8|16|32|64)([USF])C([0-9]*)")
_KINDS = {"U": "unsigned", "S": "signed", "F": "floating-point"}


def layout_of(encoding: str) -> PixelLayout:
    """Return the layout of an encoding.

    Raises:
        ImageError: it is no image in colour or grey; the message says what it is and what to do.
    """
    layout = _LAYOUTS.get(encoding)
    if layout is not None:
        return layout
    if encoding in _DEPTH:
        raise ImageError(
            f"the encoding is {encoding}, a depth image (distances in {_DEPTH[encoding]}); "
            "expected an image in colour or grey; remap image to the camera's colour topic (a grey "
            "image of 16 bits is mono16)"
        )
    kind = _OPENCV_TYPE.fullmatch(encoding)
    if kind is not None:
        bits, letter, channels = kind.groups()
        raise ImageError(
            f"the encoding is {encoding}, {channels or 1} {_KINDS[letter]} values of {bits} bits a "
            "pixel without a colour space; expected one such as rgb8; let the driver publish rgb8, "
            "bgr8 or mono8, or remap image to the camera's colour topic"
        )
    raise ImageError(f"the encoding is {encoding[:40]!r}; expected one of {', '.join(ENCODINGS)}")


def demosaic(pixels: np.ndarray, to_rgb: int | None) -> np.ndarray:
    """Convert a Bayer pattern, uint8 (H, W), to (H, W, 3) RGB.

    Args:
        pixels: uint8 (H, W), at least 3x3.
        to_rgb: OpenCV's conversion code.

    Raises:
        ImageError: the image is too small.
    """
    if min(pixels.shape) < 3 or to_rgb is None:
        raise ImageError(
            f"the Bayer pattern has {pixels.shape[1]}x{pixels.shape[0]} pixels; expected at "
            "least 3x3"
        )
    return cv2.cvtColor(pixels, to_rgb)
