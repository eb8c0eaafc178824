"""Units of a sample: its video, with spoken queries mixed into the sound."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from roma_ros.data.errors import SampleError
from roma_ros.data.samples import Sample
from roma_ros.data.videos import is_frames
from roma_ros.sources import MediaFile, MediaFileConfig, SourceError, read_audio, units_of
from roma_ros.units import (
    FRAMES_PER_UNIT,
    NS_PER_SECOND,
    UNIT_RATE,
    CompressedFrame,
    ImageError,
    MultimodalUnit,
)
from roma_ros.world.sound import lay_over

__all__ = ["sample_units"]


def sample_units(sample: Sample, folder: Path) -> Iterator[MultimodalUnit]:
    """Yield the units of a sample.

    They have sound if the video has sound or a query is spoken. If queries or answers extend beyond
    the end of the video, its last frame is repeated, with silence.

    Args:
        sample: sample to read.
        folder: folder that the sample's paths are relative to.

    Raises:
        SampleError: a file is missing or cannot be decoded.
    """
    lines = [
        (round(query.time * UNIT_RATE), _speech(folder / query.audio))
        for query in sample.queries
        if query.audio is not None
    ]
    ends = [math.ceil((onset + len(line)) / UNIT_RATE) for onset, line in lines]
    ends += [answer.unit + 1 for answer in sample.answers if answer.unit is not None]
    for unit in _lengthened(_video_units(sample, folder), max(ends, default=0)):
        yield _spoken_over(unit, lines) if lines else unit


def _video_units(sample: Sample, folder: Path) -> Iterator[MultimodalUnit]:
    if not is_frames(sample):
        return _media_units(folder / sample.video[0])
    return _picture_units([folder / path for path in sample.video])


def _media_units(path: Path) -> Iterator[MultimodalUnit]:
    try:
        with MediaFile(MediaFileConfig(path=path)) as media:
            yield from units_of(media)
    except SourceError as error:
        raise SampleError(f"the video of a sample cannot be used: {error}") from error


def _picture_units(paths: list[Path]) -> Iterator[MultimodalUnit]:
    """Yield units of pictures at 2 fps; the last unit is filled up with the last picture."""
    paths += paths[-1:] * (len(paths) % FRAMES_PER_UNIT)
    for first in range(0, len(paths), FRAMES_PER_UNIT):
        index = first // FRAMES_PER_UNIT
        yield MultimodalUnit(
            stream=0,
            index=index,
            start=index * NS_PER_SECOND,
            frames=np.stack([_picture(path) for path in paths[first : first + FRAMES_PER_UNIT]]),
            audio=None,
        )


def _picture(path: Path) -> np.ndarray:
    try:
        return CompressedFrame(0, path.suffix, path.read_bytes()).decode()
    except (OSError, ImageError) as error:
        raise SampleError(f"a frame of a sample, {path}, cannot be used: {error}") from error


def _speech(path: Path) -> np.ndarray:
    """Return the sound of a file: float32 (n,), mono at 16 kHz."""
    try:
        return read_audio(path)
    except SourceError as error:
        raise SampleError(f"the spoken query of a sample cannot be used: {error}") from error


def _lengthened(units: Iterator[MultimodalUnit], seconds: int) -> Iterator[MultimodalUnit]:
    """Yield the units, then units with the last frame and silence, `seconds` units at least."""
    unit = None
    for unit in units:
        yield unit
    if unit is None:
        raise SampleError("the video of a sample is shorter than a tenth of a second")
    while unit.index + 1 < seconds:
        unit = replace(
            unit,
            index=unit.index + 1,
            start=unit.end,
            frames=None if unit.frames is None else unit.frames[[-1, -1]],
            audio=None if unit.audio is None else np.zeros(UNIT_RATE, np.float32),
        )
        yield unit


def _spoken_over(unit: MultimodalUnit, lines: list[tuple[int, np.ndarray]]) -> MultimodalUnit:
    """Return a unit with the lines mixed into its sound; a line is (first sample, samples)."""
    sound = np.zeros(UNIT_RATE, np.float32) if unit.audio is None else unit.audio.copy()
    for onset, line in lines:
        lay_over(sound, line, onset - unit.index * UNIT_RATE)
    return replace(unit, audio=np.clip(sound, -1, 1))
