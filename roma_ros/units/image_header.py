"""Headers of JPEG, PNG and WebP images, read before anything is decoded."""

import struct
from dataclasses import dataclass
from enum import Enum

from roma_ros.units.errors import ImageError

__all__ = ["ImageFormat", "ImageHeader", "read_header", "strip_png"]


class ImageFormat(Enum):
    """Supported image formats; the value is the text of error messages."""

    JPEG = "a JPEG image"
    PNG = "a PNG image"
    WEBP = "a WebP image"


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Header of a compressed image.

    Attributes:
        format: how the image is coded.
        height, width: size, pixels.
        bits: bits of a value, 8 or 16.
        grey: whether a pixel has one value.
        reducible: whether it can be decoded at a half, a quarter or an eighth of its size.
    """

    format: ImageFormat
    height: int
    width: int
    bits: int = 8
    grey: bool = False
    reducible: bool = False


_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_PARTS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"eXIf", b"IEND")
MAX_CHUNKS = 50_000
"""Limit of the chunks of a PNG image; most encoders write one for each 8 kB."""
_JPEG_START = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
# Start-of-frame markers; DHT (C4), JPG (C8) and DAC (CC) share their range.
_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SEQUENTIAL = (0xC0, 0xC1)
_JPEG_SCAN = 0xDA
_JPEG_STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01}
MAX_SCANS = 20
"""Limit of the scans of a JPEG; a progressive one has about 10, each as costly to decode."""

# What else arrives in CompressedImage messages, by its first bytes (at an offset).
_OTHERS = (
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftyphei", "HEIF"),
    (4, b"ftypmif1", "HEIF"),
    (0, b"\0\0\0\x0cjP", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\0\0\0\x0cJXL", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
)
_VIDEO = ("h264", "h265", "h.264", "h.265", "x264", "x265", "avc", "hevc", "av1", "vp8", "vp9")
_VIDEO_START = (b"\0\0\0\x01", b"\0\0\x01")


def read_header(data: bytes, format_name: str = "") -> ImageHeader:
    """Read the header of a JPEG, PNG or WebP image.

    Args:
        data: the whole image.
        format_name: `format` of the message, for the text of an error.

    Raises:
        ImageError: it is coded otherwise, or its header is cut off or broken.
    """
    if data.startswith(_PNG_SIGNATURE):
        return _png(data)
    if data.startswith(_JPEG_START):
        return _jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data.startswith(_VIDEO_START) or any(name in format_name.lower() for name in _VIDEO):
        raise ImageError(
            "it is a video stream (H.264, H.265, AV1 ...); expected single JPEG, PNG or WebP "
            "images; use image_transport ffmpeg or foxglove, or let image_transport's node "
            "republish decode it"
        )
    name = next((name for at, magic, name in _OTHERS if data[at:].startswith(magic)), None)
    raise ImageError(
        f"it is {f'{name}, ' if name else ''}{len(data)} bytes starting with "
        f"{data[:8].hex(' ') or 'nothing'}; expected a whole JPEG (ff d8), PNG (89 50 4e 47) or "
        "WebP (RIFF) image; set the driver's format to jpeg"
    )


def _png(data: bytes) -> ImageHeader:
    if len(data) < 26 or data[12:16] != b"IHDR":
        raise ImageError(
            f"it is a PNG image of {len(data)} bytes without its header (IHDR); expected a whole "
            "one"
        )
    width, height, bits, colours = struct.unpack(">IIBB", data[16:26])
    return ImageHeader(
        ImageFormat.PNG, height, width, 16 if bits == 16 else 8, grey=colours in (0, 4)
    )


def strip_png(data: bytes) -> bytes:
    """Return a PNG image without its texts, profiles and animation.

    Raises:
        ImageError: it is cut off, or a chunk claims to be longer than the rest of the data, for
            which a decoder would allocate memory first.
    """
    kept = [data[: len(_PNG_SIGNATURE)]]
    at = len(_PNG_SIGNATURE)
    for _ in range(MAX_CHUNKS):
        (length,) = struct.unpack(">I", data[at : at + 4].rjust(4, b"\xff"))
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data):
            break
        if kind in _PNG_PARTS:
            kept.append(data[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    raise ImageError(
        f"it is a PNG image cut off or broken after {at} of {len(data)} bytes; expected a whole one"
    )


def _webp(data: bytes) -> ImageHeader:
    part, body = data[12:16], data[20:30]
    if len(body) < 10 or part not in (b"VP8 ", b"VP8L", b"VP8X"):
        raise ImageError(
            f"it is a WebP image of {len(data)} bytes without its header; expected a whole one"
        )
    if part == b"VP8X":
        width = 1 + int.from_bytes(body[4:7], "little")
        height = 1 + int.from_bytes(body[7:10], "little")
    elif part == b"VP8L":
        sizes = int.from_bytes(body[1:5], "little")
        width, height = 1 + (sizes & 0x3FFF), 1 + (sizes >> 14 & 0x3FFF)
    else:
        width, height = (size & 0x3FFF for size in struct.unpack("<HH", body[6:10]))
    return ImageHeader(ImageFormat.WEBP, height, width)


def _jpeg(data: bytes) -> ImageHeader:
    frame: tuple[int, int, int, int] | None = None  # marker, height, width, components
    scan_components = 0
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _JPEG_STANDALONE:
            at += 2
            continue
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        if marker in _JPEG_SIZE_MARKERS and at + 10 <= len(data):
            frame = (marker, *struct.unpack(">HHB", data[at + 5 : at + 10]))
        if marker == _JPEG_SCAN:
            scan_components = data[at + 4] if at + 4 < len(data) else 0
            break
        at += 2 + length
    if frame is None:
        raise ImageError(
            f"it is a JPEG image of {len(data)} bytes without a frame header (SOF); expected a "
            "whole one"
        )
    # The decoder would fill the missing part of a cut-off image with grey without an error.
    if data.rfind(_JPEG_END) <= at:
        raise ImageError(
            f"it is a JPEG image cut off after {len(data)} bytes; expected an end marker (ff d9)"
        )
    scans = data.count(bytes((0xFF, _JPEG_SCAN)), at)
    marker, height, width, components = frame
    single_scan = marker in _JPEG_SEQUENTIAL and scan_components == components
    if not single_scan and scans > MAX_SCANS:
        raise ImageError(f"it is a JPEG image of {scans} scans; expected at most {MAX_SCANS}")
    return ImageHeader(ImageFormat.JPEG, height, width, grey=components == 1, reducible=single_scan)
