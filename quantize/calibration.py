"""Calibration units, and the encoder inputs made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from roma_ros.sources import MediaFile, MediaFileConfig, units_of
from roma_ros.thinker import RomaThinker, UnitShapeError
from roma_ros.units import MultimodalUnit
from roma_ros.world import Plot, Split, WorldRenderer, make_scene

__all__ = ["Feed", "audio_feeds", "clip_units", "vision_feeds", "world_units"]

Feed = dict[str, npt.NDArray[np.float32]]
"""Inputs of an ONNX encoder for one unit, by their names."""
SCENE_SECONDS = 8  # long enough for events in each scene, short enough for many scenes


def world_units(units: int, *, split: Split = Split.TRAIN) -> Iterator[MultimodalUnit]:
    """Return units of synthetic streams, from scenes of every plot.

    Args:
        units: number of units.
        split: split of the world's seeds; measure the result on another one.

    Raises:
        SpeechError: espeak-ng is missing, and a scene has spoken words.
    """
    plots = [Plot.CROWD, Plot.SEQUENCE]
    scenes = (
        make_scene(split.seed(index), SCENE_SECONDS, plots[index % len(plots)]) for index in count()
    )
    return islice((unit for scene in scenes for unit in WorldRenderer(scene)), units)


def clip_units(paths: Iterable[Path]) -> Iterator[MultimodalUnit]:
    """Yield the units of clips, one clip after another.

    Args:
        paths: video or audio files, or folders of them.

    Raises:
        SourceError: a file is missing or cannot be decoded.
    """
    for path in paths:
        with MediaFile(MediaFileConfig(path=path)) as media:
            yield from units_of(media)


def vision_feeds(
    thinker: RomaThinker, units: Iterable[MultimodalUnit], *, rows: int, columns: int
) -> Iterator[Feed]:
    """Yield `pixels` (rows * columns, patch values) of every unit with frames.

    Args:
        thinker: model whose image processor is used.
        units: calibration units; their frames are resized to the grid.
        rows, columns: patches of the grid.

    Raises:
        UnitShapeError: the checkpoint's image processor resizes such frames to another grid.
    """
    for unit in units:
        if unit.frames is not None:
            yield {"pixels": _fitted(thinker, unit.frames, rows, columns)}


def audio_feeds(thinker: RomaThinker, units: Iterable[MultimodalUnit]) -> Iterator[Feed]:
    """Yield `mel` (mel bins, 100) of every unit with audio."""
    for unit in units:
        if unit.audio is not None:
            yield {"mel": thinker.features.audio(unit.audio)}


def _fitted(
    thinker: RomaThinker, frames: npt.NDArray[np.uint8], rows: int, columns: int
) -> npt.NDArray[np.float32]:
    """Return the patches of frames, resized to one grid: (rows * columns, patch values)."""
    patch = thinker.features.patch_size
    size = (columns * patch, rows * patch)
    resized = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]
    patches = thinker.features.video(np.stack(resized).astype(np.uint8))
    if (patches.rows, patches.columns) != (rows, columns):
        raise UnitShapeError(
            f"the grid has {rows} x {columns} patches, but such frames become "
            f"{patches.rows} x {patches.columns}; expected a grid within the checkpoint's "
            f"{thinker.features.min_pixels:,} to {thinker.features.max_pixels:,} pixels"
        )
    return patches.pixels
