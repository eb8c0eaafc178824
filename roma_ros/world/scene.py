"""Scene as plain data: figures, touches, sounds and speech with their times and places.

Pictures and sound are rendered by `FrameRenderer` and `SoundRenderer`.

Time is in seconds from the start of the stream, and unit k is the second [k, k + 1). A unit shows
the frames at +0.0 s and +0.5 s, so every visual change takes place between two multiples of half a
second: no frame shows a change halfway. A short sound lies within one unit. So the content of each
unit is unambiguous.
"""

from __future__ import annotations

import enum
import math
from bisect import bisect_right
from dataclasses import dataclass, replace

from roma_ros.speech import SpokenWord, Voice, speak
from roma_ros.world.camera_faults import CameraFaults
from roma_ros.world.footage import Footage, Passer
from roma_ros.world.recordings import PlayedClip
from roma_ros.world.sights import SightEvent
from roma_ros.world.words import AnySound, Look, RecordedSound

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
"""Seconds between two frames of a unit."""
CHANGE = 0.2
"""Duration in seconds of an appearance, a leave or a jump."""
HEARD = 0.1
"""Seconds of a sound that a unit must contain for the sound to count as heard in it."""


def units_seeing(begins: float, ends: float) -> range:
    """Return the units with a frame in [begins, ends), times in seconds."""
    first = max(math.ceil(begins / LOOK_EVERY), 0)
    last = math.ceil(ends / LOOK_EVERY) - 1
    return range(first // 2, last // 2 + 1) if last >= first else range(0)


def units_hearing(onset: float, end: float) -> range:
    """Return the units that contain at least 0.1 s, or half, of the sound [onset, end)."""
    enough = min(HEARD, (end - onset) / 2)
    return range(max(math.floor(onset + enough), 0), math.ceil(end - enough))


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Place on the stage at a time.

    The stage is the largest square in the middle of the picture.

    Attributes:
        time: seconds.
        x, y: place, x to the right and y down, 0 to 1 across the stage.
    """

    time: float
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Coloured shape on the stage.

    Attributes:
        look: colour and shape.
        size: radius, about, as a share of the stage.
        angle: rotation in radians.
        tint: factors on red, green and blue, so that colours vary.
        appears: time in seconds at which it starts to appear; CHANGE later it is complete.
        leaves: time in seconds at which it is gone; CHANGE earlier it starts to leave.
        pops: whether it appears and leaves by growing and shrinking, instead of sliding.
        moves: whether it moves all the time, apart from sliding and jumping.
        path: waypoints in the order of time, linearly interpolated.
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
        """Units that show it in at least one of their two frames."""
        return units_seeing(self.appears, self.leaves)

    @property
    def there_after(self) -> range:
        """Units that show it in their last frame."""
        return _shown_last(self.appears, self.leaves)

    def place(self, time: float) -> tuple[float, float]:
        """Return x and y of its centre at a time in seconds."""
        path = self.path
        after = bisect_right(path, time, key=_time)
        if after == 0 or after == len(path):
            at = path[0 if after == 0 else -1]
            return at.x, at.y
        a, b = path[after - 1], path[after]
        share = (time - a.time) / (b.time - a.time)
        return a.x + share * (b.x - a.x), a.y + share * (b.y - a.y)

    def growth(self, time: float) -> float:
        """Return the factor on its size at a time in seconds, 0 (not there) to 1."""
        if not self.appears <= time < self.leaves:
            return 0.0
        if not self.pops:
            return 1.0
        return min((time - self.appears) / CHANGE, (self.leaves - time) / CHANGE, 1.0)

    def delayed(self, seconds: float) -> Figure:
        """Return the figure at a later time."""
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
    """Two figures in contact.

    Attributes:
        mover: look of the figure that jumped to the other.
        other: look of the other figure.
        begins, ends: times of the contact in seconds.
    """

    mover: Look
    other: Look
    begins: float
    ends: float

    @property
    def seen_in(self) -> range:
        """Units that show it in at least one of their two frames."""
        return units_seeing(self.begins, self.ends)

    @property
    def there_after(self) -> range:
        """Units that show it in their last frame."""
        return _shown_last(self.begins, self.ends)

    def delayed(self, seconds: float) -> Touch:
        """Return the touch at a later time."""
        return replace(self, begins=self.begins + seconds, ends=self.ends + seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundEvent:
    """A tone, one to three short sounds of a kind, or a recording.

    Attributes:
        kind: kind of the sound.
        onset: start in seconds.
        duration: length of the whole in seconds.
        count: number of repetitions, evenly spaced; 1 for a tone, word or recording.
        each: length of one repetition in seconds.
        pitch: frequency of beeps, tones and knocks in Hz; 0 for other kinds.
        level: peak amplitude, full scale 1.0; of a recording, root mean square while it sounds.
        word: text of a spoken word; empty for other kinds.
        voice: voice of a spoken word; `None` for other kinds.
        playback: what is played of which recording; `None` for other kinds.
    """

    kind: AnySound
    onset: float
    duration: float
    count: int
    each: float
    pitch: float
    level: float
    word: str = ""
    voice: Voice | None = None
    playback: PlayedClip | None = None

    @property
    def end(self) -> float:
        """End in seconds."""
        return self.onset + self.duration

    @property
    def period(self) -> float:
        """Seconds from the start of one repetition to the next."""
        return (self.duration - self.each) / max(self.count - 1, 1) or self.duration

    @property
    def heard_in(self) -> range:
        """Units from the first to the last in which it counts as heard."""
        runs = self.heard_runs
        return range(runs[0].start, runs[-1].stop) if runs else range(0)

    @property
    def heard_runs(self) -> tuple[range, ...]:
        """Units in which it counts as heard: one range, or of a recording with pauses several."""
        if self.playback is None:
            return (units_hearing(self.onset, self.end),)
        runs = (
            units_hearing(self.onset + begin, self.onset + min(end, self.duration))
            for begin, end in self.playback.spans
            if begin < self.duration
        )
        return tuple(filter(None, runs))

    @property
    def sounding_after(self) -> range:
        """Units at whose end it still sounds."""
        first = max(math.floor(self.onset), 0)
        return range(first, max(math.floor(self.end), first))

    def delayed(self, seconds: float) -> SoundEvent:
        """Return the sound at a later time."""
        return replace(self, onset=self.onset + seconds)


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """Sentence spoken to the robot, mixed into the sound track.

    Attributes:
        text: the sentence.
        voice: espeak-ng voice.
        onset: start in seconds.
    """

    text: str
    voice: Voice
    onset: float

    @property
    def words(self) -> tuple[SpokenWord, ...]:
        """Words with their times in seconds from the start of the scene."""
        return tuple(word.delayed(self.onset) for word in speak(self.text, self.voice).words)


class Texture(enum.Enum):
    """Texture of the background."""

    PLAIN = "plain"
    GRADIENT = "gradient"
    STRIPES = "stripes"
    CHECKS = "checks"
    CLOUDS = "clouds"
    BRICKS = "bricks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Light that varies in brightness and direction.

    Attributes:
        level: mean brightness; 1.0 leaves colours unchanged.
        swing: amplitude of the brightness.
        slope: difference in brightness between one side of the picture and its middle.
        period: period of the brightness in seconds; the direction turns once in three periods.
        phase: phase of both in radians.
    """

    level: float
    swing: float
    slope: float
    period: float
    phase: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """Background of the pictures, with camera noise and light.

    Attributes:
        texture: kind of texture.
        colour: mean red, green and blue, 0 to 255.
        contrast: amplitude of the texture in grey levels.
        pitch: distance between two stripes, bricks and so on, as a share of the stage.
        clutter: number of small grey marks, as distractors.
        noise: standard deviation of the camera noise in grey levels.
        light: variation of the light.
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
    """Background noise of the sound track.

    Attributes:
        hiss: root mean square of white noise, full scale 1.0.
        rumble: root mean square of low-frequency noise, full scale 1.0.
    """

    hiss: float
    rumble: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A whole stream as data.

    Attributes:
        seed: seed that it was made from.
        seconds: length in seconds, which is the number of units.
        figures: figures in the order in which they appear.
        touches: touches in the order in which they begin.
        sounds: sounds in the order in which they begin.
        backdrop: background of the pictures.
        room: background of the sound.
        speech: sentences spoken to the robot.
        recorded: kinds of recorded sound that may occur in it, whether they do or not.
        footage: real footage in place of the backdrop's texture; `None` for a rendered room.
        passers: pieces of footage that move across the picture.
        sights: what happens to light, lamps and camera, near misses included.
        camera: faults of the camera; `None` for a camera that has only the backdrop's noise.
    """

    seed: int
    seconds: int
    figures: tuple[Figure, ...]
    touches: tuple[Touch, ...]
    sounds: tuple[SoundEvent, ...]
    backdrop: Backdrop
    room: Room
    speech: tuple[SpokenLine, ...] = ()
    recorded: tuple[RecordedSound, ...] = ()
    footage: Footage | None = None
    passers: tuple[Passer, ...] = ()
    sights: tuple[SightEvent, ...] = ()
    camera: CameraFaults | None = None

    def delayed(self, units: int) -> Scene:
        """Return the scene with an empty and silent stretch of `units` before it."""
        return replace(
            self,
            seconds=self.seconds + units,
            figures=tuple(figure.delayed(units) for figure in self.figures),
            touches=tuple(touch.delayed(units) for touch in self.touches),
            sounds=tuple(sound.delayed(units) for sound in self.sounds),
            footage=self.footage and self.footage.delayed(units),
            passers=tuple(passer.delayed(units) for passer in self.passers),
            sights=tuple(sight.delayed(units) for sight in self.sights),
        )

    def hushed(self, begins: float, ends: float) -> Scene:
        """Return the scene without the sounds that overlap [begins, ends), in seconds."""
        kept = (sound for sound in self.sounds if sound.end <= begins or sound.onset >= ends)
        return replace(self, sounds=tuple(kept))

    def cut(self, seconds: int) -> Scene:
        """Return the first seconds of the scene."""
        return replace(self, seconds=min(seconds, self.seconds))

    def stretch(self, first: int, seconds: int) -> Scene:
        """Return `seconds` from unit `first` on as a scene of its own, without speech."""
        figures = (figure.delayed(-first) for figure in self.figures)
        touches = (touch.delayed(-first) for touch in self.touches)
        sounds = (sound.delayed(-first) for sound in self.sounds)
        return replace(
            self,
            seconds=min(seconds, self.seconds - first),
            figures=tuple(figure for figure in figures if figure.leaves > 0),
            touches=tuple(touch for touch in touches if touch.ends > 0),
            sounds=tuple(sound for sound in sounds if sound.heard_in),
            footage=self.footage and self.footage.delayed(-first),
            passers=tuple(passer.delayed(-first) for passer in self.passers),
            sights=tuple(sight.delayed(-first) for sight in self.sights),
            speech=(),
        )

    def saying(self, line: SpokenLine) -> Scene:
        """Return the scene with one more spoken sentence."""
        return replace(self, speech=(*self.speech, line))

    def clip(self, units: range) -> range:
        """Return the part of a range of units that is within the scene."""
        return range(max(units.start, 0), max(min(units.stop, self.seconds), 0))
