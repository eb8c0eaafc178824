"""Reading of a whole file's audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr

from roma_ros.sources.errors import MediaError
from roma_ros.sources.media_file import MediaFile, MediaFileConfig
from roma_ros.units import UNIT_RATE, AudioChunk

__all__ = ["read_audio"]


def read_audio(path: Path, *, max_seconds: float | None = None) -> np.ndarray:
    """Decode the audio of an audio or video file.

    Args:
        path: of the file.
        max_seconds: length beyond which the file is refused, s, after no more than that was
            decoded; `None`: any.

    Returns:
        float32 (n,), mono at 16 kHz, full scale 1.0.

    Raises:
        MediaError: the file is missing, has no audio that can be decoded, changes its sampling
            rate, or is too long.
    """
    with MediaFile(MediaFileConfig(path=path, video=False)) as media:
        limit = float("inf") if max_seconds is None else max_seconds
        stated = media.duration
        if stated is not None and stated > limit and not any(file.is_guess for file in media.files):
            raise MediaError(f"{path} is {stated:.2f} s long; expected at most {limit:g} s")
        rate = length = 0
        parts: list[np.ndarray] = []
        for chunk in media:
            assert isinstance(chunk, AudioChunk)
            if parts and chunk.rate != rate:
                raise MediaError(
                    f"{path} changes from {rate} Hz to {chunk.rate} Hz; expected one sampling rate"
                )
            rate = chunk.rate
            length += len(chunk.samples)
            if length > limit * rate:
                raise MediaError(f"{path} is longer than {limit:g} s; expected at most that")
            parts.append(chunk.mono())
    samples: np.ndarray = soxr.resample(np.concatenate(parts), rate, UNIT_RATE)
    return samples
