"""Streams on which nothing happens that an alert or narration of the world could be about."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from roma_ros.sources import MediaFile, MediaFileConfig, SourceError, units_of
from roma_ros.units import FRAMES_PER_UNIT, NS_PER_SECOND, UNIT_RATE, MultimodalUnit
from roma_ros.world import FrameRenderer, make_scene

__all__ = ["looped", "noise_and_still", "read_footage_units", "silence_and_black"]

log = logging.getLogger(__name__)

SIDE = 112  # pixels of a rendered frame
NOISE = 0.02  # root mean square, full scale 1.0
SUFFIXES = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".gif", ".flac", ".wav", ".mp3", ".ogg"}
LONGEST = 60  # units of a file
LARGEST = 224  # pixels of the longer side of a real frame: the model sees no more


def silence_and_black(seconds: int) -> Iterator[MultimodalUnit]:
    """Yield units of digital silence and black pictures."""
    frames = np.zeros((FRAMES_PER_UNIT, SIDE, SIDE, 3), np.uint8)
    for index in range(seconds):
        yield _unit(index, frames, np.zeros(UNIT_RATE, np.float32))


def noise_and_still(seed: int, seconds: int) -> Iterator[MultimodalUnit]:
    """Yield units of white noise and one picture of an empty room that never changes.

    Args:
        seed: seed of the picture and of the noise.
        seconds: number of units.
    """
    scene = replace(make_scene(seed, 1), figures=(), touches=(), sounds=())
    frames = np.stack([FrameRenderer(scene, SIDE, SIDE).frame(0.0)] * FRAMES_PER_UNIT)
    random = np.random.default_rng(seed)
    for index in range(seconds):
        noise = random.standard_normal(UNIT_RATE, np.float32) * np.float32(NOISE)
        yield _unit(index, frames, noise)


def read_footage_units(folder: Path) -> list[MultimodalUnit]:
    """Decode the video and audio files of a folder and its subfolders, at most 60 s of each.

    A file without sound gets silence, one without pictures black ones. Files that cannot be decoded
    are left out with a warning.
    """
    found: list[MultimodalUnit] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            try:
                with MediaFile(MediaFileConfig(path=path)) as media:
                    found += itertools.islice(map(_with_both, units_of(media)), LONGEST)
            except SourceError as error:
                log.warning("%s is left out: it cannot be decoded: %s", path, error)
    return found


def looped(units: Sequence[MultimodalUnit], seconds: int) -> Iterator[MultimodalUnit]:
    """Yield `seconds` units: the given ones with new indices, again from the first at the end."""
    for index in range(seconds):
        yield replace(units[index % len(units)], index=index, start=index * NS_PER_SECOND)


def _with_both(unit: MultimodalUnit) -> MultimodalUnit:
    frames, audio = unit.frames, unit.audio
    if frames is None:
        frames = np.zeros((FRAMES_PER_UNIT, SIDE, SIDE, 3), np.uint8)
    if audio is None:
        audio = np.zeros(UNIT_RATE, np.float32)
    return _unit(unit.index, _small(frames), audio)


def _unit(index: int, frames: np.ndarray, audio: np.ndarray) -> MultimodalUnit:
    return MultimodalUnit(
        stream=0, index=index, start=index * NS_PER_SECOND, frames=frames, audio=audio
    )


def _small(frames: np.ndarray) -> np.ndarray:
    """Return frames of at most `LARGEST` pixels a side."""
    height, width = frames.shape[1:3]
    scale = LARGEST / max(height, width)
    if scale >= 1:
        return frames
    size = (max(round(width * scale), 28), max(round(height * scale), 28))
    return np.stack([cv2.resize(f, size, interpolation=cv2.INTER_AREA) for f in frames])
