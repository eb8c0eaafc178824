"""Sights that need no names of things: motion, stillness, light, a covered camera, lamps.

`Sight` is what an instruction names; `SightEvent` is what happens in a scene, near misses included.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace

from roma_ros.world.words import Colour

__all__ = [
    "LAMP_COLOURS",
    "SIGHTS",
    "SIGHT_QUESTIONS",
    "Incident",
    "Sight",
    "SightEvent",
    "SightKind",
    "sight_sentences",
]


class SightKind(enum.Enum):
    """Kind of a sight; the value is a name without spaces."""

    MOTION = "motion"
    STILLNESS = "stillness"
    LIGHT_OUT = "light_out"
    LIGHT_ON = "light_on"
    COVERED = "covered"
    LAMP_ON = "lamp_on"
    LAMP_FLASHES = "lamp_flashes"


WORDINGS = {
    SightKind.MOTION: ("something moves", "you see something move", "there is motion"),
    SightKind.STILLNESS: ("all stands still", "nothing moves", "there is no motion"),
    SightKind.LIGHT_OUT: ("the light goes out", "it gets dark", "it goes dark"),
    SightKind.LIGHT_ON: ("the light comes on", "it gets bright", "it is bright again"),
    SightKind.COVERED: (
        "the camera is covered",
        "something covers the camera",
        "the view is covered",
    ),
    SightKind.LAMP_ON: (
        "a {colour} light comes on",
        "you see a {colour} light come on",
        "a {colour} lamp comes on",
    ),
    SightKind.LAMP_FLASHES: (
        "a {colour} light flashes",
        "you see a {colour} light flash",
        "a {colour} lamp flashes",
    ),
}
"""Texts of each sight in an instruction. The last is held out of training."""
LAMP_COLOURS = (Colour.RED, Colour.GREEN, Colour.YELLOW, Colour.BLUE)
"""Colours of lamps that instructions name; white lamps are near misses."""

SIGHT_QUESTIONS = {
    "dark": "is it dark?",
    "covered": "is the camera covered?",
    "motion": "does something move?",
    **{f"{colour.value} light": f"is a {colour.value} light on?" for colour in LAMP_COLOURS},
}
"""Questions on what a unit shows, to be answered with yes or no, by label (see
`sight_facts`)."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Sight of an alert instruction.

    Attributes:
        kind: its kind.
        colour: colour of the lamp; `None` for other kinds.
    """

    kind: SightKind
    colour: Colour | None = None

    @property
    def wordings(self) -> tuple[str, ...]:
        """Its texts in an instruction, at least two; the last is held out of training."""
        colour = self.colour.value if self.colour else ""
        return tuple(text.format(colour=colour) for text in WORDINGS[self.kind])

    @property
    def report(self) -> str:
        """Text of an alert that reports it: `the light goes out.`"""
        return f"{self.wordings[0]}."


SIGHTS = (
    *(Sight(kind) for kind in tuple(SightKind)[:5]),
    *(Sight(kind, colour) for kind in tuple(SightKind)[5:] for colour in LAMP_COLOURS),
)
"""All sights."""


def sight_sentences() -> Iterator[str]:
    """Yield all instructions, reports and questions of sights, held-out wordings included."""
    for sight in SIGHTS:
        for wording in sight.wordings:
            yield f"alert me when {wording}"
            yield f"alert me every time {wording}"
        yield sight.report
    yield from SIGHT_QUESTIONS.values()


class Incident(enum.Enum):
    """Kind of a `SightEvent`. A dimmed light is a near miss of darkness."""

    DARK = "dark"
    DIMMED = "dimmed"
    COVERED = "covered"
    FROZEN = "frozen"
    LAMP = "lamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class SightEvent:
    """Something that happens to the pictures of a scene.

    Attributes:
        incident: its kind. FROZEN footage stands still and goes on from there.
        begins, ends: times in seconds.
        level: DARK and DIMMED: factor on the brightness. COVERED: grey level of the cover, 0 to
            255. LAMP: brightness, 1.0 is full.
        slide: COVERED: seconds that the cover takes to come and to go.
        tint: COVERED: factors on red, green and blue.
        colour: LAMP: its colour.
        x, y: LAMP: its place, as shares of the picture's sides. COVERED: direction that the cover
            comes from, -1 to 1 each.
        size: LAMP: radius as a share of the picture's shorter side.
        halo: LAMP: radius of its glow as a multiple of its own.
        housing: LAMP: whether it can be seen while it is off.
        mirrored: LAMP: whether a weak reflection of it can be seen below it.
        pulses: LAMP: times of begin and end of each time it is on, in seconds.
        seed: seed of the texture of a cover.
    """

    incident: Incident
    begins: float
    ends: float
    level: float = 1.0
    slide: float = 0.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    colour: Colour = Colour.WHITE
    x: float = 0.5
    y: float = 0.5
    size: float = 0.05
    halo: float = 2.5
    housing: bool = False
    mirrored: bool = False
    pulses: tuple[tuple[float, float], ...] = ()
    seed: int = 0

    @property
    def flashes(self) -> bool:
        """Whether it is a lamp that goes on and off."""
        return len(self.pulses) > 1

    def active(self, time: float) -> bool:
        """Return whether it goes on at a time in seconds."""
        return self.begins <= time < self.ends

    def lit(self, time: float) -> bool:
        """Return whether a lamp is on at a time in seconds."""
        return any(begins <= time < ends for begins, ends in self.pulses)

    def coverage(self, time: float) -> float:
        """Return the share of the picture that a cover hides at a time in seconds, 0 to 1."""
        if not self.active(time):
            return 0.0
        if not self.slide:
            return 1.0
        return min((time - self.begins) / self.slide, (self.ends - time) / self.slide, 1.0)

    def delayed(self, seconds: float) -> SightEvent:
        """Return the event at a later time."""
        return replace(
            self,
            begins=self.begins + seconds,
            ends=self.ends + seconds,
            pulses=tuple((begins + seconds, ends + seconds) for begins, ends in self.pulses),
        )
