"""Closed vocabulary of the world: colours, shapes, sounds and all answers."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from typing import TypeAlias

__all__ = [
    "ANSWERS",
    "ESC_10",
    "MAX_COUNT",
    "NOTHING",
    "NUMBERS",
    "PLACES",
    "AnySound",
    "Colour",
    "Look",
    "RecordedSound",
    "Shape",
    "Sound",
    "counted",
    "listed",
    "recorded_sound",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSound:
    """Kind of sound that is played from recordings, with the phrases for it.

    Attributes:
        value: name, which is the answer to `what do you hear now?`: `dog`.
        noun: name with its article: `a dog`.
        condition: the event in an alert instruction: `a dog barks`.
        hearing: the event after `you hear`: `a dog bark`.
        past: the event in a narration, when it has ended: `a dog barked`.
        question: yes or no question about the past, without its question mark: `did a dog bark`.
    """

    value: str
    noun: str
    condition: str
    hearing: str
    past: str
    question: str

    @property
    def countable(self) -> bool:
        """False: repetitions of a recorded sound are not counted."""
        return False

    @classmethod
    def of(cls, noun: str, verb: str, present: str, past: str, value: str = "") -> RecordedSound:
        """Return a kind with a verb of its own.

        Args:
            noun: who or what makes the sound, with its article: `a dog`.
            verb, present, past: forms of the verb: `bark`, `barks`, `barked`.
            value: name; the last word of the noun by default.
        """
        return cls(
            value=value or noun.split()[-1],
            noun=noun,
            condition=f"{noun} {present}",
            hearing=f"{noun} {verb}",
            past=f"{noun} {past}",
            question=f"did {noun} {verb}",
        )

    @classmethod
    def named(cls, name: str) -> RecordedSound:
        """Return a kind of which nothing but the name is known."""
        return cls(
            value=name,
            noun=name,
            condition=f"you hear {name}",
            hearing=name,
            past=f"{name} sounded",
            question=f"did you hear {name}",
        )


AnySound: TypeAlias = Sound | RecordedSound

_SNEEZE = RecordedSound.of("somebody", "sneeze", "sneezes", "sneezed", value="sneeze")
ESC_10 = (
    RecordedSound.of("a dog", "bark", "barks", "barked"),
    RecordedSound.of("rain", "fall", "falls", "fell"),
    RecordedSound.of("waves", "break", "break", "broke"),
    RecordedSound.of("a baby", "cry", "cries", "cried"),
    RecordedSound.of("a clock", "tick", "ticks", "ticked"),
    replace(_SNEEZE, noun="a sneeze"),
    RecordedSound.of("a helicopter", "fly", "flies", "flew"),
    RecordedSound.of("a chainsaw", "run", "runs", "ran"),
    RecordedSound.of("a rooster", "crow", "crows", "crowed"),
    RecordedSound.of("a fire", "crackle", "crackles", "crackled"),
)
"""Kinds of sound of ESC-10, in its order."""
_FOLDERS = (  # names in ESC-10 and ESC-50, in the order of ESC_10
    ("dog bark", "dog"),
    ("rain",),
    ("sea waves",),
    ("baby cry", "crying baby"),
    ("clock tick",),
    ("person sneeze", "sneezing"),
    ("helicopter",),
    ("chainsaw",),
    ("rooster",),
    ("fire crackling", "crackling fire"),
)
_KNOWN = {
    name: kind
    for kind, names in zip(ESC_10, _FOLDERS, strict=True)
    for name in (*names, kind.value)
}


def recorded_sound(name: str) -> RecordedSound:
    """Return the kind of sound that a folder or category holds: `001 - Dog bark`, `sea_waves`."""
    plain = " ".join(re.sub(r"[\W_]+", " ", name).lower().split())
    plain = re.sub(r"^\d+ (?=.)", "", plain)
    return _KNOWN.get(plain) or RecordedSound.named(plain)


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
    *(sound.value for sound in ESC_10),
)
"""All answers to questions of the world, one word each; names of other recordings join them."""


def counted(sound: AnySound, count: int) -> str:
    """Return a sound with its number: `a beep`, `two beeps`; or a recorded sound: `a dog`."""
    if isinstance(sound, RecordedSound):
        return sound.noun
    return f"a {sound.value}" if count == 1 else f"{NUMBERS[count]} {sound.value}s"


def listed(things: list[str]) -> str:
    """Return an enumeration: `a, b and c`."""
    return " and ".join([", ".join(things[:-1]), things[-1]] if len(things) > 1 else things)
