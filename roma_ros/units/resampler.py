"""Audio without a gap at one sampling rate, resampled to 16 kHz by soxr.

A streaming resampler works in FFT blocks and returns its samples 36 ms late at 48 kHz, 115 ms at
8 kHz, and a unit would have to wait for them. So each range is resampled on its own here, with
10 ms of its surroundings, which is as far as soxr's filter reaches. Ranges start where an input
sample falls on an output sample, so that consecutive ranges meet as if the whole run had been
resampled at once (to 1e-5), and the result does not depend on how the chunks arrived.
"""

import math

import numpy as np
import soxr

from roma_ros.units.unit import NS_PER_SECOND, UNIT_RATE

__all__ = ["REACH", "AudioRun"]

REACH = 160
"""Half length of soxr's filter, samples at 16 kHz (10 ms)."""


class AudioRun:
    """Consecutive mono samples at one rate; only those that may still be read are kept."""

    def __init__(self, origin: int, rate: int) -> None:
        """
        Args:
            origin: stamp of the first sample, ns.
            rate: sampling rate, Hz.
        """
        self.origin = origin
        self.rate = rate
        self._chunks: list[np.ndarray] = []
        self._first = 0  # index in the run of the first sample that is kept
        self._count = 0  # samples ever appended
        divisor = math.gcd(rate, UNIT_RATE)
        self._period = rate // divisor, UNIT_RATE // divisor  # samples in, samples out

    @property
    def end(self) -> int:
        """Stamp of the sample that would come next, ns."""
        return self.origin + round(self._count * NS_PER_SECOND / self.rate)

    def append(self, samples: np.ndarray) -> None:
        """Append float32 (n,), mono at the rate of the run."""
        self._chunks.append(samples)
        self._count += len(samples)

    def read(self, start: int, low: int, high: int) -> tuple[int, np.ndarray]:
        """Return the part of a range of the stream that this run covers.

        Args:
            start: stamp of sample 0 of the stream, ns.
            low, high: range of samples of the stream at 16 kHz, counted from `start`.

        Returns:
            Index in the stream of the first sample, and float32 (n,) at 16 kHz,
            0 <= n <= high - low.
        """
        base = _nearest_sample(self.origin - start)
        first = max(low - base, 0)
        last = min(high - base, self._count * UNIT_RATE // self.rate)
        if first >= last:
            return low, np.empty(0, np.float32)
        if self.rate == UNIT_RATE:
            return base + first, self._between(first, last)
        block, from_sample = self._block_before(first)
        to_sample = min(-(-(last + REACH) * self.rate // UNIT_RATE), self._count)
        samples = soxr.resample(
            self._between(from_sample, to_sample), self.rate, UNIT_RATE, quality="HQ"
        )
        return base + first, samples[first - block : last - block]

    def forget(self, start: int, low: int) -> None:
        """Drop the samples that no range from sample `low` (at 16 kHz) of the stream on needs."""
        first = max(low - _nearest_sample(self.origin - start), 0)
        _, keep_from = self._block_before(first)
        while self._chunks and self._first + len(self._chunks[0]) <= keep_from:
            self._first += len(self._chunks.pop(0))
        if self._chunks and keep_from > self._first:
            self._chunks[0] = self._chunks[0][keep_from - self._first :]
            self._first = keep_from

    def _block_before(self, sample: int) -> tuple[int, int]:
        """Return where to start resampling for `sample`: index at 16 kHz and at the run's rate."""
        samples_in, samples_out = self._period
        periods = max(sample - REACH, 0) // samples_out
        return periods * samples_out, periods * samples_in

    def _between(self, first: int, last: int) -> np.ndarray:
        self._chunks = [np.concatenate(self._chunks)]
        return self._chunks[0][first - self._first : last - self._first]


def _nearest_sample(duration: int) -> int:
    """Return the samples at 16 kHz in a duration (ns), by integers: a float has too few digits."""
    return (2 * duration * UNIT_RATE + NS_PER_SECOND) // (2 * NS_PER_SECOND)
