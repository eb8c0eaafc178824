"""Who may appear in a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from roma_ros.world.words import Colour, Look, Shape, Sound

__all__ = ["Cast"]

T = TypeVar("T")

LEAST_LOOKS = 3
SHARE_OF_LOOKS = 0.65


@dataclass(frozen=True, slots=True)
class Cast:
    """Few colours, shapes and sounds, and not all of their combinations.

    So looks share colours and shapes, and some combinations never appear: what is asked about one
    look is often nearly true of another.
    """

    looks: tuple[Look, ...]
    sounds: tuple[Sound, ...]

    @classmethod
    def drawn(cls, random: np.random.Generator) -> Cast:
        colours = _some(list(Colour), int(random.integers(2, 4)), random)
        shapes = _some(list(Shape), int(random.integers(2, 4)), random)
        looks = [Look(colour, shape) for colour in colours for shape in shapes]
        count = max(LEAST_LOOKS, round(SHARE_OF_LOOKS * len(looks)))
        sounds = _some(list(Sound), int(random.integers(2, 4)), random)
        return cls(_some(looks, count, random), sounds)

    @property
    def short_sounds(self) -> tuple[Sound, ...]:
        return tuple(sound for sound in self.sounds if sound is not Sound.TONE)


def _some(things: Sequence[T], count: int, random: np.random.Generator) -> tuple[T, ...]:
    return tuple(things[index] for index in random.permutation(len(things))[:count])
