"""Video frames as they arrive, decoded only when a unit keeps them."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import cv2
import numpy as np

from roma_ros.units.encodings import Chroma, Layout, demosaic, layout_of
from roma_ros.units.errors import ImageError
from roma_ros.units.image_header import ImageHeader, Kind, essential_png, read_header

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
"""Larger images are refused before a byte of them is decoded."""
DEFAULT_DECODED_PIXELS = 8_388_608
"""Larger compressed images are refused unless they can be decoded at a smaller size."""
MAX_COMPRESSED_BYTES = 32 * 1024 * 1024
MAX_SIDES_RATIO = 200
"""A picture of longer sides has no place in the model's grid of patches."""
ENOUGH_PIXELS = 1_000_000
"""Pictures are made smaller by 2, 4 or 8 as long as so much is left: the model sees 65,536."""

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
            raise ImageError(f"the frame is {rgb.dtype} {rgb.shape}; expected uint8 (H, W, 3)")
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
    """A JPEG, PNG or WebP image.

    Attributes:
        stamp: ns on the sensor clock.
        format: what the sender calls it, e.g. "jpeg" or "rgb8; jpeg compressed bgr8". The data says
            what is coded how; this tells depth, grey and Bayer patterns apart.
        data: the encoded image, whole.
        max_pixels: larger images are refused, except JPEG images that can be decoded at a smaller
            size (all but progressive ones): up to MAX_PIXELS. A PNG of 16 bits counts twice.
    """

    stamp: int
    format: str
    data: Buffer
    max_pixels: int = DEFAULT_DECODED_PIXELS

    def decode(self) -> np.ndarray:
        """uint8 (H, W, 3) RGB; a large one is made smaller by 2, 4 or 8.

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
        if header.kind is Kind.PNG and header.bits == 16 and header.grey and source != "mono16":
            raise ImageError(f"a PNG of 16 bits grey: {_DEPTH}")
        mosaic = layout_of(source) if source.startswith("bayer_") and header.grey else None
        if mosaic is not None:
            header = replace(header, reducible=False)  # averages of a pattern are grey
        factor = self._reduction(header)
        if header.kind is Kind.PNG:
            encoded = essential_png(encoded)
        if mosaic is None:
            rgb = cv2.cvtColor(_imdecode(encoded, header, _REDUCED[factor]), cv2.COLOR_BGR2RGB)
        else:
            rgb = demosaic(_imdecode(encoded, header, cv2.IMREAD_GRAYSCALE), mosaic.to_rgb)
        return _reduced([rgb], *rgb.shape[:2])

    def _reduction(self, header: ImageHeader) -> int:
        """By how much the image is made smaller while it is decoded."""
        _check_size(header.height, header.width)
        pixels = header.height * header.width * (header.bits // 8)
        if header.reducible:
            return _factor(header.height, header.width)
        if pixels > self.max_pixels:
            raise ImageError(
                f"it is {header.kind.value} of {header.width}x{header.height} pixels"
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
            f"the {len(data)} bytes have the header of {header.kind.value} but cannot be decoded; "
            "the data is corrupt"
        )
    return decoded


@dataclass(frozen=True, slots=True, eq=False)
class RawFrame:
    """An uncompressed image with the fields of sensor_msgs/Image.

    Attributes:
        stamp: ns on the sensor clock.
        height, width: pixels.
        encoding: one of roma_ros.units.encodings.ENCODINGS.
        step: bytes from one row to the next; may exceed the row.
        data: step * rows bytes; the padding of the last row may be missing.
        is_bigendian: order of the bytes of 16-bit values.
    """

    stamp: int
    height: int
    width: int
    encoding: str
    step: int
    data: Buffer
    is_bigendian: bool = False

    def decode(self) -> np.ndarray:
        """uint8 (H, W, 3) RGB; a large one is made smaller by 2, 4 or 8.

        Raises:
            ImageError: the encoding is no picture, or the fields do not agree with the data.
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

    def _planes(self, layout: Layout) -> list[np.ndarray]:
        """uint8 (rows, bytes of a row) of each plane, without padding; nothing is copied."""
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

    def _step(self, layout: Layout, size: int) -> int:
        """Bytes from one row of the luma to the next.

        Some drivers of layouts in planes give the bytes of all planes for each row.
        """
        tight = layout.planes(self.height, self.width, layout.row_bytes(self.width))
        together = sum(rows * stride for _, rows, stride, _ in tight)
        if len(tight) > 1 and size == together == self.step * self.height:
            return layout.row_bytes(self.width)
        return self.step


def as_bytes(data: Buffer) -> np.ndarray:
    """uint8 (n,) over the same memory, none for none (which np.frombuffer refuses)."""
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
    """By how much a picture is made smaller: 1, 2, 4 or 8."""
    fitting = (by for by in (8, 4, 2) if height * width >= by * by * ENOUGH_PIXELS)
    return next(fitting, 1)


def _reduced(bands: Iterable[np.ndarray], height: int, width: int) -> np.ndarray:
    """A picture of its bands of rows, made smaller if it is large."""
    factor = _factor(height, width)
    parts = [band if factor == 1 else _smaller(band, factor) for band in bands]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _smaller(band: np.ndarray, factor: int) -> np.ndarray:
    height, width = band.shape[:2]
    size = max(1, width // factor), max(1, height // factor)
    return cv2.resize(band, size, interpolation=cv2.INTER_AREA)
