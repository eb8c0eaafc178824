"""Units of a sample: its video, with spoken queries mixed into the sound."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from roma_ros.data.augmentation import Variation, held_before
from roma_ros.data.errors import SampleError
from roma_ros.data.memory import free_frames
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

MAX_SPEECH = 120.0  # seconds of a spoken query


def sample_units(
    sample: Sample, folder: Path, variation: Variation | None = None
) -> Iterator[MultimodalUnit]:
    """Yield the units of a sample.

    They have sound if the video has sound or a query is spoken. If queries or answers extend beyond
    the end of the video, its last frame is repeated, with silence.

    Args:
        sample: sample to read.
        folder: folder that the sample's paths are relative to.
        variation: changes of the stream; `sample` is then the variation's.

    Raises:
        SampleError: a file is missing or cannot be decoded.
    """
    spoken = [query for query in sample.queries if query.audio is not None]
    lines = [
        (round(query.time * UNIT_RATE), _speech(folder / query.audio))
        for query in spoken
        if query.audio is not None
    ]
    ends = [math.ceil((onset + len(line)) / UNIT_RATE) for onset, line in lines]
    ends += [answer.unit + 1 for answer in sample.answers if answer.unit is not None]
    units = _video_units(sample, folder, variation)
    if variation is not None:
        units = _held(units, variation)
        lines += [
            (
                round(start.onset * UNIT_RATE),
                _faded(_speech(folder / start.audio)[: round(start.seconds * UNIT_RATE)]),
            )
            for start in variation.false_starts
        ]
    for unit in _lengthened(units, max(ends, default=0)):
        yield _spoken_over(unit, lines) if lines else unit


def _video_units(
    sample: Sample, folder: Path, variation: Variation | None
) -> Iterator[MultimodalUnit]:
    if not is_frames(sample):
        return _media_units(folder / sample.video[0], variation)
    paths = [folder / path for path in sample.video]
    if variation is not None:
        paths = [paths[index] for index in variation.pictures(len(paths), FRAMES_PER_UNIT)]
    return _picture_units(paths)


def _media_units(path: Path, variation: Variation | None) -> Iterator[MultimodalUnit]:
    try:
        with MediaFile(MediaFileConfig(path=path)) as media:
            items = iter(media) if variation is None else variation.items(iter(media))
            for unit in units_of(media, items):
                yield unit
                free_frames()
    except SourceError as error:
        raise SampleError(f"the video of a sample cannot be used: {error}") from error


def _picture_units(paths: list[Path]) -> Iterator[MultimodalUnit]:
    """Yield units of pictures at 2 fps; the last unit is filled up with the last picture."""
    paths += paths[-1:] * (len(paths) % FRAMES_PER_UNIT)
    for first in range(0, len(paths), FRAMES_PER_UNIT):
        index = first // FRAMES_PER_UNIT
        frames = [_picture(path) for path in paths[first : first + FRAMES_PER_UNIT]]
        if len({frame.shape for frame in frames}) > 1:
            raise SampleError(
                f"{paths[first + 1]} has another size than the frame before it; expected one size"
            )
        yield MultimodalUnit(
            stream=0,
            index=index,
            start=index * NS_PER_SECOND,
            frames=np.stack(frames),
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
        return read_audio(path, max_seconds=MAX_SPEECH)
    except SourceError as error:
        raise SampleError(f"the spoken query of a sample cannot be used: {error}") from error


def _faded(line: np.ndarray) -> np.ndarray:
    """Return speech that is broken off, without a click."""
    line = line.copy()
    count = min(len(line), UNIT_RATE // 50)
    line[len(line) - count :] *= np.linspace(1, 0, count, dtype=np.float32)
    return line


def _held(units: Iterator[MultimodalUnit], variation: Variation) -> Iterator[MultimodalUnit]:
    """Yield the units, with those that a variation puts in."""
    holds = dict(held_before(variation.holds))
    last: MultimodalUnit | None = None
    index = 0
    for unit in units:
        for _ in range(holds.pop(unit.index, 0)):
            yield _still(last or unit, index)
            index += 1
        yield replace(unit, index=index, start=index * NS_PER_SECOND)
        index += 1
        last = unit
    for _ in range(sum(holds.values()) if last is not None else 0):  # before the end of the video
        assert last is not None
        yield _still(last, index)
        index += 1


def _still(unit: MultimodalUnit, index: int) -> MultimodalUnit:
    """Return a unit with the last frame of another, and silence."""
    return replace(
        unit,
        index=index,
        start=index * NS_PER_SECOND,
        frames=None if unit.frames is None else unit.frames[[-1, -1]],
        audio=None if unit.audio is None else np.zeros(UNIT_RATE, np.float32),
    )


def _lengthened(units: Iterator[MultimodalUnit], seconds: int) -> Iterator[MultimodalUnit]:
    """Yield the units, then units with the last frame and silence, `seconds` units at least."""
    unit = None
    for unit in units:
        yield unit
    if unit is None:
        raise SampleError("the video of a sample is shorter than a tenth of a second")
    for index in range(unit.index + 1, seconds):
        yield _still(unit, index)


def _spoken_over(unit: MultimodalUnit, lines: list[tuple[int, np.ndarray]]) -> MultimodalUnit:
    """Return a unit with the lines mixed into its sound; a line is (first sample, samples)."""
    sound = np.zeros(UNIT_RATE, np.float32) if unit.audio is None else unit.audio.copy()
    for onset, line in lines:
        lay_over(sound, line, onset - unit.index * UNIT_RATE)
    return replace(unit, audio=np.clip(sound, -1, 1))
