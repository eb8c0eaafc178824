"""Frames as they arrive: raw, compressed or RGB; decoded only when a unit needs them."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import cv2
import numpy as np

from roma_ros.units.encodings import Chroma, PixelLayout, demosaic, layout_of
from roma_ros.units.errors import ImageError
from roma_ros.units.image_header import ImageFormat, ImageHeader, read_header, strip_png

__all__ = [
    "DEFAULT_DECODED_PIXELS",
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
"""Larger images are refused before they are decoded."""
DEFAULT_DECODED_PIXELS = 8_388_608
"""Larger compressed images are refused unless they can be decoded at a smaller size."""
MAX_COMPRESSED_BYTES = 32 * 1024 * 1024
MAX_SIDES_RATIO = 200
"""Longer side over shorter side; the model's grid of patches has no place for more."""
ENOUGH_PIXELS = 1_000_000
"""Images are reduced by 2, 4 or 8 per side as long as so many pixels are left."""

Buffer: TypeAlias = "bytes | bytearray | memoryview | array[int] | np.ndarray"
"""Bytes of a message; rclpy gives an array.array."""


class Frame(Protocol):
    """One image of the stream, decoded on demand."""

    @property
    def stamp(self) -> int:
        """Time of exposure, ns on the sensor clock."""

    def decode(self) -> np.ndarray:
        """Return the image: uint8 (H, W, 3) RGB, read-only.

        Raises:
            ImageError: it cannot be decoded.
        """


@dataclass(frozen=True, slots=True, eq=False)
class RgbFrame:
    """A frame that is an RGB image already.

    Attributes:
        stamp: ns on the sensor clock.
        rgb: uint8 (H, W, 3) RGB, values 0 to 255.
    """

    stamp: int
    rgb: np.ndarray

    def decode(self) -> np.ndarray:
        rgb = self.rgb
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
            raise ImageError(f"the frame is {rgb.dtype} {rgb.shape}; expected uint8 (H, W, 3)")
        _check_size(*rgb.shape[:2])
        return rgb


@dataclass(frozen=True, slots=True, eq=False)
class RestampedFrame:
    """A frame with another stamp.

    Attributes:
        stamp: ns; replaces the frame's own.
        frame: the frame as it arrived.
    """

    stamp: int
    frame: Frame

    def decode(self) -> np.ndarray:
        return self.frame.decode()


@dataclass(frozen=True, slots=True, eq=False)
class CompressedFrame:
    """A JPEG, PNG or WebP image.

    Attributes:
        stamp: ns on the sensor clock.
        format: `format` of sensor_msgs/CompressedImage, such as "jpeg" or "rgb8; jpeg compressed
            bgr8". It gives only depth, grey and Bayer patterns; the codec is found in the data.
        data: the whole encoded image.
        max_pixels: larger images are refused, except JPEG images that can be decoded at a smaller
            size (all but progressive ones), up to MAX_PIXELS. A PNG of 16 bits counts twice.
    """

    stamp: int
    format: str
    data: Buffer
    max_pixels: int = DEFAULT_DECODED_PIXELS

    def decode(self) -> np.ndarray:
        """Return uint8 (H, W, 3) RGB; the sides of a large image are reduced by 2, 4 or 8.

        Raises:
            ImageError: it is too large, damaged, a depth image, or coded otherwise.
        """
        try:
            return self._decode(as_bytes(self.data))
        except ImageError as error:
            raise ImageError(f"image of format {self.format[:60]!r}: {error}") from None

    def _decode(self, data: np.ndarray) -> np.ndarray:
        source = self.format.partition(";")[0].strip()
        if "compresseddepth" in self.format.lower() or source in ("16UC1", "32FC1"):
            raise ImageError(_DEPTH)
        if data.size > MAX_COMPRESSED_BYTES:
            raise ImageError(
                f"it has {data.size:,} bytes; expected at most {MAX_COMPRESSED_BYTES:,}"
            )
        encoded = data.tobytes()
        header = read_header(encoded, self.format)
        if (
            header.format is ImageFormat.PNG
            and header.bits == 16
            and header.grey
            and source != "mono16"
        ):
            raise ImageError(f"a PNG of 16 bits grey: {_DEPTH}")
        mosaic = layout_of(source) if source.startswith("bayer_") and header.grey else None
        if mosaic is not None:
            header = replace(header, reducible=False)  # averages of a pattern are grey
        factor = self._reduction(header)
        if header.format is ImageFormat.PNG:
            encoded = strip_png(encoded)
        if mosaic is None:
            rgb = cv2.cvtColor(_imdecode(encoded, header, _REDUCED[factor]), cv2.COLOR_BGR2RGB)
        else:
            rgb = demosaic(_imdecode(encoded, header, cv2.IMREAD_GRAYSCALE), mosaic.to_rgb)
        return _reduced([rgb], *rgb.shape[:2])

    def _reduction(self, header: ImageHeader) -> int:
        """Return by how much the sides are reduced while the image is decoded: 1, 2, 4 or 8."""
        _check_size(header.height, header.width)
        pixels = header.height * header.width * (header.bits // 8)
        if header.reducible:
            return _factor(header.height, header.width)
        if pixels > self.max_pixels:
            raise ImageError(
                f"it is {header.format.value} of {header.width}x{header.height} pixels"
                f"{' of 16 bits, which count twice' if header.bits == 16 else ''}; expected at "
                f"most {self.max_pixels:,} pixels (parameter max_decoded_pixels) of images that "
                "can only be decoded whole; let the driver send smaller ones, or baseline JPEG"
            )
        return 1


_DEPTH = (
    "it is a depth image (distances); expected an image in colour or grey; remap image to the "
    "camera's colour topic (a grey image of 16 bits is of format 'mono16; png compressed')"
)
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def _imdecode(data: bytes, header: ImageHeader, flags: int) -> np.ndarray:
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        decoded = None
    if decoded is None:
        raise ImageError(
            f"the {len(data)} bytes have the header of {header.format.value} but cannot be "
            "decoded; the data is corrupt"
        )
    return decoded


@dataclass(frozen=True, slots=True, eq=False)
class RawFrame:
    """An uncompressed image with the fields of sensor_msgs/Image.

    Attributes:
        stamp: ns on the sensor clock.
        height, width: size of the image, pixels.
        encoding: one of `roma_ros.units.encodings.ENCODINGS`.
        step: bytes from one row to the next; may exceed the row.
        data: step * rows bytes; the padding of the last row may be missing.
        is_bigendian: byte order of 16-bit values.
    """

    stamp: int
    height: int
    width: int
    encoding: str
    step: int
    data: Buffer
    is_bigendian: bool = False

    def decode(self) -> np.ndarray:
        """Return uint8 (H, W, 3) RGB; the sides of a large image are reduced by 2, 4 or 8.

        Raises:
            ImageError: the encoding is not supported, or the fields do not fit the data.
        """
        layout = layout_of(self.encoding)
        _check_size(self.height, self.width)
        uneven = (self.width % 2, self.height % 2 if layout.chroma is Chroma.QUADS else 0)
        if layout.chroma in (Chroma.PAIRS, Chroma.QUADS) and any(uneven):
            raise ImageError(
                f"the image has {self.width}x{self.height} pixels of {self.encoding}; expected an "
                "even size, since its pixels share their colours in pairs"
            )
        bands = layout.bands(
            self._planes(layout), self.width, big_endian=self.is_bigendian, multiple=8
        )
        return _reduced(bands, self.height, self.width)

    def _planes(self, layout: PixelLayout) -> list[np.ndarray]:
        """Return views of the planes without padding: uint8 (rows, bytes of a row)."""
        used = layout.row_bytes(self.width)
        data = as_bytes(self.data)
        planes = layout.planes(self.height, self.width, self._step(layout, data.size))
        whole = sum(rows * stride for _, rows, stride, _ in planes)
        offset, rows, stride, row = planes[-1]
        if self.step < used:
            raise ImageError(
                f"step is {self.step} bytes; expected at least {used} for "
                f"{self.width} pixels of {self.encoding}"
            )
        if not offset + (rows - 1) * stride + row <= data.size <= whole:
            raise ImageError(
                f"the data has {data.size} bytes; expected {whole}: {whole // self.step} rows of "
                f"{self.step} bytes ({self.width}x{self.height} {self.encoding})"
            )
        return [
            np.lib.stride_tricks.as_strided(data[offset:], (rows, row), (stride, 1))
            for offset, rows, stride, row in planes
        ]

    def _step(self, layout: PixelLayout, size: int) -> int:
        """Return the bytes from one row of the luma to the next.

        Some drivers of planar encodings count the bytes of all planes in `step`.
        """
        tight = layout.planes(self.height, self.width, layout.row_bytes(self.width))
        together = sum(rows * stride for _, rows, stride, _ in tight)
        if len(tight) > 1 and size == together == self.step * self.height:
            return layout.row_bytes(self.width)
        return self.step


def as_bytes(data: Buffer) -> np.ndarray:
    """Return a view uint8 (n,) of the same memory; n may be 0, unlike np.frombuffer's."""
    return np.frombuffer(data, np.uint8) if len(data) else np.empty(0, np.uint8)


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise ImageError(
            f"the image has {width}x{height} pixels; expected 1 to {MAX_PIXELS:,} pixels"
        )
    if max(height, width) > MAX_SIDES_RATIO * min(height, width):
        raise ImageError(
            f"the image has {width}x{height} pixels; expected sides in a ratio of at most "
            f"{MAX_SIDES_RATIO}"
        )


def _factor(height: int, width: int) -> int:
    """Return by how much the sides of an image are reduced: 1, 2, 4 or 8."""
    fitting = (by for by in (8, 4, 2) if height * width >= by * by * ENOUGH_PIXELS)
    return next(fitting, 1)


def _reduced(bands: Iterable[np.ndarray], height: int, width: int) -> np.ndarray:
    """Join an image from its bands of rows, reduced if it is large."""
    factor = _factor(height, width)
    parts = [band if factor == 1 else _smaller(band, factor) for band in bands]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _smaller(band: np.ndarray, factor: int) -> np.ndarray:
    height, width = band.shape[:2]
    size = max(1, width // factor), max(1, height // factor)
    return cv2.resize(band, size, interpolation=cv2.INTER_AREA)
