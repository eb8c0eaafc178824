"""Somebody's voice in a WAV file, for an instruction that is to be heard rather than read."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from roma_ros.units import UNIT_RATE

__all__ = ["MAX_RECORDING_SECONDS", "Recording", "RecordingError"]

MAX_RECORDING_SECONDS = 30.0
MIN_RECORDING_SECONDS = 0.1
RATES = (8_000, 96_000)  # Hz
CHANNELS = (1, 2)
SAMPLE_TYPES = {2: "<i2", 4: "<i4"}  # by bytes of a sample
SILENCE = 1e-4  # a peak below it is no voice
MEND = "convert it: ffmpeg -i FILE -ar 16000 -ac 1 -c:a pcm_s16le instruction.wav"


class RecordingError(ValueError):
    """A WAV file cannot be used as a spoken instruction; the message names it, and a remedy."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A voice.

    Attributes:
        samples: float32 (n,) mono at 16 kHz, full scale 1.0, not to be written to.
    """

    samples: np.ndarray

    @classmethod
    def from_wav(cls, path: str | Path) -> Recording:
        """Read a WAV file: PCM of 16 or 32 bits, 8 to 96 kHz, mono or stereo, 0.1 to 30 s.

        Raises:
            RecordingError: it is not there, not such a file, or holds nothing but silence.
        """
        path = Path(path).expanduser()
        if not path.is_file():
            raise RecordingError(f"there is no file {str(path)!r}; give the path of a WAV file")
        try:
            with wave.open(str(path), "rb") as file:
                rate = _check(path, file)
                pcm = file.readframes(file.getnframes())
                width, channels = file.getsampwidth(), file.getnchannels()
        except (OSError, EOFError, wave.Error) as error:
            raise RecordingError(
                f"{path} cannot be read as WAV of PCM samples: {error or 'it ends early'}; {MEND}"
            ) from error
        whole = len(pcm) - len(pcm) % (width * channels)  # a file that was cut off in a sample
        integers = np.frombuffer(pcm[:whole], SAMPLE_TYPES[width]).reshape(-1, channels)
        mono = (integers / 2.0 ** (8 * width - 1)).mean(axis=1).astype(np.float32)
        _check_length(path, len(mono) / rate)
        if np.abs(mono).max() < SILENCE:
            raise RecordingError(f"{path} is silent; record the instruction again")
        samples = np.clip(soxr.resample(mono, rate, UNIT_RATE), -1, 1).astype(np.float32)
        samples.setflags(write=False)
        return cls(samples)


def _check(path: Path, file: wave.Wave_read) -> int:
    """What the header says, before anything is read by it; returns the rate in Hz."""
    rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
    if not RATES[0] <= rate <= RATES[1] or channels not in CHANNELS or width not in SAMPLE_TYPES:
        raise RecordingError(
            f"{path} has {channels} channels of {8 * width} bits at {rate} Hz; wanted 1 or 2 "
            f"channels of 16 or 32 bits at {RATES[0]} to {RATES[1]} Hz; {MEND}"
        )
    _check_length(path, file.getnframes() / rate)
    return rate


def _check_length(path: Path, seconds: float) -> None:
    if not MIN_RECORDING_SECONDS <= seconds <= MAX_RECORDING_SECONDS:
        raise RecordingError(
            f"{path} is {seconds:.2f} s long; wanted {MIN_RECORDING_SECONDS:g} to "
            f"{MAX_RECORDING_SECONDS:g} s with the spoken instruction and nothing else"
        )
