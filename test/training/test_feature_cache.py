"""Features of units on disk: equal to those extracted, bounded, and never trusted."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from transformers import WhisperFeatureExtractor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from roma_ros.thinker.features import FeatureExtractor
from roma_ros.training.feature_cache import ExtractedUnit, FeatureCache, extract
from roma_ros.units import MultimodalUnit


def extractor(max_pixels: int = 12_544) -> FeatureExtractor:
    return FeatureExtractor(
        Qwen2VLImageProcessorPil(),
        WhisperFeatureExtractor(feature_size=128),
        min_pixels=3_136,
        max_pixels=max_pixels,
    )


FEATURES = extractor()


def units(count: int = 3) -> list[ExtractedUnit]:
    random = np.random.default_rng(5)
    frames = random.integers(0, 256, (2, 90, 120, 3), np.uint8)
    sound = random.uniform(-1, 1, 16_000).astype(np.float32)
    made = [
        MultimodalUnit(0, 0, 0, frames, sound),
        MultimodalUnit(0, 1, 10**9, None, sound),
        MultimodalUnit(0, 2, 2 * 10**9, frames, None),
    ]
    return [extract(FEATURES, unit) for unit in made[:count]]


def equal(one: ExtractedUnit, other: ExtractedUnit) -> bool:
    if (one.video is None, one.mel is None) != (other.video is None, other.mel is None):
        return False
    same = one.mel is None or np.array_equal(one.mel, other.mel)
    if one.video is not None and other.video is not None:
        same &= (one.video.rows, one.video.columns) == (other.video.rows, other.video.columns)
        same &= np.array_equal(one.video.pixels, other.video.pixels)
    return bool(same)


def test_what_is_stored_is_what_was_extracted(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "cache", FEATURES, 10**9)
    assert cache.load("k") is None
    cache.store("k", units())
    loaded = FeatureCache(tmp_path / "cache", FEATURES, 10**9).load("k")
    assert loaded is not None
    assert [equal(*pair) for pair in zip(loaded, units(), strict=True)] == [True] * 3
    (file,) = (tmp_path / "cache").iterdir()
    assert file.stat().st_size < sum(u.video.pixels.nbytes for u in units() if u.video) / 2


def test_a_key_depends_on_files_parts_and_settings(tmp_path: Path) -> None:
    file = tmp_path / "v.mp4"
    file.write_bytes(b"one")
    cache = FeatureCache(tmp_path, FEATURES, 10**9)
    key = cache.key([file], 600)
    assert key == FeatureCache(tmp_path, extractor(), 1).key([file], 600)
    assert key != cache.key([file], 500)
    assert key != FeatureCache(tmp_path, extractor(6_272), 1).key([file], 600)
    file.write_bytes(b"another")
    assert key != cache.key([file], 600)


def test_a_full_folder_takes_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    FeatureCache(tmp_path, FEATURES, 10**9).store("one", units())
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    cache = FeatureCache(tmp_path, FEATURES, size + 1000)
    with caplog.at_level(logging.WARNING):
        cache.store("two", units())
        cache.store("three", units())
    assert caplog.text.count("raise feature_cache_gb") == 1
    assert [file.stem for file in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize("content", [b"", b"\x08\0\0\0\0\0\0\0{}      ", b"junk" * 100])
def test_a_damaged_file_counts_as_missing(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    cache = FeatureCache(tmp_path, FEATURES, 10**9)
    (tmp_path / "k.safetensors").write_bytes(content)
    assert cache.load("k") is None
    assert "is damaged" in caplog.text
    cache.store("k", units(1))
    assert cache.load("k") is not None
