"""Seeds: which of them are for training and which for tests."""

from __future__ import annotations

import enum

import numpy as np

from roma_ros.world.errors import SceneError

__all__ = ["Purpose", "Split", "generator"]


class Split(enum.Enum):
    """Worlds for one use; no seed is in two of them. The value is the range of its seeds."""

    TRAIN = range(0, 2_000_000_000)
    VALIDATION = range(2_000_000_000, 3_000_000_000)
    TEST = range(3_000_000_000, 4_000_000_000)

    @classmethod
    def of(cls, seed: int) -> Split:
        """The split that a seed belongs to. Raises SceneError if it belongs to none."""
        for split in cls:
            if seed in split.value:
                return split
        raise SceneError(f"the seed is {seed}; expected 0 to {cls.TEST.value.stop - 1:,}")

    def seed(self, index: int) -> int:
        """The seed of the split's world number `index`. Raises SceneError beyond its last."""
        seeds: range = self.value
        if not 0 <= index < len(seeds):
            raise SceneError(
                f"the world of {self.name} is {index}; expected 0 to {len(seeds) - 1:,}"
            )
        return seeds[index]


class Purpose(enum.Enum):
    """What random numbers are drawn for: each has its own, so that one cannot disturb another."""

    SCENE = 0
    BACKDROP = 1
    PICTURES = 2
    SOUNDS = 3
    ALERTS = 4
    QUESTIONS = 5
    VOICES = 6


def generator(seed: int, purpose: Purpose) -> np.random.Generator:
    """The random numbers of one world for one purpose. Raises SceneError for an unknown seed."""
    Split.of(seed)
    return np.random.default_rng((seed, purpose.value))
