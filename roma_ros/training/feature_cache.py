"""Cache of the features of units on disk, so that a video is decoded once in a run of many passes.

A file holds the units of one sample: safetensors, without loss. A patch has at most 256 values per
colour channel, as pixels have 8 bits, so that its values are stored as bytes and a table of them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from roma_ros.thinker.features import FeatureExtractor, VideoPatches
from roma_ros.units import UNIT_RATE, MultimodalUnit

__all__ = ["ExtractedUnit", "FeatureCache", "extract"]

LOG = logging.getLogger(__name__)
CHANNELS = 3
LEVELS = 256  # of a channel


@dataclass(frozen=True, slots=True, eq=False)
class ExtractedUnit:
    """Features of a unit.

    Attributes:
        video: patches of its frames; `None` if it has none.
        mel: log-mel frames of its audio, (bins, 100) float32; `None` if it has none.
    """

    video: VideoPatches | None
    mel: np.ndarray | None


def extract(features: FeatureExtractor, unit: MultimodalUnit) -> ExtractedUnit:
    """Extract the features of a unit."""
    return ExtractedUnit(
        None if unit.frames is None else features.video(unit.frames),
        None if unit.audio is None else features.audio(unit.audio),
    )


class FeatureCache:
    """Folder of extracted units, bounded in bytes.

    When the folder is full, further samples are extracted each time: all of a data set is read in
    turn, so that replacing older files would gain nothing. A damaged file counts as missing.

    Args:
        folder: the folder; made when it is first written to.
        features: extractor, whose settings are part of every key.
        limit: most bytes of all files.
        writers: number of processes that write to the folder.

    Attributes:
        features: the extractor.
    """

    def __init__(
        self, folder: Path, features: FeatureExtractor, limit: int, writers: int = 1
    ) -> None:
        self.features = features
        self._folder = folder
        self._limit = limit
        self._writers = writers
        self._bytes = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
        self._is_full = False
        self._settings = _fingerprint(features)

    def key(self, files: Sequence[Path], *parts: object) -> str:
        """Return the key of the units that are made of files and settings.

        A file counts by path, size and time of its last change.

        Args:
            files: files that are decoded.
            parts: what else the units depend on, values of JSON.

        Raises:
            OSError: a file is missing.
        """
        states = [file.stat() for file in files]
        read = [
            (str(file.resolve()), state.st_size, state.st_mtime_ns)
            for file, state in zip(files, states, strict=True)
        ]
        text = json.dumps([self._settings, read, parts])
        return hashlib.sha256(text.encode()).hexdigest()[:40]

    def load(self, key: str) -> list[ExtractedUnit] | None:
        """Return the units of a key; `None` if they are not stored."""
        file = self._file(key)
        if not file.is_file():
            return None
        try:
            with safe_open(file, "numpy") as stored:
                names = stored.keys()
                return _unpacked({name: stored.get_tensor(name) for name in names})
        except (OSError, SafetensorError, KeyError, ValueError, IndexError) as error:
            LOG.warning("%s is damaged (%s); it is replaced", file, error)
            return None

    def store(self, key: str, units: Sequence[ExtractedUnit]) -> None:
        """Store the units of a key, if they fit."""
        packed = _packed(units)
        size = sum(value.nbytes for value in packed.values())
        if self._bytes + size * self._writers > self._limit:
            if not self._is_full:
                LOG.warning(
                    "%s holds %.1f GB and is full: further videos are decoded in every pass; "
                    "raise feature_cache_gb to store them",
                    self._folder,
                    self._bytes / 1e9,
                )
            self._is_full = True
            return
        part = self._folder / f".{key}.{os.getpid()}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file(packed, part)
            part.replace(self._file(key))
        except OSError as error:
            LOG.warning("%s cannot be written to: %s; nothing more is stored", self._folder, error)
            self._limit = 0
            self._is_full = True
            part.unlink(missing_ok=True)
            return
        self._bytes += size * self._writers

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.safetensors"


def _fingerprint(features: FeatureExtractor) -> str:
    """Return a hash of the features of a fixed unit, which depends on all settings."""
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (2, 300, 420, CHANNELS), np.uint8)
    sound = random.uniform(-1, 1, UNIT_RATE).astype(np.float32)
    patches, mel = features.video(frames), features.audio(sound)
    return hashlib.sha256(patches.pixels.tobytes() + mel.tobytes()).hexdigest()


def _packed(units: Sequence[ExtractedUnit]) -> dict[str, np.ndarray]:
    packed: dict[str, np.ndarray] = {}
    grid = np.zeros((len(units), 2), np.int64)
    for number, unit in enumerate(units):
        if unit.video is not None:
            grid[number] = unit.video.rows, unit.video.columns
            pixels = unit.video.pixels.reshape(len(unit.video.pixels), CHANNELS, -1)
            tables = np.zeros((CHANNELS, LEVELS), np.float32)
            levels = np.empty(pixels.shape, np.uint8)
            for channel in range(CHANNELS):
                values, index = np.unique(pixels[:, channel], return_inverse=True)
                tables[channel, : len(values)] = values
                levels[:, channel] = index.reshape(levels[:, channel].shape)
            packed[f"table{number}"], packed[f"video{number}"] = tables, levels
        if unit.mel is not None:
            packed[f"mel{number}"] = np.ascontiguousarray(unit.mel)
    return {"grid": grid, **packed}


def _unpacked(packed: dict[str, Any]) -> list[ExtractedUnit]:
    units = []
    for number, (rows, columns) in enumerate(packed["grid"].tolist()):
        video = None
        if rows:
            tables, levels = packed[f"table{number}"], packed[f"video{number}"]
            pixels = np.empty(levels.shape, np.float32)
            for channel in range(CHANNELS):
                pixels[:, channel] = tables[channel][levels[:, channel]]
            video = VideoPatches(pixels.reshape(len(pixels), -1), rows, columns)
        units.append(ExtractedUnit(video, packed.get(f"mel{number}")))
    if not units:
        raise ValueError("it has no units")
    return units
