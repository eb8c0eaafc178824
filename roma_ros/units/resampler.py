"""One run of audio without a break, at one rate, read as 16 kHz by soxr.

A resampler that is fed piece by piece works in FFT blocks and gives its samples 36 ms late at
48 kHz, 115 ms at 8 kHz, and a unit would have to wait for them. So each stretch is resampled on
its own here, with 10 ms of its surroundings, which is as far as soxr's filter reaches. Stretches
start where an input sample falls on an output sample, so that neighbours meet as if the whole run
had been resampled at once (to 1e-5), and nothing depends on how the pieces arrived.
"""

import math

import numpy as np
import soxr

from roma_ros.units.unit import NS_PER_SECOND, UNIT_RATE

__all__ = ["REACH", "AudioRun"]

REACH = 160
"""How far soxr's filter reaches to either side, in samples at 16 kHz (10 ms)."""


class AudioRun:
    """Consecutive mono samples at one rate, of which only what may still be read is kept."""

    def __init__(self, origin: int, rate: int) -> None:
        """
        Args:
            origin: stamp of the first sample, ns.
            rate: Hz.
        """
        self.origin = origin
        self.rate = rate
        self._pieces: list[np.ndarray] = []
        self._first = 0  # samples forgotten: the place in the run of the first that is kept
        self._count = 0  # samples ever appended
        divisor = math.gcd(rate, UNIT_RATE)
        self._period = rate // divisor, UNIT_RATE // divisor  # samples in, samples out

    @property
    def end(self) -> int:
        """Stamp of the sample that would come next: ns."""
        return self.origin + round(self._count * NS_PER_SECOND / self.rate)

    def append(self, samples: np.ndarray) -> None:
        """Adds float32 (n,) at the end."""
        self._pieces.append(samples)
        self._count += len(samples)

    def read(self, start: int, low: int, high: int) -> tuple[int, np.ndarray]:
        """The part of a range of the stream that this run covers.

        Args:
            start: stamp of sample 0 of the stream, ns.
            low, high: samples of the stream at 16 kHz, counted from `start`.

        Returns:
            The place in the stream of the first sample, and float32 (n,), 0 <= n <= high - low.
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
        """Drops what no range from sample `low` of the stream on can need."""
        first = max(low - _nearest_sample(self.origin - start), 0)
        _, keep_from = self._block_before(first)
        while self._pieces and self._first + len(self._pieces[0]) <= keep_from:
            self._first += len(self._pieces.pop(0))
        if self._pieces and keep_from > self._first:
            self._pieces[0] = self._pieces[0][keep_from - self._first :]
            self._first = keep_from

    def _block_before(self, sample: int) -> tuple[int, int]:
        """Where to start resampling for `sample`: the place at 16 kHz and at the run's rate."""
        samples_in, samples_out = self._period
        periods = max(sample - REACH, 0) // samples_out
        return periods * samples_out, periods * samples_in

    def _between(self, first: int, last: int) -> np.ndarray:
        self._pieces = [np.concatenate(self._pieces)]
        return self._pieces[0][first - self._first : last - self._first]


def _nearest_sample(duration: int) -> int:
    """Samples at 16 kHz in ns, rounded in whole numbers: stamps have more digits than a float."""
    return (2 * duration * UNIT_RATE + NS_PER_SECOND) // (2 * NS_PER_SECOND)
