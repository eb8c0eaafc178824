"""Units that show a quantiser what the encoders will see and hear."""

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
"""What an encoder in ONNX takes for one unit, by the names of its inputs."""
SCENE_SECONDS = 8  # long enough for things to come and go, short enough for many scenes


def world_units(units: int, *, split: Split = Split.TRAIN) -> Iterator[MultimodalUnit]:
    """The first units of the made-up world, from scenes of every plot.

    Args:
        units: how many.
        split: of which worlds; what is to be measured later must not come from the same.

    Raises:
        SpeechError: somebody speaks in a scene and espeak-ng is missing.
    """
    plots = list(Plot)
    scenes = (
        make_scene(split.seed(index), SCENE_SECONDS, plots[index % len(plots)]) for index in count()
    )
    return islice((unit for scene in scenes for unit in WorldRenderer(scene)), units)


def clip_units(paths: Iterable[Path]) -> Iterator[MultimodalUnit]:
    """The units of the user's own clips, one after another.

    Args:
        paths: of video or audio files, or of folders of them.

    Raises:
        SourceError: a file is missing or cannot be decoded.
    """
    for path in paths:
        with MediaFile(MediaFileConfig(path=path)) as media:
            yield from units_of(media)


def vision_feeds(
    thinker: RomaThinker, units: Iterable[MultimodalUnit], *, rows: int, columns: int
) -> Iterator[Feed]:
    """`pixels` (rows * columns, patch values) of every unit with frames, resized to the grid.

    Raises:
        UnitShapeError: a grid that the checkpoint's frames do not come to.
    """
    for unit in units:
        if unit.frames is not None:
            yield {"pixels": _fitted(thinker, unit.frames, rows, columns)}


def audio_feeds(thinker: RomaThinker, units: Iterable[MultimodalUnit]) -> Iterator[Feed]:
    """`mel` (mel bins, 100) of every unit with sound."""
    for unit in units:
        if unit.audio is not None:
            yield {"mel": thinker.features.audio(unit.audio)}


def _fitted(
    thinker: RomaThinker, frames: npt.NDArray[np.uint8], rows: int, columns: int
) -> npt.NDArray[np.float32]:
    """Patches of frames of any size on one grid."""
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
