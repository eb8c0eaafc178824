"""Every encoding against pixels worked out by hand, and everything that can be wrong with one."""

import array
import tracemalloc

import cv2
import numpy as np
import pytest

from roma_ros.units import CompressedFrame, ImageError, RawFrame, RgbFrame

RGB = (200, 90, 30)
HEIGHT, WIDTH = 6, 8


def plain_picture() -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), RGB, np.uint8)


def noise_picture(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def raw(encoding: str, rows: np.ndarray, padding: int = 0, height: int = HEIGHT) -> RawFrame:
    """Rows of bytes as a frame, with `padding` bytes of rubbish after each."""
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return RawFrame(0, height, WIDTH, encoding, padded.shape[1], padded.tobytes())


def bt601(rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    """Y, U, V of limited range (ITU-R BT.601)."""
    red, green, blue = (value / 255 for value in rgb)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return (
        round(16 + 219 * luma),
        round(128 + 112 * (blue - luma) / (1 - 0.114)),
        round(128 + 112 * (red - luma) / (1 - 0.299)),
    )


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [("rgb8", [0, 1, 2]), ("bgr8", [2, 1, 0]), ("8UC3", [2, 1, 0])],
)
def test_three_channels(encoding, channels, padding):
    picture = noise_picture()
    frame = raw(encoding, picture[..., channels].reshape(HEIGHT, -1), padding)
    np.testing.assert_array_equal(frame.decode(), picture)


@pytest.mark.parametrize(("encoding", "channels"), [("rgba8", [0, 1, 2]), ("bgra8", [2, 1, 0])])
def test_four_channels_lose_alpha(encoding, channels):
    picture = noise_picture()
    alpha = np.full((HEIGHT, WIDTH, 1), 9, np.uint8)
    rows = np.concatenate([picture[..., channels], alpha], axis=2).reshape(HEIGHT, -1)
    np.testing.assert_array_equal(raw(encoding, rows, padding=3).decode(), picture)


def test_mono_becomes_grey():
    grey = noise_picture()[..., 0]
    np.testing.assert_array_equal(raw("mono8", grey, padding=1).decode(), np.dstack([grey] * 3))


@pytest.mark.parametrize("rgb", [RGB, (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)])
@pytest.mark.parametrize("encoding", ["yuv422", "yuv422_yuy2", "nv12"])
def test_yuv_is_bt601_of_limited_range(encoding, rgb):
    y, u, v = bt601(rgb)
    pairs = {"yuv422": [u, y, v, y], "yuv422_yuy2": [y, u, y, v]}
    if encoding == "nv12":
        luma = np.full((HEIGHT, WIDTH), y)
        rows = np.concatenate([luma, np.tile([u, v], (HEIGHT // 2, WIDTH // 2))])
    else:
        rows = np.tile(pairs[encoding], (HEIGHT, WIDTH // 2))
    decoded = raw(encoding, rows.astype(np.uint8), padding=4).decode()
    assert decoded.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(decoded.astype(int) - np.array(rgb)).max() <= 3


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_pattern_is_named_by_its_first_four_pixels(pattern):
    value = dict(zip("rgb", RGB, strict=True))
    cell = np.array([value[letter] for letter in pattern], np.uint8).reshape(2, 2)
    mosaic = np.tile(cell, (HEIGHT // 2, WIDTH // 2))
    decoded = raw(f"bayer_{pattern}8", mosaic).decode()
    np.testing.assert_array_equal(decoded[2:-2, 2:-2], plain_picture()[2:-2, 2:-2])


def test_the_byte_order_of_single_bytes_means_nothing():
    data = noise_picture()
    frame = RawFrame(0, HEIGHT, WIDTH, "rgb8", WIDTH * 3, data.tobytes(), is_bigendian=True)
    np.testing.assert_array_equal(frame.decode(), data)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda b: array.array("B", b)])
def test_data_of_any_buffer(kind):
    picture = noise_picture()
    frame = RawFrame(0, HEIGHT, WIDTH, "rgb8", WIDTH * 3, kind(picture.tobytes()))
    np.testing.assert_array_equal(frame.decode(), picture)


def test_the_last_row_may_lack_its_padding():
    picture = noise_picture()
    padded = np.pad(picture.reshape(HEIGHT, -1), ((0, 0), (0, 8))).tobytes()
    frame = RawFrame(0, HEIGHT, WIDTH, "rgb8", WIDTH * 3 + 8, padded[:-8])
    np.testing.assert_array_equal(frame.decode(), picture)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoding": "rgb161616"}, "encoding is 'rgb161616'; expected one of rgb8"),
        ({"encoding": ""}, "encoding is ''"),
        ({"step": 0}, "step is 0 bytes; expected at least 24"),
        ({"step": 23}, "step is 23 bytes; expected at least 24"),
        ({"step": 32}, "the data has 144 bytes; expected 192"),
        ({"data": b""}, "the data has 0 bytes; expected 144"),
        ({"data": bytes(143)}, "the data has 143 bytes; expected 144: 6 rows of 24"),
        ({"data": bytes(145)}, "the data has 145 bytes"),
        ({"height": 0}, "8x0 pixels"),
        ({"width": -1}, "-1x6 pixels"),
        ({"width": 100_000, "height": 100_000}, "100000x100000 pixels; expected 1 to 64,000,000"),
        ({"height": 1, "width": 201}, "201x1 pixels; expected sides in a ratio of at most 200"),
        ({"encoding": "yuv422", "width": 7}, "even size"),
        (
            {"encoding": "bayer_rggb8", "height": 2, "data": bytes(48)},
            "Bayer pattern has 8x2 pixels",
        ),
        ({"encoding": "nv12", "height": 5}, "even size"),
    ],
)
def test_what_is_wrong_is_said(changes, message):
    good = {"height": HEIGHT, "width": WIDTH, "encoding": "rgb8", "step": 24, "data": bytes(144)}
    frame = RawFrame(stamp=0, **{**good, **changes})
    with pytest.raises(ImageError, match=message):
        frame.decode()


@pytest.mark.parametrize(
    ("suffix", "format_name", "tolerance"),
    [(".png", "png", 0), (".jpg", "rgb8; jpeg compressed bgr8", 4)],
)
def test_compressed(suffix, format_name, tolerance):
    picture = cv2.resize(noise_picture(3, 4), (64, 48), interpolation=cv2.INTER_CUBIC)
    _, data = cv2.imencode(suffix, picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])
    decoded = CompressedFrame(0, format_name, data.tobytes()).decode()
    assert decoded.shape == picture.shape
    assert np.abs(decoded.astype(int) - picture).mean() <= tolerance


def test_grey_and_alpha_become_rgb():
    grey = noise_picture()[..., 0]
    _, data = cv2.imencode(".png", grey)
    decoded = CompressedFrame(0, "mono8; png compressed", data).decode()
    np.testing.assert_array_equal(decoded, np.dstack([grey] * 3))
    _, data = cv2.imencode(".png", np.dstack([noise_picture(), grey]))
    assert CompressedFrame(0, "png", data).decode().shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.99])
def test_a_cut_off_image_is_refused(suffix, share):
    _, data = cv2.imencode(suffix, noise_picture(90, 120))
    cut = data.tobytes()[: int(len(data) * share)]
    with pytest.raises(ImageError, match=suffix[1:3]):
        CompressedFrame(0, suffix[1:], cut).decode()


def test_something_else_is_refused():
    with pytest.raises(ImageError, match=r"'jpeg'.*7 bytes starting with 47 49 46"):
        CompressedFrame(0, "jpeg", b"GIF89a.").decode()


def test_a_decompression_bomb_is_refused_by_its_header():
    header = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (50_000).to_bytes(4, "big") * 2
    with pytest.raises(ImageError, match="50000x50000"):
        CompressedFrame(0, "png", header + bytes(100)).decode()


def test_rgb_is_checked_too():
    picture = noise_picture()
    assert RgbFrame(0, picture).decode() is picture
    with pytest.raises(ImageError, match=r"float64 \(6, 8, 3\)"):
        RgbFrame(0, picture.astype(float)).decode()
    with pytest.raises(ImageError, match="0x0"):
        RgbFrame(0, np.zeros((0, 0, 3), np.uint8)).decode()


# What an image costs is bounded by its size and the bytes that came, not by what its header says.


def peak_memory(call) -> int:
    """Bytes allocated by numpy and Python at once, beside those before."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_step_of_4_gib_costs_nothing():
    data = bytes(1_000_000)
    frame = RawFrame(0, 1, 150, "rgb8", 2**32 - 1, data)
    assert peak_memory(frame.decode) < 1_000_000
    assert frame.decode().shape == (1, 150, 3)
    with pytest.raises(ImageError, match=r"the data has 1000000 bytes; expected 8589934590"):
        RawFrame(0, 2, 150, "rgb8", 2**32 - 1, data).decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "shown"),
    [((1999, 2000), (1999, 2000)), ((2000, 2000), (1000, 1000)), ((4003, 4006), (1000, 1001))],
)
def test_large_pictures_are_made_smaller(shape, shown):
    rgb = np.empty((*shape, 3), np.uint8)
    rgb[: shape[0] // 2], rgb[shape[0] // 2 :] = (200, 90, 30), (10, 220, 60)
    _, jpeg = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    height, width = shape
    raw_frame = RawFrame(0, height, width, "rgb8", 3 * width, rgb.reshape(-1))
    for frame in (raw_frame, CompressedFrame(0, "jpeg", jpeg)):
        decoded = frame.decode()
        assert np.abs(np.array(decoded.shape[:2]) - shown).max() <= 1  # JPEG rounds up
        assert np.abs(decoded[: shown[0] // 2 - 8].astype(int) - (200, 90, 30)).max() <= 4
        assert np.abs(decoded[shown[0] // 2 + 8 :].astype(int) - (10, 220, 60)).max() <= 4


def bomb(suffix: str, side: int, *options: int) -> bytes:
    return cv2.imencode(suffix, np.zeros((side, side), np.uint8), list(options))[1].tobytes()


@pytest.mark.parametrize(
    ("suffix", "options"), [(".png", ()), (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1))]
)
def test_what_can_only_be_decoded_whole_has_a_lower_bound(suffix, options):
    data = bomb(suffix, 3000, *options)
    with pytest.raises(ImageError, match=r"3000x3000 pixels; expected at most 8,388,608 pixels"):
        CompressedFrame(0, "png", data).decode()
    assert CompressedFrame(0, "png", data, max_pixels=9_000_000).decode().shape == (1500, 1500, 3)


def test_a_baseline_jpeg_of_64_million_pixels_is_decoded_at_an_eighth():
    data = bomb(".jpg", 8000)
    assert peak_memory(CompressedFrame(0, "jpeg", data).decode) < 50_000_000
    assert CompressedFrame(0, "jpeg", data).decode().shape == (1000, 1000, 3)
    with pytest.raises(ImageError, match="8008x8008 pixels; expected 1 to 64,000,000"):
        CompressedFrame(0, "jpeg", bomb(".jpg", 8008)).decode()


def test_too_many_compressed_bytes_are_refused():
    data = cv2.imencode(".jpg", plain_picture())[1].tobytes() + bytes(40_000_000)
    with pytest.raises(ImageError, match="bytes; expected at most 33,554,432"):
        CompressedFrame(0, "jpeg", data).decode()


# What CompressedImage.format says, in all its forms.


@pytest.mark.parametrize(
    "name",
    [
        "jpeg",
        "jpg",
        "JPEG",
        "",
        "mjpeg",
        "rgb8; jpeg compressed bgr8",
        "bgr8;jpeg",
        "png",
        "x" * 9999,
    ],
)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_the_data_says_how_it_is_coded_whatever_the_format_says(name, suffix):
    _, data = cv2.imencode(suffix, plain_picture()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])
    decoded = CompressedFrame(0, name, data).decode()
    assert np.abs(decoded.astype(int) - plain_picture()).max() <= 6


@pytest.mark.parametrize(
    "name",
    [
        "16UC1; compressedDepth",
        "16UC1; compressedDepth png",
        "32FC1; compressedDepth png",
        "16UC1; compressedDepth rvl",
        "; compressedDepth png",
        "16UC1; png compressed ",
        "png",
        "",
    ],
)
def test_depth_is_refused_as_depth(name):
    depth = np.arange(48, dtype=np.uint16).reshape(6, 8) * 100
    png = cv2.imencode(".png", depth)[1].tobytes()
    data = bytes(12) + png if "Depth" in name else png  # compressedDepth has a header of its own
    with pytest.raises(ImageError, match=r"depth image.*remap image to the camera's colour topic"):
        CompressedFrame(0, name, data).decode()


def test_grey_of_16_bits_is_taken_where_the_format_says_so():
    grey = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1285
    data = cv2.imencode(".png", grey)[1]
    decoded = CompressedFrame(0, "mono16; png compressed mono16", data).decode()
    assert np.abs(decoded[..., 1].astype(int) - grey // 257).max() <= 1


def test_colours_of_16_bits():
    deep = noise_picture()[..., ::-1].astype(np.uint16) * 257
    data = cv2.imencode(".png", deep)[1]
    decoded = CompressedFrame(0, "rgb16; png compressed bgr16", data).decode()
    np.testing.assert_array_equal(decoded, noise_picture())


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_a_bayer_pattern_that_was_compressed_as_grey(pattern):
    value = dict(zip("rgb", RGB, strict=True))
    cell = np.array([value[letter] for letter in pattern], np.uint8).reshape(2, 2)
    data = cv2.imencode(".png", np.tile(cell, (HEIGHT // 2, WIDTH // 2)))[1]
    decoded = CompressedFrame(0, f"bayer_{pattern}8; png compressed ", data).decode()
    np.testing.assert_array_equal(decoded[2:-2, 2:-2], plain_picture()[2:-2, 2:-2])
    _, colours = cv2.imencode(".png", plain_picture()[..., ::-1])
    decoded = CompressedFrame(0, f"bayer_{pattern}8; png compressed bgr8", colours).decode()
    np.testing.assert_array_equal(decoded, plain_picture())
