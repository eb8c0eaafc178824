"""Splits of the seeds into train, validation and test, and random numbers of a seed."""

from __future__ import annotations

import enum

import numpy as np

from roma_ros.world.errors import SceneError

__all__ = ["Purpose", "Split", "generator"]


class Split(enum.Enum):
    """Disjoint ranges of seeds; the value is the range."""

    TRAIN = range(0, 2_000_000_000)
    VALIDATION = range(2_000_000_000, 3_000_000_000)
    TEST = range(3_000_000_000, 4_000_000_000)

    @classmethod
    def of(cls, seed: int) -> Split:
        """Return the split of a seed. Raises SceneError if the seed is out of range."""
        for split in cls:
            if seed in split.value:
                return split
        raise SceneError(f"the seed is {seed}; expected 0 to {cls.TEST.value.stop - 1:,}")

    def seed(self, index: int) -> int:
        """Return the seed of world number `index` of the split.

        Raises:
            SceneError: the index is out of range.
        """
        seeds: range = self.value
        if not 0 <= index < len(seeds):
            raise SceneError(
                f"the world of {self.name} is {index}; expected 0 to {len(seeds) - 1:,}"
            )
        return seeds[index]


class Purpose(enum.Enum):
    """Purpose of random numbers; each has a generator of its own, independent of the others."""

    SCENE = 0
    BACKDROP = 1
    PICTURES = 2
    SOUNDS = 3
    ALERTS = 4
    QUESTIONS = 5
    VOICES = 6
    RECORDINGS = 7
    UNKNOWN = 8
    STREAM = 20
    SIGHTS = 21


def generator(seed: int, purpose: Purpose) -> np.random.Generator:
    """Return the random generator of a seed and purpose. Raises SceneError for an invalid seed."""
    Split.of(seed)
    return np.random.default_rng((seed, purpose.value))
