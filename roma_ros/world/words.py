"""Closed vocabulary of the world: colours, shapes, sounds and all answers."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = [
    "ANSWERS",
    "MAX_COUNT",
    "NOTHING",
    "NUMBERS",
    "PLACES",
    "Colour",
    "Look",
    "Shape",
    "Sound",
    "counted",
    "listed",
]


class Colour(enum.Enum):
    """Six colours that can be told apart under the world's noise and light."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    YELLOW = "yellow"
    PURPLE = "purple"
    WHITE = "white"


class Shape(enum.Enum):
    """Five shapes."""

    CIRCLE = "circle"
    SQUARE = "square"
    TRIANGLE = "triangle"
    STAR = "star"
    CROSS = "cross"


class Sound(enum.Enum):
    """Kinds of sound. A tone lasts for seconds; the others are short. Beeps, bursts and knocks
    come one to three at a time."""

    BEEP = "beep"
    TONE = "tone"
    BURST = "burst"
    KNOCK = "knock"
    WORD = "word"

    @property
    def countable(self) -> bool:
        """Whether the sound is repeated one to three times."""
        return self in (Sound.BEEP, Sound.BURST, Sound.KNOCK)


@dataclass(frozen=True, slots=True)
class Look:
    """Colour and shape of a figure."""

    colour: Colour
    shape: Shape

    def __str__(self) -> str:
        return f"{self.colour.value} {self.shape.value}"


NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")
MAX_COUNT = len(NUMBERS) - 1
PLACES = ("left", "middle", "right")
NOTHING = "nothing"

ANSWERS = (
    "yes",
    "no",
    NOTHING,
    *NUMBERS,
    *PLACES,
    *(colour.value for colour in Colour),
    *(shape.value for shape in Shape),
    *(sound.value for sound in Sound),
)
"""All answers to questions of the world, one word each."""


def counted(sound: Sound, count: int) -> str:
    """Return a sound with its number: `a beep`, `two beeps`."""
    return f"a {sound.value}" if count == 1 else f"{NUMBERS[count]} {sound.value}s"


def listed(things: list[str]) -> str:
    """Return an enumeration: `a, b and c`."""
    return " and ".join([", ".join(things[:-1]), things[-1]] if len(things) > 1 else things)
