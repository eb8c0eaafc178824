import struct
import zlib

import cv2
import numpy as np
import pytest

from roma_ros.units import ImageError
from roma_ros.units.image_header import ImageFormat, read_header, strip_png


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".png", []),
        (".jpg", []),
        (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        (".jpg", [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
        (".webp", []),
        (".webp", [cv2.IMWRITE_WEBP_QUALITY, 101]),
    ],
)
@pytest.mark.parametrize("size", [(1, 1), (37, 500), (300, 2)])
def test_size(suffix, options, size):
    _, data = cv2.imencode(suffix, np.zeros((*size, 3), np.uint8), options)
    header = read_header(data.tobytes())
    assert (header.height, header.width) == size


def test_padding_before_and_after_the_parts_of_a_jpeg():
    _, encoded = cv2.imencode(".jpg", np.zeros((20, 30, 3), np.uint8))
    data = encoded.tobytes()
    header = read_header(data[:2] + b"\xff" + data[2:] + bytes(512))
    assert (header.height, header.width) == (20, 30)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "nothing"),
        (b"\0" * 100, "00 00"),
        (b"\xff\xd8", "SOF"),
        (b"\xff\xd8\xff\xe0\xff\xff", "SOF"),
        (b"\xff\xd8" + b"\xff\xc0\0\x11\x08\0\x10\0\x10" + bytes(20), "cut off"),
        (b"\x89PNG\r\n\x1a\n\0\0", "IHDR"),
    ],
)
def test_broken_headers(data, message):
    with pytest.raises(ImageError, match=message):
        read_header(data)


def encoded(suffix, picture, *options):
    return cv2.imencode(suffix, picture, list(options))[1].tobytes()


def test_what_can_be_decoded_at_a_smaller_size():
    picture = np.zeros((16, 16, 3), np.uint8)
    assert read_header(encoded(".jpg", picture)).reducible
    assert not read_header(encoded(".jpg", picture, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)).reducible
    assert not read_header(encoded(".png", picture)).reducible
    webp = read_header(encoded(".webp", np.zeros((20, 30, 4), np.uint8)))
    assert (webp.format, webp.height, webp.width, webp.reducible) == (
        ImageFormat.WEBP,
        20,
        30,
        False,
    )


def test_bits_and_grey():
    grey = np.zeros((4, 4), np.uint8)
    for suffix in (".png", ".jpg"):
        assert read_header(encoded(suffix, grey)).grey
        assert not read_header(encoded(suffix, np.zeros((4, 4, 3), np.uint8))).grey
    deep = read_header(encoded(".png", grey.astype(np.uint16)))
    assert (deep.bits, deep.grey) == (16, True)


def test_a_jpeg_of_thousands_of_scans_is_refused():
    data = encoded(".jpg", np.zeros((16, 16, 3), np.uint8), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    scan = data.rfind(b"\xff\xda")
    with pytest.raises(ImageError, match="scans; expected at most 20"):
        read_header(data[:-2] + 2000 * data[scan:-2] + data[-2:])


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"GIF89a" + bytes(20), "GIF"),
        (b"BM" + bytes(50), "BMP"),
        (b"II*\0" + bytes(50), "TIFF"),
        (bytes(4) + b"ftypavif" + bytes(50), "AVIF"),
        (b"\0\0\0\x0cJXL " + bytes(50), "JPEG XL"),
    ],
)
def test_other_codings_are_refused_by_name(data, name):
    with pytest.raises(ImageError, match=rf"it is {name}, .*set the driver's format to jpeg"):
        read_header(data)


@pytest.mark.parametrize("name", ["h264", "rgb8; H.265 compressed", "av1"])
def test_a_video_stream_is_refused_with_what_to_do(name):
    with pytest.raises(ImageError, match=r"video stream.*image_transport ffmpeg"):
        read_header(b"whatever", name)
    with pytest.raises(ImageError, match="video stream"):
        read_header(b"\0\0\0\x01\x67" + bytes(20), "")


def part(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_texts_and_profiles_of_a_png_are_left_out():
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    plain = encoded(".png", picture)
    text = part(b"zTXt", b"a\0\0" + zlib.compress(bytes(8_000_000)))
    long = plain[:33] + 3 * text + plain[33:] + b"more"
    assert strip_png(long) == plain
    assert np.array_equal(cv2.imdecode(np.frombuffer(strip_png(long), np.uint8), 1), picture)


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0x08000000, 0xFFFFFFFF])
def test_a_part_of_a_png_that_claims_to_be_longer_than_the_image(length):
    plain = encoded(".png", np.zeros((20, 30, 3), np.uint8))
    broken = plain[:33] + struct.pack(">I", length) + plain[37:]
    with pytest.raises(ImageError, match=f"cut off or broken after 33 of {len(plain)} bytes"):
        strip_png(broken)


def test_a_png_of_millions_of_parts_is_refused():
    plain = encoded(".png", np.zeros((20, 30, 3), np.uint8))
    with pytest.raises(ImageError, match="broken"):
        strip_png(plain[:33] + 100_000 * part(b"IDAT", b"") + plain[33:])
