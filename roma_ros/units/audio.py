"""Chunks of audio as they arrive."""

from dataclasses import dataclass

import numpy as np

from roma_ros.units.errors import AudioError
from roma_ros.units.frame import Buffer, as_bytes

__all__ = [
    "MAX_CHANNELS",
    "MAX_CHUNK_SECONDS",
    "MAX_RATE",
    "MIN_RATE",
    "SAMPLE_FORMATS",
    "AudioChunk",
    "check_length",
]

MIN_RATE, MAX_RATE = 8_000, 192_000
"""Sampling rates, Hz."""
MAX_CHANNELS = 8
MAX_CHUNK_SECONDS = 10.0
MAX_LEVEL = 64.0
"""Full scale is 1.0; samples far beyond it are of another format by mistake."""

_PCM = {"s16le": ("<i2", 2.0**15), "s32le": ("<i4", 2.0**31), "f32le": ("<f4", 1.0)}
SAMPLE_FORMATS = tuple(_PCM)


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """Consecutive samples from a microphone.

    Attributes:
        stamp: time of the first sample, ns on the sensor clock.
        rate: sampling rate, 8,000 to 192,000 Hz.
        samples: float32 (n, channels), 1 to 8 channels, full scale 1.0, at most 10 s; a mono (n,)
            array becomes (n, 1).

    Raises:
        AudioError: a value outside these ranges, NaN or infinity.
    """

    stamp: int
    rate: int
    samples: np.ndarray

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples)
        if samples.ndim == 1:
            samples = samples[:, None]
        object.__setattr__(self, "samples", samples)
        _check_format(self.rate, samples.shape[1] if samples.ndim == 2 else 0)
        if samples.dtype != np.float32 or samples.ndim != 2:
            raise AudioError(
                f"samples are {samples.dtype} {samples.shape}; expected float32 (n, channels)"
            )
        check_length(len(samples), self.rate)
        # One comparison finds NaN (of which no comparison is true), infinities and absurd values.
        peak = max(float(samples.max()), -float(samples.min()))
        if not peak <= MAX_LEVEL:
            raise AudioError(
                f"the peak of the samples is {peak:g}; expected finite samples of full scale 1.0 "
                f"(at most {MAX_LEVEL:g}); check that their format is the one that is stated"
            )

    @classmethod
    def from_pcm(
        cls, *, stamp: int, rate: int, channels: int, sample_format: str, data: Buffer
    ) -> "AudioChunk":
        """Convert interleaved little-endian PCM.

        Args:
            stamp: time of the first sample, ns on the sensor clock.
            rate: sampling rate, 8,000 to 192,000 Hz.
            channels: 1 to 8.
            sample_format: "s16le", "s32le" or "f32le".
            data: bytes of the samples.

        Raises:
            AudioError: another format, a part of a sample, or a value that AudioChunk refuses.
        """
        if sample_format not in _PCM:
            raise AudioError(
                f"the sample format is {sample_format[:40]!r}; expected one of {', '.join(_PCM)}"
            )
        _check_format(rate, channels)
        dtype, full_scale = _PCM[sample_format]
        raw = as_bytes(data)
        sample_bytes = np.dtype(dtype).itemsize * channels
        if raw.size % sample_bytes:
            raise AudioError(
                f"the data has {raw.size} bytes; expected a multiple of {sample_bytes}: {channels} "
                f"channels of {sample_format}"
            )
        check_length(raw.size // sample_bytes, rate)  # before it costs memory
        samples = raw.view(dtype).reshape(-1, channels).astype(np.float32)
        if full_scale != 1.0:
            samples /= np.float32(full_scale)
        return cls(stamp, rate, samples)

    @property
    def duration(self) -> float:
        """Length, s."""
        return len(self.samples) / self.rate

    @property
    def end(self) -> int:
        """Stamp of the sample that would follow the last one, ns."""
        return self.stamp + round(len(self.samples) * 1_000_000_000 / self.rate)

    def mono(self) -> np.ndarray:
        """Return the mean of the channels: float32 (n,)."""
        if self.samples.shape[1] == 1:
            return self.samples[:, 0]
        mono: np.ndarray = self.samples.mean(axis=1, dtype=np.float32)
        return mono


def check_length(samples: int, rate: int) -> None:
    """Raise AudioError unless so many samples at a rate (Hz) are at least one and at most 10 s."""
    if not 1 <= samples <= MAX_CHUNK_SECONDS * rate:
        raise AudioError(
            f"the chunk has {samples} samples at {rate} Hz; expected at least one and at most "
            f"{MAX_CHUNK_SECONDS:g} s; send longer audio in smaller chunks"
        )


def _check_format(rate: int, channels: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(f"the sampling rate is {rate} Hz; expected {MIN_RATE} to {MAX_RATE} Hz")
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"the audio has {channels} channels; expected 1 to {MAX_CHANNELS}")
