import cv2
import numpy as np
import pytest

from roma_ros.units import ImageError
from roma_ros.units.image_header import image_size


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".png", []),
        (".jpg", []),
        (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        (".jpg", [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
    ],
)
@pytest.mark.parametrize("size", [(1, 1), (37, 500), (300, 2)])
def test_size(suffix, options, size):
    _, data = cv2.imencode(suffix, np.zeros((*size, 3), np.uint8), options)
    assert image_size(data.tobytes()) == size


def test_padding_before_and_after_the_parts_of_a_jpeg():
    _, encoded = cv2.imencode(".jpg", np.zeros((20, 30, 3), np.uint8))
    data = encoded.tobytes()
    assert image_size(data[:2] + b"\xff" + data[2:] + bytes(512)) == (20, 30)


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
        image_size(data)
