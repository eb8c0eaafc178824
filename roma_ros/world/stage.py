"""Stage: a scene under construction, to which figures and sounds are added one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from roma_ros.speech import Voice
from roma_ros.world.cast import Cast
from roma_ros.world.lane import LANES, Lane, sliding
from roma_ros.world.scene import CHANGE, LOOK_EVERY, Figure, SoundEvent, Touch, Waypoint
from roma_ros.world.splits import Split
from roma_ros.world.voices import draw_voice
from roma_ros.world.words import Look, Sound

__all__ = ["SPOKEN_WORDS", "PairFrames", "Stage"]

SPOKEN_WORDS = ("hello", "robot", "table", "water", "kitchen", "garden", "window", "music")
"""Words of the sound `word`; none of them is in an instruction or question."""

SIZES = (0.11, 0.145)  # small enough that neighbours in two lanes never touch
LANE_ENDS = (0.2, 0.8)
PAIR_PLACES = (0.24, 0.76)
CONTACT = 0.68  # distance of two touching figures, as a share of the sum of their sizes
SPEEDS = (0.12, 0.25)  # of the stage, per second
ROOM = 2  # frames between two figures of the same look
TONE_OFFSETS = (0.25, 0.55)  # tones start and end in mid-unit, so that both units hear them
EACH_AND_GAP = {  # seconds of one short sound, and of the gap to the next
    Sound.BEEP: (0.12, 0.11),
    Sound.BURST: (0.16, 0.12),
    Sound.KNOCK: (0.12, 0.12),
    Sound.WORD: (0.7, 0.0),
}
PITCHES = {  # Hz; 0 for bursts and words
    Sound.BEEP: (900.0, 1800.0),
    Sound.TONE: (220.0, 440.0),
    Sound.BURST: (0.0, 0.0),
    Sound.KNOCK: (110.0, 240.0),
    Sound.WORD: (0.0, 0.0),
}


@dataclass(frozen=True, slots=True)
class PairFrames:
    """First frame of each step of a pair.

    Attributes:
        first: frame in which the first figure is seen.
        second: frame in which the second figure is seen.
        contact: frame in which the two may touch.
        gone: first frame without either.
    """

    first: int
    second: int
    contact: int
    gone: int


@dataclass(slots=True)
class Stage:
    """Scene under construction.

    Figures are placed by frame: frame f is at f / 2 seconds, in unit f // 2, and a figure with
    the frames [first, gone) is seen in those. Sounds are placed by unit.

    Attributes:
        random: random numbers of the scene.
        seconds: length of the scene in seconds.
        cast: looks and sounds to choose from.
        split: split of the scene, which determines its voices.
        figures, touches, sounds: content so far, in any order.
    """

    random: np.random.Generator
    seconds: int
    cast: Cast
    split: Split
    figures: list[Figure] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    sounds: list[SoundEvent] = field(default_factory=list)
    _taken: dict[Look, list[range]] = field(default_factory=dict)  # frames

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def length(self, low: int, high: int) -> int:
        """Draw an integer from low to high, both included."""
        return int(self.random.integers(low, high + 1))

    def frame_of(self, unit: int) -> int:
        """Draw one of the two frames of a unit."""
        return 2 * unit + self.length(0, 1)

    def lane(self, index: int, *, upright: bool) -> Lane:
        return Lane(LANES[index] + float(self.random.uniform(-0.01, 0.01)), upright)

    def free_look(self, first: int, gone: int, unlike: Look | None = None) -> Look | None:
        """Draw a look that no figure has in those frames, nor shortly before or after."""
        for index in self.random.permutation(len(self.cast.looks)):
            look: Look = self.cast.looks[index]
            taken = self._taken.get(look, [])
            free = all(gone <= span.start or span.stop <= first for span in taken)
            if free and look != unlike:
                return look
        return None

    def solo(self, lane: Lane, look: Look, first: int, gone: int) -> None:
        """Add one figure that stays in place, or moves to and fro along its lane."""
        moves = self.chance(0.5)
        path = tuple(self._wander(lane, first, gone))
        self._enter(look, first, gone, path if moves else path[:1], moves=moves)

    def pair(self, lane: Lane, looks: tuple[Look, Look], frames: PairFrames) -> None:
        """Add two figures at a distance, of which the first may jump to the second."""
        here, there = PAIR_PLACES if self.chance(0.5) else PAIR_PLACES[::-1]
        start = lane.at(frames.first * LOOK_EVERY, here)
        goal = lane.at(frames.second * LOOK_EVERY, there)
        mover = self._enter(looks[0], frames.first, frames.gone, (start,), moves=False)
        other = self._enter(looks[1], frames.second, frames.gone, (goal,), moves=False)
        if not self.chance(0.7):
            return
        jump = self._before(frames.contact)
        distance = CONTACT * (mover.size + other.size)
        landing = there + (distance if here > there else -distance)
        path: tuple[Waypoint, ...] = (lane.at(jump, here), lane.at(jump + CHANGE, landing))
        if not mover.pops:
            path = sliding(path, mover.appears, mover.leaves)
        self.figures[self.figures.index(mover)] = replace(mover, path=path)
        self.touches.append(
            Touch(
                mover=mover.look,
                other=other.look,
                begins=jump + CHANGE,
                ends=min(mover.leaves, other.leaves) - CHANGE,
            )
        )

    def short_sound(self, unit: int) -> None:
        """Add one to three short sounds of a kind within a unit."""
        kinds = self.cast.short_sounds
        kind = kinds[self.random.integers(len(kinds))]
        count = self.length(1, 3) if kind.countable else 1
        each, gap = EACH_AND_GAP[kind]
        duration = count * each + (count - 1) * gap
        word = SPOKEN_WORDS[self.random.integers(len(SPOKEN_WORDS))]
        self.sounds.append(
            SoundEvent(
                kind=kind,
                onset=unit + float(self.random.uniform(0.03, 0.97 - duration)),
                duration=duration,
                count=count,
                each=each,
                pitch=float(self.random.uniform(*PITCHES[kind])),
                level=float(self.random.uniform(0.15, 0.5)),
                word=word if kind is Sound.WORD else "",
                voice=self._voice() if kind is Sound.WORD else None,
            )
        )

    def tone(self, first: int, last: int) -> None:
        """Add a tone from the middle of one unit to the middle of another."""
        onset, end = np.array([first, last]) + self.random.uniform(*TONE_OFFSETS, 2)
        self.sounds.append(
            SoundEvent(
                kind=Sound.TONE,
                onset=float(onset),
                duration=float(end - onset),
                count=1,
                each=float(end - onset),
                pitch=float(self.random.uniform(*PITCHES[Sound.TONE])),
                level=float(self.random.uniform(0.1, 0.3)),
            )
        )

    def _voice(self) -> Voice:
        """Draw a voice at default speed and pitch, so that few single words are synthesised."""
        return Voice(draw_voice(self.random, self.split).name)

    def _before(self, frame: int) -> float:
        """Draw the start in seconds of a change that is complete at a frame."""
        return LOOK_EVERY * (frame - 1) + float(self.random.uniform(0.06, 0.2))

    def _enter(
        self, look: Look, first: int, gone: int, path: tuple[Waypoint, ...], *, moves: bool
    ) -> Figure:
        appears, leaves = self._before(first), self._before(gone) + CHANGE
        pops = self.chance(0.6)
        red, green, blue = self.random.uniform(0.9, 1.05, 3).tolist()
        figure = Figure(
            look=look,
            size=float(self.random.uniform(*SIZES)),
            angle=float(self.random.uniform(-0.25, 0.25)),
            tint=(red, green, blue),
            appears=appears,
            leaves=leaves,
            pops=pops,
            moves=moves,
            path=path if pops else sliding(path, appears, leaves),
        )
        self.figures.append(figure)
        self._taken.setdefault(look, []).append(range(first - ROOM, gone + ROOM))
        return figure

    def _wander(self, lane: Lane, first: int, gone: int) -> Iterator[Waypoint]:
        """Yield waypoints to and fro along a lane, from a random place on."""
        low, high = LANE_ENDS
        speed = self.random.uniform(*SPEEDS)
        time, end = first * LOOK_EVERY, gone * LOOK_EVERY
        along = float(self.random.uniform(low, high))
        ahead = self.chance(0.5)
        yield lane.at(time, along)
        while time < end:
            goal = high if ahead else low
            time += max(abs(goal - along) / speed, CHANGE)
            along, ahead = goal, not ahead
            yield lane.at(time, along)
