"""A scene: what there is, where and when, as plain data. How it looks and sounds is elsewhere.

Time is in seconds from the start of the stream, and unit k is the second [k, k + 1). A unit shows
its frames at +0.0 s and +0.5 s, so every change for the eye takes place between two multiples of
half a second: it is over, or has not begun, whenever a unit looks. What is short for the ear lies
within one unit. So there is never a doubt about what a unit shows and lets hear.
"""

from __future__ import annotations

import enum
import math
from bisect import bisect_right
from dataclasses import dataclass, replace

from roma_ros.speech import SpokenWord, Voice, speak
from roma_ros.world.words import Look, Sound

__all__ = [
    "CHANGE",
    "LOOK_EVERY",
    "Backdrop",
    "Figure",
    "Light",
    "Room",
    "Scene",
    "SoundEvent",
    "SpokenLine",
    "Texture",
    "Touch",
    "Waypoint",
    "units_hearing",
    "units_seeing",
]

LOOK_EVERY = 0.5
"""Seconds between two frames of a stream of units."""
CHANGE = 0.2
"""Seconds that it takes to appear, to leave or to jump."""
HEARD = 0.1
"""Seconds of a long sound that a unit must hold for it to be heard there."""


def units_seeing(begins: float, ends: float) -> range:
    """The units with a frame in [begins, ends)."""
    first = max(math.ceil(begins / LOOK_EVERY), 0)
    last = math.ceil(ends / LOOK_EVERY) - 1
    return range(first // 2, last // 2 + 1) if last >= first else range(0)


def units_hearing(onset: float, end: float) -> range:
    """The units that hold at least 0.1 s, or half, of the sound [onset, end)."""
    enough = min(HEARD, (end - onset) / 2)
    return range(max(math.floor(onset + enough), 0), math.ceil(end - enough))


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Where something is at a time; x to the right and y down, 0 to 1 across the stage.

    The stage is the largest square in the middle of the picture.
    """

    time: float
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A coloured shape on the stage.

    Attributes:
        look: colour and shape.
        size: how far it reaches from its middle, about, as a share of the stage.
        angle: it is turned by, in radians.
        tint: factors on red, green and blue: no two reds are the same.
        appears: when it begins to appear; CHANGE later it is wholly there.
        leaves: when it is gone; CHANGE earlier it begins to go.
        pops: it appears and leaves by growing and shrinking, or else by sliding.
        moves: it moves for as long as it is there, apart from sliding and jumping.
        path: where it is, in the order of time, on straight lines between the waypoints.
    """

    look: Look
    size: float
    angle: float
    tint: tuple[float, float, float]
    appears: float
    leaves: float
    pops: bool
    moves: bool
    path: tuple[Waypoint, ...]

    @property
    def seen_in(self) -> range:
        """The units that show it in at least one of their two frames."""
        return units_seeing(self.appears, self.leaves)

    @property
    def there_after(self) -> range:
        """The units that show it in their last frame."""
        return _shown_last(self.appears, self.leaves)

    def place(self, time: float) -> tuple[float, float]:
        """x and y of its centre."""
        path = self.path
        after = bisect_right(path, time, key=_time)
        if after == 0 or after == len(path):
            at = path[0 if after == 0 else -1]
            return at.x, at.y
        a, b = path[after - 1], path[after]
        share = (time - a.time) / (b.time - a.time)
        return a.x + share * (b.x - a.x), a.y + share * (b.y - a.y)

    def growth(self, time: float) -> float:
        """How large it is drawn, 0 (not there) to 1."""
        if not self.appears <= time < self.leaves:
            return 0.0
        if not self.pops:
            return 1.0
        return min((time - self.appears) / CHANGE, (self.leaves - time) / CHANGE, 1.0)

    def delayed(self, seconds: float) -> Figure:
        path = tuple(replace(point, time=point.time + seconds) for point in self.path)
        appears, leaves = self.appears + seconds, self.leaves + seconds
        return replace(self, appears=appears, leaves=leaves, path=path)


def _time(point: Waypoint) -> float:
    return point.time


def _shown_last(begins: float, ends: float) -> range:
    first = max(math.ceil(begins - LOOK_EVERY), 0)
    return range(first, max(math.ceil(ends - LOOK_EVERY), first))


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """Two figures in contact: `mover` has jumped to `other`."""

    mover: Look
    other: Look
    begins: float
    ends: float

    @property
    def seen_in(self) -> range:
        """The units that show it in at least one of their two frames."""
        return units_seeing(self.begins, self.ends)

    @property
    def there_after(self) -> range:
        """The units that show it in their last frame."""
        return _shown_last(self.begins, self.ends)

    def delayed(self, seconds: float) -> Touch:
        return replace(self, begins=self.begins + seconds, ends=self.ends + seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundEvent:
    """A tone, or one to three short sounds of a kind.

    Attributes:
        kind: which sound.
        onset: when it begins.
        duration: of the whole, in seconds.
        count: how many sounds one after another, evenly spaced; 1 for a tone or word.
        each: how long one of them lasts, in seconds.
        pitch: of beeps and tones, and of a knock's body: Hz.
        level: the highest amplitude, full scale 1.0.
        word: what is said, if it is a word.
        voice: by whom.
    """

    kind: Sound
    onset: float
    duration: float
    count: int
    each: float
    pitch: float
    level: float
    word: str = ""
    voice: Voice | None = None

    @property
    def end(self) -> float:
        return self.onset + self.duration

    @property
    def period(self) -> float:
        """Seconds from one sound to the next."""
        return (self.duration - self.each) / max(self.count - 1, 1) or self.duration

    @property
    def heard_in(self) -> range:
        """The units that let it be heard."""
        return units_hearing(self.onset, self.end)

    @property
    def sounding_after(self) -> range:
        """The units at whose end it still sounds."""
        first = max(math.floor(self.onset), 0)
        return range(first, max(math.floor(self.end), first))

    def delayed(self, seconds: float) -> SoundEvent:
        return replace(self, onset=self.onset + seconds)


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A sentence that somebody says to the robot, laid over the sound track."""

    text: str
    voice: Voice
    onset: float

    @property
    def words(self) -> tuple[SpokenWord, ...]:
        """When each is heard, from the scene's beginning."""
        return tuple(word.delayed(self.onset) for word in speak(self.text, self.voice).words)


class Texture(enum.Enum):
    """What the background is made of."""

    PLAIN = "plain"
    GRADIENT = "gradient"
    STRIPES = "stripes"
    CHECKS = "checks"
    CLOUDS = "clouds"
    BRICKS = "bricks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """The light changes: as a whole, and in the direction that it comes from.

    Attributes:
        level: mean brightness, 1.0 leaves colours as they are.
        swing: how far brightness goes up and down, a share of 1.0.
        slope: how much brighter one side is than the middle.
        period: of the swing, in seconds; the light turns once in three periods.
        phase: of both, in radians.
    """

    level: float
    swing: float
    slope: float
    period: float
    phase: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """What is behind the figures.

    Attributes:
        texture: its kind.
        colour: mean red, green and blue, 0 to 255.
        contrast: of the texture, grey levels to either side.
        pitch: distance between two stripes, bricks and so on, as a share of the stage.
        clutter: small grey marks that mean nothing.
        noise: standard deviation of the camera's noise, in grey levels.
        light: how it changes.
    """

    texture: Texture
    colour: tuple[float, float, float]
    contrast: float
    pitch: float
    clutter: int
    noise: float
    light: Light


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is heard when nothing sounds: root mean squares, full scale 1.0."""

    hiss: float
    rumble: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A whole stream.

    Attributes:
        seed: that it was made from; two scenes with the same seed look and sound alike.
        seconds: its length, which is its number of units.
        figures: in the order in which they appear.
        touches: in the order in which they begin.
        sounds: in the order in which they begin.
        backdrop: behind the figures.
        room: behind the sounds.
        speech: what is said to the robot.
    """

    seed: int
    seconds: int
    figures: tuple[Figure, ...]
    touches: tuple[Touch, ...]
    sounds: tuple[SoundEvent, ...]
    backdrop: Backdrop
    room: Room
    speech: tuple[SpokenLine, ...] = ()

    def delayed(self, units: int) -> Scene:
        """The same scene with an empty and silent stretch before it."""
        return replace(
            self,
            seconds=self.seconds + units,
            figures=tuple(figure.delayed(units) for figure in self.figures),
            touches=tuple(touch.delayed(units) for touch in self.touches),
            sounds=tuple(sound.delayed(units) for sound in self.sounds),
        )

    def hushed(self, begins: float, ends: float) -> Scene:
        """The same scene without the sounds of which any part falls into [begins, ends)."""
        kept = (sound for sound in self.sounds if sound.end <= begins or sound.onset >= ends)
        return replace(self, sounds=tuple(kept))

    def cut(self, seconds: int) -> Scene:
        """The first seconds of the scene."""
        return replace(self, seconds=min(seconds, self.seconds))

    def stretch(self, first: int, seconds: int) -> Scene:
        """So many seconds from unit `first` on, as if the stream began there; nobody speaks."""
        figures = (figure.delayed(-first) for figure in self.figures)
        touches = (touch.delayed(-first) for touch in self.touches)
        sounds = (sound.delayed(-first) for sound in self.sounds)
        return replace(
            self,
            seconds=min(seconds, self.seconds - first),
            figures=tuple(figure for figure in figures if figure.leaves > 0),
            touches=tuple(touch for touch in touches if touch.ends > 0),
            sounds=tuple(sound for sound in sounds if sound.heard_in),
            speech=(),
        )

    def saying(self, line: SpokenLine) -> Scene:
        """The same scene with one more sentence spoken."""
        return replace(self, speech=(*self.speech, line))

    def clip(self, units: range) -> range:
        """Those of the units that are in the stream."""
        return range(max(units.start, 0), max(min(units.stop, self.seconds), 0))
