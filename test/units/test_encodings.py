"""Every constant of sensor_msgs/image_encodings: right colours, or a sentence that says why not.

The pictures are laid out here by numpy alone, from the definitions of the layouts.
"""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from roma_ros.units import ImageError, RawFrame
from roma_ros.units.encodings import ENCODINGS

HEIGHT, WIDTH = 8, 12
HEADER = Path(sys.prefix, "include/sensor_msgs/sensor_msgs/image_encodings.hpp")

COLOURS = [
    "rgb8",
    "rgba8",
    "rgb16",
    "rgba16",
    "bgr8",
    "bgra8",
    "bgr16",
    "bgra16",
    "8UC3",
    "8UC4",
    "16UC3",
    "16UC4",
    "bayer_rggb8",
    "bayer_bggr8",
    "bayer_gbrg8",
    "bayer_grbg8",
    "bayer_rggb16",
    "bayer_bggr16",
    "bayer_gbrg16",
    "bayer_grbg16",
    "uyvy",
    "yuv422",
    "yuyv",
    "yuv422_yuy2",
    "nv12",
    "nv21",
    "nv24",
]  # nv12 is in newer releases than Jazzy
GREY = ["mono8", "mono16", "8UC1"]
DEPTH = ["16UC1", "32FC1"]
OTHERS = [
    *(["8UC2", "16UC2", "8SC1", "8SC2", "8SC3", "8SC4", "16SC1", "16SC2", "16SC3", "16SC4"]),
    *(f"{kind}C{channels}" for kind in ("32S", "32F", "64F") for channels in (1, 2, 3, 4)),
]
OTHERS.remove("32FC1")


def picture() -> np.ndarray:
    """Four patches of colour, with sides that no layout divides."""
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:4, :8] = (200, 90, 30)
    pixels[:4, 8:] = (10, 220, 60)
    pixels[4:, :8] = (40, 50, 240)
    pixels[4:, 8:] = (250, 250, 250)
    return pixels


def yuv(rgb: np.ndarray) -> np.ndarray:
    """ITU-R BT.601 of limited range."""
    red, green, blue = np.moveaxis(rgb / 255.0, -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    parts = (
        16 + 219 * luma,
        128 + 112 * (blue - luma) / (1 - 0.114),
        128 + 112 * (red - luma) / (1 - 0.299),
    )
    return np.stack(parts, axis=-1).round().astype(np.uint8)


def interleaved(rgb: np.ndarray, encoding: str) -> np.ndarray:
    """(H, W, channels) of 8 bits."""
    if encoding in GREY:
        return rgb[..., :1]
    order = [0, 1, 2] if encoding.startswith("rgb") else [2, 1, 0]
    if encoding.startswith(("rgba", "bgra")) or encoding.endswith("C4"):
        alpha = np.full((*rgb.shape[:2], 1), 9, np.uint8)
        return np.concatenate([rgb[..., order], alpha], axis=2)
    return rgb[..., order]


def mosaic(rgb: np.ndarray, pattern: str) -> np.ndarray:
    """(H, W): of each pixel the colour that its place in the pattern names."""
    values = np.empty(rgb.shape[:2], np.uint8)
    for place, letter in enumerate(pattern):
        row, column = divmod(place, 2)
        values[row::2, column::2] = rgb[row::2, column::2, "rgb".index(letter)]
    return values


def rows_of(rgb: np.ndarray, encoding: str) -> list[np.ndarray]:
    """Planes of uint8 (rows, bytes), 16 bits in little-endian order."""
    y, u, v = np.moveaxis(yuv(rgb), -1, 0)
    if encoding in ("uyvy", "yuv422"):
        packed = np.stack([u[:, ::2], y[:, ::2], v[:, ::2], y[:, 1::2]], axis=-1)
    elif encoding in ("yuyv", "yuv422_yuy2"):
        packed = np.stack([y[:, ::2], u[:, ::2], y[:, 1::2], v[:, ::2]], axis=-1)
    elif encoding in ("nv12", "nv21"):
        pairs = (u, v) if encoding == "nv12" else (v, u)
        chroma = np.stack([plane[::2, ::2] for plane in pairs], axis=-1)
        return [y, chroma.reshape(HEIGHT // 2, -1)]
    elif encoding == "nv24":
        return [y, np.stack([u, v], axis=-1).reshape(HEIGHT, -1)]
    elif encoding.startswith("bayer_"):
        packed = mosaic(rgb, encoding[6:10])
    else:
        packed = interleaved(rgb, encoding)
    flat = np.ascontiguousarray(packed).reshape(HEIGHT, -1)
    if "16" in encoding:
        return [(flat.astype("<u2") * 257).view(np.uint8)]
    return [flat]


def frame_of(rgb: np.ndarray, encoding: str, padding: int = 0) -> RawFrame:
    """With `padding` bytes of rubbish after each row; nv24's colours have twice as many."""
    planes = rows_of(rgb, encoding)
    padded = [
        np.pad(plane, ((0, 0), (0, padding * plane.shape[1] // planes[0].shape[1])), "edge")
        for plane in planes
    ]
    data = b"".join(plane.tobytes() for plane in padded)
    return RawFrame(0, HEIGHT, WIDTH, encoding, padded[0].shape[1], data)


def expected(rgb: np.ndarray, encoding: str) -> np.ndarray:
    return np.repeat(rgb[..., :1], 3, axis=2) if encoding in GREY else rgb


@pytest.mark.skipif(not HEADER.exists(), reason="needs the header of sensor_msgs")
def test_every_constant_of_the_installed_sensor_msgs_is_tried_here():
    constants = re.findall(r'^const char \w+\[\] = "(\w+)";', HEADER.read_text(), re.MULTILINE)
    assert len(constants) >= 40
    assert not set(constants) - {*COLOURS, *GREY, *DEPTH, *OTHERS}


def test_what_is_called_a_picture_is_tried_here():
    assert set(ENCODINGS) == {*COLOURS, *GREY}


@pytest.mark.parametrize("padding", [0, 3, 8])
@pytest.mark.parametrize("encoding", [*COLOURS, *GREY])
def test_right_colours(encoding, padding):
    rgb = picture()
    decoded = frame_of(rgb, encoding, padding).decode()
    assert decoded.dtype == np.uint8
    assert decoded.shape == rgb.shape
    exact = not encoding.startswith(("uyvy", "yu", "nv"))
    inner = np.ones((HEIGHT, WIDTH), bool)
    if encoding.startswith("bayer_"):  # at edges the colours of both sides mix
        inner[3:5] = inner[:, 7:9] = False
    difference = np.abs(decoded.astype(int) - expected(rgb, encoding))[inner]
    assert difference.max() <= (0 if exact else 3)


@pytest.mark.parametrize("encoding", [name for name in (*COLOURS, *GREY) if "16" in name])
def test_16_bits_in_either_order_of_bytes(encoding):
    frame = frame_of(picture(), encoding)
    swapped = np.frombuffer(frame.data, "<u2").astype(">u2").tobytes()
    big = RawFrame(0, HEIGHT, WIDTH, encoding, frame.step, swapped, is_bigendian=True)
    np.testing.assert_array_equal(big.decode(), frame.decode())


def test_16_bits_are_scaled_and_rounded():
    values = np.array([[0, 128, 129, 256, 385, 386, 32768, 65535]], "<u2")
    decoded = RawFrame(0, 1, 8, "mono16", 16, values.tobytes()).decode()
    assert decoded[0, :, 0].tolist() == [0, 0, 1, 1, 1, 2, 128, 255]


@pytest.mark.parametrize("encoding", DEPTH)
def test_depth_is_refused_as_depth(encoding):
    with pytest.raises(ImageError, match=rf"{encoding}, a depth image.*remap image to the camera"):
        RawFrame(0, HEIGHT, WIDTH, encoding, 4 * WIDTH, bytes(4 * WIDTH * HEIGHT)).decode()


@pytest.mark.parametrize("encoding", OTHERS)
def test_values_without_colours_are_refused_with_what_to_do(encoding):
    with pytest.raises(ImageError, match=rf"{encoding}, . \S+ values of \d+ bits.*rgb8, bgr8"):
        RawFrame(0, HEIGHT, WIDTH, encoding, 32 * WIDTH, bytes(32 * WIDTH * HEIGHT)).decode()


@pytest.mark.parametrize("encoding", ["nv12", "nv21", "nv24"])
def test_a_step_that_counts_all_planes_together(encoding):
    frame = frame_of(picture(), encoding)
    together = len(frame.data) // HEIGHT
    told_otherwise = RawFrame(0, HEIGHT, WIDTH, encoding, together, frame.data)
    np.testing.assert_array_equal(told_otherwise.decode(), frame.decode())


@pytest.mark.parametrize("encoding", [*COLOURS, *GREY])
def test_bands_of_a_tall_picture_have_no_seams(encoding, monkeypatch):
    """A picture converted in many bands is the same as one converted at once."""
    rgb = np.repeat(np.repeat(picture(), 10, axis=0), 10, axis=1)
    monkeypatch.setattr(sys.modules[__name__], "HEIGHT", rgb.shape[0])
    monkeypatch.setattr(sys.modules[__name__], "WIDTH", rgb.shape[1])
    frame = frame_of(rgb, encoding)
    whole = frame.decode()
    monkeypatch.setattr("roma_ros.units.encodings.BAND_PIXELS", 16 * rgb.shape[1])
    np.testing.assert_array_equal(frame.decode(), whole)
