"""The size of a JPEG or PNG image, read from its header before it costs anything."""

import struct

from .errors import ImageError

__all__ = ["image_size"]

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
# Start-of-frame markers; DHT (C4), JPG (C8) and DAC (CC) share their range.
_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN = 0xDA


def image_size(data: bytes) -> tuple[int, int]:
    """Height and width in pixels of a JPEG or PNG image.

    Raises:
        ImageError: neither JPEG nor PNG, or a header that is cut off or broken.
    """
    if data.startswith(_PNG_SIGNATURE):
        return _png_size(data)
    if data.startswith(_JPEG_START):
        return _jpeg_size(data)
    raise ImageError(
        f"got {len(data)} bytes starting with {data[:8].hex(' ') or 'nothing'}, "
        "wanted a whole JPEG (ff d8) or PNG (89 50 4e 47) image"
    )


def _png_size(data: bytes) -> tuple[int, int]:
    if len(data) < 24 or data[12:16] != b"IHDR":
        raise ImageError(f"got a PNG image of {len(data)} bytes without its header (IHDR)")
    width, height = struct.unpack(">II", data[16:24])
    return height, width


def _jpeg_size(data: bytes) -> tuple[int, int]:
    size: tuple[int, int] | None = None
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        if marker in _JPEG_SIZE_MARKERS and at + 9 <= len(data):
            size = struct.unpack(">HH", data[at + 5 : at + 9])
        if marker == _JPEG_SCAN:
            break
        at += 2 + length
    if size is None:
        raise ImageError(f"got a JPEG image of {len(data)} bytes without a frame header (SOF)")
    # The decoder would paint what is missing of a cut-off image grey and say nothing.
    if data.rfind(_JPEG_END) <= at:
        raise ImageError(f"got a JPEG image cut off after {len(data)} bytes: no end marker (ff d9)")
    return size
