"""Features against transformers' own processors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from transformers import WhisperFeatureExtractor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from roma_ros.thinker import CheckpointError, UnitShapeError
from roma_ros.thinker.features import FeatureExtractor, resize

MAX_PIXELS = 65_536


def smooth_frames(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 120 * np.sin(x / 17 + phase) * np.cos(y / 11 - phase) for phase in range(6)]
    return np.stack(waves, -1).reshape(height, width, 2, 3).transpose(2, 0, 1, 3).astype(np.uint8)


@pytest.fixture(scope="module")
def images() -> Qwen2VLImageProcessorPil:
    return Qwen2VLImageProcessorPil(size={"shortest_edge": 3_136, "longest_edge": MAX_PIXELS})


@pytest.fixture(scope="module")
def extractor(images: Qwen2VLImageProcessorPil) -> FeatureExtractor:
    audio = WhisperFeatureExtractor(feature_size=128)
    return FeatureExtractor(images, audio, min_pixels=3_136, max_pixels=MAX_PIXELS)


def noise_frames(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("make_frames", [smooth_frames, noise_frames])
@pytest.mark.parametrize(
    "size", [(720, 1280), (480, 640), (1280, 720), (56, 56), (40, 30), (252, 252), (1080, 1920)]
)
def test_video_equals_the_image_processor_up_to_rounding(
    extractor: FeatureExtractor,
    images: Qwen2VLImageProcessorPil,
    size: tuple[int, int],
    make_frames: Callable[[int, int], np.ndarray],
) -> None:
    """At most 2 levels of 255 anywhere, and fewer than 2 % of the values differ at all."""
    frames = make_frames(*size)
    patches = extractor.video(frames)
    oracle = images(list(frames), return_tensors="np")
    grids = oracle["image_grid_thw"]
    assert grids.tolist() == [[1, patches.rows, patches.columns]] * 2
    assert patches.rows * patches.columns * 14 * 14 <= MAX_PIXELS
    # The processor repeats one frame in both times of a patch; a unit has a frame in each.
    ours = patches.pixels.reshape(-1, 3, 2, 14, 14)
    theirs = oracle["pixel_values"].reshape(2, -1, 3, 2, 14, 14)
    scale = 255 * np.asarray(images.image_std, np.float32)[:, None, None]
    for time in range(2):
        difference = np.abs(ours[:, :, time] - theirs[time][:, :, time]) * scale
        assert difference.max() < 2.01
        assert (difference > 0.01).mean() < 0.02
        assert (difference > 1.01).mean() < 1e-3


def test_frames_of_the_right_size_are_not_resized(extractor: FeatureExtractor) -> None:
    frames = noise_frames(112, 112)
    assert resize(frames, 112, 112) is frames


@pytest.mark.filterwarnings("error")
def test_frames_of_any_strides_and_read_only_ones_are_resized(extractor: FeatureExtractor) -> None:
    frames = noise_frames(100, 150)
    flipped = np.ascontiguousarray(frames[..., ::-1])
    expected = extractor.video(flipped).pixels
    np.testing.assert_array_equal(extractor.video(frames[..., ::-1]).pixels, expected)
    flipped.flags.writeable = False
    np.testing.assert_array_equal(extractor.video(flipped).pixels, expected)


def test_audio_equals_whisper_on_a_second_by_itself(extractor: FeatureExtractor) -> None:
    samples = np.sin(np.arange(16_000) * 0.2).astype(np.float32) * 0.3
    mel = extractor.audio(samples)
    oracle = WhisperFeatureExtractor(feature_size=128)
    whole = oracle(samples, sampling_rate=16_000, padding="do_not_pad", return_tensors="np")
    assert mel.shape == (128, 100)
    np.testing.assert_array_equal(mel, whole["input_features"][0])


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((3, 56, 56, 3), np.uint8), r"\(3, 56, 56, 3\); expected \(2, H, W, 3\)"),
        (np.zeros((2, 56, 56), np.uint8), "expected"),
        (np.zeros((2, 0, 56, 3), np.uint8), "expected"),
        (np.zeros((2, 56, 56, 3), np.float32), "float32; expected uint8"),
        (np.zeros((2, 1, 300, 3), np.uint8), "aspect ratio"),
    ],
)
def test_bad_frames_are_named(
    extractor: FeatureExtractor, frames: np.ndarray, message: str
) -> None:
    with pytest.raises(UnitShapeError, match=message):
        extractor.video(frames)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(0, np.float32), np.zeros(15_999, np.float32), np.full(16_000, np.nan, np.float32)],
)
def test_bad_audio_is_named(extractor: FeatureExtractor, samples: np.ndarray) -> None:
    with pytest.raises(UnitShapeError, match=r"expected"):
        extractor.audio(samples)


def test_settings_survive_saving(extractor: FeatureExtractor, tmp_path) -> None:
    extractor.save_pretrained(tmp_path)
    again = FeatureExtractor.from_folder(
        tmp_path, mel_bins=128, min_pixels=3_136, max_pixels=MAX_PIXELS
    )
    frames = smooth_frames(100, 150)
    np.testing.assert_array_equal(again.video(frames).pixels, extractor.video(frames).pixels)
    with pytest.raises(CheckpointError, match="feature_size is 128; expected 80"):
        FeatureExtractor.from_folder(tmp_path, mel_bins=80, min_pixels=3_136, max_pixels=MAX_PIXELS)
