"""Spoken instructions: an audio file that takes the place of an instruction's text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roma_ros.sources import MediaError, read_audio
from roma_ros.units import UNIT_RATE

__all__ = ["MAX_RECORDING_SECONDS", "Recording", "RecordingError"]

MAX_RECORDING_SECONDS = 30.0
MIN_RECORDING_SECONDS = 0.1
MAX_FILE_BYTES = 64 * 1024 * 1024
"""Of a file that is decoded: 30 s of stereo at 192 kHz and 32 bits are 46 MB."""
SILENCE = 1e-4
"""Files with a smaller peak are silent; full scale is 1.0."""
REMEDY = (
    f"give an audio file (WAV, FLAC, MP3, OGG ...) of {MIN_RECORDING_SECONDS:g} to "
    f"{MAX_RECORDING_SECONDS:g} s with the spoken instruction and nothing else"
)


class RecordingError(ValueError):
    """Raised when an audio file cannot be used as a spoken instruction; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A spoken instruction.

    Attributes:
        samples: float32 (n,), mono at 16 kHz, full scale 1.0, read-only.
    """

    samples: np.ndarray

    @classmethod
    def from_file(cls, path: str | Path) -> Recording:
        """Read an audio file: WAV, FLAC, MP3, OGG or another format that FFmpeg decodes.

        Args:
            path: of a file of at most 64 MiB with 0.1 to 30 s of audio, 8 to 192 kHz, 1 to 8
                channels (they are averaged). The video of a video file is left out.

        Raises:
            RecordingError: the file is missing, is no such file, or is silent.
        """
        path = Path(path).expanduser()
        if not path.is_file():
            raise RecordingError(f"there is no file {str(path)!r}; {REMEDY}")
        try:
            size = path.stat().st_size
            if size > MAX_FILE_BYTES:
                raise RecordingError(
                    f"{path} is {size / 2**20:.0f} MiB large; expected at most "
                    f"{MAX_FILE_BYTES // 2**20} MiB; {REMEDY}"
                )
            samples = read_audio(path, max_seconds=MAX_RECORDING_SECONDS)
        except (MediaError, OSError) as error:
            raise RecordingError(f"{error}; {REMEDY}") from error
        if len(samples) < MIN_RECORDING_SECONDS * UNIT_RATE:
            raise RecordingError(
                f"{path} is {len(samples) / UNIT_RATE:.2f} s long; expected at least "
                f"{MIN_RECORDING_SECONDS:g} s; {REMEDY}"
            )
        if np.abs(samples).max() < SILENCE:
            raise RecordingError(f"{path} is silent; record the instruction again")
        samples = np.clip(samples, -1, 1)
        samples.setflags(write=False)
        return cls(samples)
