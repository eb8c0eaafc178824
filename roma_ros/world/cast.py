"""Cast of a scene: the looks and sounds that may occur in it."""

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
    """Looks and sounds that may occur in one scene.

    Looks are made of two or three colours and shapes, but not of all their combinations: a question
    about one look is often nearly true of another, and the missing looks are hard negatives.

    Attributes:
        looks: looks of figures, at least three.
        sounds: two or three kinds of sound.
    """

    looks: tuple[Look, ...]
    sounds: tuple[Sound, ...]

    @classmethod
    def drawn(cls, random: np.random.Generator) -> Cast:
        """Draw a cast."""
        colours = _some(list(Colour), int(random.integers(2, 4)), random)
        shapes = _some(list(Shape), int(random.integers(2, 4)), random)
        looks = [Look(colour, shape) for colour in colours for shape in shapes]
        count = max(LEAST_LOOKS, round(SHARE_OF_LOOKS * len(looks)))
        sounds = _some(list(Sound), int(random.integers(2, 4)), random)
        return cls(_some(looks, count, random), sounds)

    @property
    def short_sounds(self) -> tuple[Sound, ...]:
        """All sounds but the tone, which lasts for seconds."""
        return tuple(sound for sound in self.sounds if sound is not Sound.TONE)


def _some(things: Sequence[T], count: int, random: np.random.Generator) -> tuple[T, ...]:
    return tuple(things[index] for index in random.permutation(len(things))[:count])
