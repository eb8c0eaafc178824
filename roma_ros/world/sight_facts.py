"""Sights in each frame and unit of a scene, from which their labels derive.

Motion is computed: the share of pixels that differ between two successive frames, rendered without
noise, light and faults of the camera. From `MOVES` on something clearly moves, below `STANDS`
nothing does; between them it is not clear. Units in which a sight is not clear have no label.
"""

from __future__ import annotations

from functools import cached_property, lru_cache

import cv2
import numpy as np

from roma_ros.units import FRAMES_PER_UNIT
from roma_ros.world.frames import FrameRenderer
from roma_ros.world.scene import LOOK_EVERY, Scene, Texture
from roma_ros.world.sights import (
    LAMP_COLOURS,
    SIGHT_QUESTIONS,
    Incident,
    Sight,
    SightEvent,
    SightKind,
)
from roma_ros.world.words import Colour

__all__ = ["MOVES", "SIGHT_LABELS", "STANDS", "SightFacts", "sight_facts", "sight_questions"]

MOVES = 0.012
"""Least share of pixels that differ between two frames in which something clearly moves."""
STANDS = 0.0015
"""Share of pixels below which nothing moves."""
DIFFERS = 14  # grey levels between two pixels that differ
SMOOTHED = 5  # side in pixels of the mean that is compared
SIDE = 112
STEPS_OF_STILLNESS = 4  # half seconds of stillness before a unit counts as still
SHOWS = 2  # units after a change that count as showing it, its own included
BLACK = 0.04  # factor on the brightness below which a dark room looks like a covered camera
BLACK_CLOTH = 25.0  # grey level below which a covered camera looks like a dark room

BARE = (Texture.PLAIN, Texture.GRADIENT, Texture.CLOUDS)  # textures that a cover may have
SIGHT_LABELS = (
    *("dark", "covered", "motion", "light changes", "lamp changes"),
    *(f"{colour.value} light" for colour in (*LAMP_COLOURS, Colour.WHITE)),
)
"""Names of what the two frames of a unit show: at its end, or in the two changes between them."""


@lru_cache(maxsize=16)
def sight_facts(scene: Scene) -> SightFacts:
    """Return the sights of a scene."""
    return SightFacts(scene)


def sight_questions(scene: Scene, unit: int) -> tuple[tuple[str, str], ...]:
    """Return questions on the sights of a unit with their answers, `yes` or `no`.

    What is not clear is not asked.
    """
    shown, unclear = sight_facts(scene).shown(unit)
    return tuple(
        (question, "yes" if label in shown else "no")
        for label, question in SIGHT_QUESTIONS.items()
        if label not in unclear
    )


class SightFacts:
    """Light, lamps, covers and motion of a scene by frame, two frames a unit.

    Args:
        scene: the scene.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.times = np.arange(FRAMES_PER_UNIT * scene.seconds) * LOOK_EVERY

    def labels(self, sight: Sight) -> np.ndarray:
        """Return the units in which a sight happens: bool (seconds,)."""
        return self._known(sight)[0]

    def unclear(self, sight: Sight) -> np.ndarray:
        """Return the units in which it is not clear whether it happens: bool (seconds,)."""
        return self._known(sight)[1]

    @cached_property
    def dark(self) -> np.ndarray:
        """Frames without the light of the room: bool (frames,)."""
        return self._active(Incident.DARK)

    @cached_property
    def coverage(self) -> np.ndarray:
        """Share of each frame that a cover hides: float (frames,)."""
        covers = self._events(Incident.COVERED)
        shares = np.zeros(len(self.times))
        for frame, time in enumerate(self.times.tolist()):
            shares[frame] = max((cover.coverage(time) for cover in covers), default=0.0)
        return shares

    @cached_property
    def steps(self) -> np.ndarray:
        """Share of pixels that differ between each frame and the one before: float (frames,).

        It is 0 for the first frame.
        """
        scene = self.scene
        if not (scene.figures or scene.passers or (scene.footage and scene.footage.speed)):
            return np.zeros(len(self.times))
        renderer = FrameRenderer(scene, SIDE, SIDE)
        shares = [0.0]
        before = _smooth(renderer.content(0.0))
        for time in self.times[1:].tolist():
            now = _smooth(renderer.content(time))
            shares.append(float((cv2.absdiff(now, before) > DIFFERS).mean()))
            before = now
        return np.array(shares)

    @cached_property
    def hidden(self) -> np.ndarray:
        """Frames whose content is dark or covered, at least in part: bool (frames,)."""
        return self.dark | (self.coverage > 0)

    @cached_property
    def moves(self) -> np.ndarray:
        """Units with clear motion between their two frames: bool (seconds,)."""
        return ~self._hidden_in & (self.steps[1::2] >= MOVES)

    @cached_property
    def stands(self) -> np.ndarray:
        """Units without motion since the unit before: bool (seconds,)."""
        return ~self._hidden_in & (self.steps[1::2] < STANDS) & (self.steps[::2] < STANDS)

    def lit(self, colour: Colour) -> np.ndarray:
        """Return the frames in which a lamp of a colour is on: bool (frames,)."""
        lit = np.zeros(len(self.times), bool)
        for lamp in self._events(Incident.LAMP):
            if lamp.colour is colour:
                lit |= self._lit(lamp)
        return lit

    def shown(self, unit: int) -> tuple[frozenset[str], frozenset[str]]:
        """Return those of `SIGHT_LABELS` that a unit shows, and those that are not clear."""
        first, last = 2 * unit, 2 * unit + 1
        covered, step = self.coverage[last], self.steps[last]
        lamps = {c: self.lit(c)[first : last + 1] for c in (*LAMP_COLOURS, Colour.WHITE)}
        there = {
            "dark": self.dark[last] and not covered,
            "covered": covered >= 1,
            "motion": self.moves[unit],
            "light changes": self.dark[first] != self.dark[last],
            "lamp changes": any(lit[0] != lit[1] for lit in lamps.values()),
            **{f"{colour.value} light": lit[1] for colour, lit in lamps.items()},
        }
        unclear = {
            "dark": covered and self._black,
            "covered": 0 < covered < 1 or (self.dark[last] and self._black) or self._bare,
            "motion": not self.moves[unit] and (self._hidden_in[unit] or step >= STANDS),
        }
        return (
            frozenset(name for name, true in there.items() if true),
            frozenset(name for name, true in unclear.items() if true and not there[name]),
        )

    @property
    def _bare(self) -> bool:
        """Whether the background has so little to see that it looks like a cover."""
        backdrop = self.scene.backdrop
        return self.scene.footage is None and backdrop.texture in BARE and backdrop.clutter < 4

    @cached_property
    def _black(self) -> bool:
        """Whether a dark room and a covered camera may look the same."""
        return any(event.level < BLACK for event in self._events(Incident.DARK)) or any(
            event.level < BLACK_CLOTH for event in self._events(Incident.COVERED)
        )

    @property
    def _hidden_in(self) -> np.ndarray:
        return np.asarray(self.hidden.reshape(-1, FRAMES_PER_UNIT).any(axis=1))

    def _known(self, sight: Sight) -> tuple[np.ndarray, np.ndarray]:
        kind = sight.kind
        if kind is SightKind.MOTION:
            # The light that goes out over a still picture is a near miss, not unclear.
            still = (self.steps[1::2] < STANDS) & (self.steps[::2] < STANDS)
            covered = (self.coverage > 0).reshape(-1, FRAMES_PER_UNIT).any(axis=1)
            return self.moves, ~self.moves & (covered | ~still)
        if kind is SightKind.STILLNESS:
            still = self._stillness
            return still, ~still & ~self.moves
        if kind is SightKind.COVERED:
            return self._covered
        if kind in (SightKind.LIGHT_OUT, SightKind.LIGHT_ON):
            return self._light(comes=kind is SightKind.LIGHT_ON)
        assert sight.colour is not None
        return self._lamp(sight.colour, flashes=kind is SightKind.LAMP_FLASHES)

    @cached_property
    def _stillness(self) -> np.ndarray:
        """Units in and before which nothing has changed for 2 s."""
        changes = (self.steps >= STANDS) | self.hidden
        changes[0] = True  # what was before the scene is not known
        for event in self.scene.sights:
            spans = [(event.begins, event.ends), *event.pulses]
            for time in [edge for span in spans for edge in span]:
                if event.incident is not Incident.FROZEN and (frame := _frame(time)) < len(changes):
                    changes[max(frame, 0)] = True
        quiet = np.zeros(len(changes), int)
        for frame, change in enumerate(changes.tolist()):
            quiet[frame] = 0 if change else quiet[frame - 1] + 1
        return np.asarray(quiet[1::2] >= STEPS_OF_STILLNESS)

    @property
    def _covered(self) -> tuple[np.ndarray, np.ndarray]:
        by_unit = self.coverage.reshape(-1, FRAMES_PER_UNIT)
        covered = (by_unit >= 1).any(axis=1)
        unclear = (by_unit > 0).any(axis=1)
        for event in self._events(Incident.DARK):
            if event.level < BLACK:
                unclear |= self._frames(event).reshape(-1, FRAMES_PER_UNIT).any(axis=1)
        return np.asarray(covered), np.asarray(unclear & ~covered)

    def _light(self, *, comes: bool) -> tuple[np.ndarray, np.ndarray]:
        labels, unclear = self._none, self._none
        for event in self._events(Incident.DARK):
            self._mark(labels, event.ends if comes else event.begins)
        for event in self._events(Incident.COVERED):
            if event.level < BLACK_CLOTH:
                for unit in (_unit(event.begins), _unit(event.ends)):
                    unclear[max(unit, 0) : max(unit + SHOWS + 1, 0)] = True
        return labels, unclear & ~labels

    def _lamp(self, colour: Colour, *, flashes: bool) -> tuple[np.ndarray, np.ndarray]:
        labels, unclear = self._none, self._none
        for lamp in self._events(Incident.LAMP):
            if lamp.colour is not colour:
                continue
            shown = self._lit(lamp)
            lit = np.flatnonzero(shown)
            if not lamp.flashes:
                if not flashes:
                    self._mark(labels, lamp.begins)
                    unclear[0] |= lamp.begins <= 0 < lamp.ends
            elif len(lit):
                first, last = lit[0] // 2, lit[-1] // 2
                unclear[first : last + SHOWS] = True
                rises = np.flatnonzero(np.diff(shown.astype(int), prepend=0) > 0)
                if flashes and len(rises) > 1:
                    labels[rises[1] // 2 : last + 1] = True
        return labels, unclear & ~labels

    def _mark(self, labels: np.ndarray, time: float) -> None:
        """Mark the units that show a change at a time, if it is after the first frame."""
        if time > 0:
            labels[_unit(time) : _unit(time) + SHOWS] = True

    @property
    def _none(self) -> np.ndarray:
        return np.zeros(self.scene.seconds, bool)

    def _events(self, incident: Incident) -> list[SightEvent]:
        return [event for event in self.scene.sights if event.incident is incident]

    def _active(self, incident: Incident) -> np.ndarray:
        frames = np.zeros(len(self.times), bool)
        for event in self._events(incident):
            frames |= self._frames(event)
        return frames

    def _frames(self, event: SightEvent) -> np.ndarray:
        return np.asarray((self.times >= event.begins) & (self.times < event.ends))

    def _lit(self, lamp: SightEvent) -> np.ndarray:
        return np.array([lamp.lit(time) for time in self.times.tolist()])


def _frame(time: float) -> int:
    """Return the first frame at or after a time in seconds."""
    return int(np.ceil(time / LOOK_EVERY))


def _unit(time: float) -> int:
    return _frame(time) // FRAMES_PER_UNIT


def _smooth(picture: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.blur(grey, (SMOOTHED, SMOOTHED)))
