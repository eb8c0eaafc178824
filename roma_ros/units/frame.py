"""Video frames as they arrive, decoded only when a unit keeps them."""

from array import array
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import cv2
import numpy as np

from .errors import ImageError
from .image_header import image_size

__all__ = [
    "MAX_PIXELS",
    "Buffer",
    "CompressedFrame",
    "Frame",
    "RawFrame",
    "RestampedFrame",
    "RgbFrame",
    "as_bytes",
]

MAX_PIXELS = 64_000_000
"""Larger images are refused before a byte of them is decoded."""

Buffer: TypeAlias = "bytes | bytearray | memoryview | array[int] | np.ndarray"
"""Bytes; rclpy gives an array.array."""


class Frame(Protocol):
    """One picture of the stream."""

    @property
    def stamp(self) -> int:
        """When it was taken: ns on the sensor clock."""

    def decode(self) -> np.ndarray:
        """uint8 (H, W, 3) RGB, to be read only. Raises ImageError."""


@dataclass(frozen=True, slots=True, eq=False)
class RgbFrame:
    """A frame that is decoded already.

    Attributes:
        stamp: ns on the sensor clock.
        rgb: uint8 (H, W, 3), RGB.
    """

    stamp: int
    rgb: np.ndarray

    def decode(self) -> np.ndarray:
        rgb = self.rgb
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
            raise ImageError(f"got {rgb.dtype} {rgb.shape}, wanted uint8 (H, W, 3)")
        _check_size(*rgb.shape[:2])
        return rgb


@dataclass(frozen=True, slots=True, eq=False)
class RestampedFrame:
    """A frame with another stamp.

    Attributes:
        stamp: ns, in place of the frame's own.
        frame: the frame as it came.
    """

    stamp: int
    frame: Frame

    def decode(self) -> np.ndarray:
        return self.frame.decode()


@dataclass(frozen=True, slots=True, eq=False)
class CompressedFrame:
    """A JPEG or PNG image.

    Attributes:
        stamp: ns on the sensor clock.
        format: what the sender calls it, e.g. "jpeg" or "rgb8; jpeg compressed bgr8". Only for
            messages: the data says what it is.
        data: the encoded image, whole.
    """

    stamp: int
    format: str
    data: Buffer

    def decode(self) -> np.ndarray:
        data = bytes(self.data)
        try:
            _check_size(*image_size(data))
        except ImageError as error:
            raise ImageError(f"image of format {self.format!r}: {error}") from None
        try:
            bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:
            bgr = None
        if bgr is None:
            raise ImageError(
                f"image of format {self.format!r}: the {len(data)} bytes have the header of a "
                "JPEG or PNG image but cannot be decoded; the data is corrupt"
            )
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How an encoding lies in memory, and how it becomes RGB."""

    pixel_bytes: int  # in a row
    to_rgb: int | None  # OpenCV conversion code; None: it is RGB
    even_width: bool = False
    planar_420: bool = False  # half as many rows again follow, with the colours


# YUV is BT.601 of limited range, and 8UC3 is BGR, as cv_bridge has them. OpenCV names a Bayer
# pattern by its second row's second and third pixel, ROS by its first four.
_LAYOUTS = {
    "rgb8": _Layout(3, None),
    "bgr8": _Layout(3, cv2.COLOR_BGR2RGB),
    "8UC3": _Layout(3, cv2.COLOR_BGR2RGB),
    "rgba8": _Layout(4, cv2.COLOR_RGBA2RGB),
    "bgra8": _Layout(4, cv2.COLOR_BGRA2RGB),
    "mono8": _Layout(1, cv2.COLOR_GRAY2RGB),
    "yuv422": _Layout(2, cv2.COLOR_YUV2RGB_UYVY, even_width=True),
    "yuv422_yuy2": _Layout(2, cv2.COLOR_YUV2RGB_YUY2, even_width=True),
    "nv12": _Layout(1, cv2.COLOR_YUV2RGB_NV12, even_width=True, planar_420=True),
    "bayer_rggb8": _Layout(1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": _Layout(1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": _Layout(1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": _Layout(1, cv2.COLOR_BayerGB2RGB),
}


@dataclass(frozen=True, slots=True, eq=False)
class RawFrame:
    """An uncompressed image with the fields of sensor_msgs/Image.

    Attributes:
        stamp: ns on the sensor clock.
        height, width: pixels.
        encoding: rgb8, bgr8, rgba8, bgra8, mono8, yuv422 (UYVY), yuv422_yuy2, nv12, 8UC3 (BGR) or
            bayer_{rggb,bggr,gbrg,grbg}8.
        step: bytes from one row to the next; may exceed the row.
        data: step * rows bytes; the padding of the last row may be missing.
        is_bigendian: of no meaning here, since every encoding has pixels of single bytes.
    """

    stamp: int
    height: int
    width: int
    encoding: str
    step: int
    data: Buffer
    is_bigendian: bool = False

    def decode(self) -> np.ndarray:
        layout = _LAYOUTS.get(self.encoding)
        if layout is None:
            raise ImageError(f"got encoding {self.encoding!r}, wanted one of {', '.join(_LAYOUTS)}")
        _check_size(self.height, self.width)
        if (layout.even_width and self.width % 2) or (layout.planar_420 and self.height % 2):
            raise ImageError(
                f"got {self.width}x{self.height} pixels of {self.encoding}, whose pixels share "
                "their colours in pairs: wanted an even size"
            )
        rows = self._rows(layout)
        if layout.pixel_bytes > 1:
            rows = rows.reshape(self.height, self.width, layout.pixel_bytes)
        return rows if layout.to_rgb is None else cv2.cvtColor(rows, layout.to_rgb)

    def _rows(self, layout: _Layout) -> np.ndarray:
        """uint8 (rows, bytes of a row) without padding."""
        used = self.width * layout.pixel_bytes
        if self.step < used:
            raise ImageError(
                f"got a step of {self.step} bytes, wanted at least {used} for "
                f"{self.width} pixels of {self.encoding}"
            )
        count = self.height * 3 // 2 if layout.planar_420 else self.height
        data = as_bytes(self.data)
        whole = count * self.step
        if not whole - (self.step - used) <= data.size <= whole:
            raise ImageError(
                f"got {data.size} bytes of data, wanted {whole}: {count} rows of {self.step} "
                f"bytes ({self.width}x{self.height} {self.encoding})"
            )
        if data.size < whole:
            data = np.pad(data, (0, whole - data.size))
        return np.ascontiguousarray(data.reshape(count, self.step)[:, :used])


def as_bytes(data: Buffer) -> np.ndarray:
    """uint8 (n,) over the same memory, none for none (which np.frombuffer refuses)."""
    return np.frombuffer(data, np.uint8) if len(data) else np.empty(0, np.uint8)


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise ImageError(
            f"got an image of {width}x{height} pixels, wanted 1 to {MAX_PIXELS:,} pixels"
        )
