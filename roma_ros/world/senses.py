"""What of a scene can be seen and heard, unit by unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import TypeVar

import numpy as np

from roma_ros.world.scene import Figure, Scene, SoundEvent, Touch
from roma_ros.world.words import Look, Sound

__all__ = ["Senses"]

T = TypeVar("T")


class Senses:
    """Looks a scene up by what one may ask for.

    A unit shows what is in either of its two frames, and lets hear what takes up 0.1 s, or half of
    the sound if that is shorter. All answers are bool (scene.seconds,), one for each unit.

    Args:
        scene: to look into.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def seen(self, look: Look) -> np.ndarray:
        """Where it is in at least one frame."""
        return self._units(figure.seen_in for figure in self.figures if figure.look == look)

    def heard(self, sound: Sound, count: int | None = None) -> np.ndarray:
        """Where it can be heard; with a count, where just as many come one after another."""
        return self._units(
            event.heard_in
            for event in self.sounds
            if event.kind is sound and count in (None, event.count)
        )

    def touching(self, one: Look, other: Look) -> np.ndarray:
        """Where the two are in contact in at least one frame, whoever has moved."""
        return self._units(
            touch.seen_in for touch in self.touches if {touch.mover, touch.other} == {one, other}
        )

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Those that are ever seen, in the order in which they appear."""
        return tuple(figure for figure in self.scene.figures if self.scene.clip(figure.seen_in))

    @cached_property
    def sounds(self) -> tuple[SoundEvent, ...]:
        """Those that are ever heard, in the order in which they begin."""
        return tuple(event for event in self.scene.sounds if self.scene.clip(event.heard_in))

    @cached_property
    def touches(self) -> tuple[Touch, ...]:
        """Those that are ever seen, in the order in which they begin."""
        return tuple(touch for touch in self.scene.touches if self.scene.clip(touch.seen_in))

    def figures_after(self, unit: int) -> list[Figure]:
        """Those in the last frame of a unit, in the order in which they appeared."""
        return self._figures_after.get(unit, [])

    def touches_after(self, unit: int) -> list[Touch]:
        """Those in the last frame of a unit, in the order in which they began."""
        return self._touches_after.get(unit, [])

    def sounds_in(self, unit: int) -> list[SoundEvent]:
        """Those heard in a unit, in the order in which they begin."""
        return self._sounds_in.get(unit, [])

    def tone_after(self, unit: int) -> bool:
        """Whether a tone still sounds at the end of a unit."""
        return unit in self._tones_after

    @cached_property
    def _figures_after(self) -> dict[int, list[Figure]]:
        return _by_unit((figure, figure.there_after) for figure in self.scene.figures)

    @cached_property
    def _touches_after(self) -> dict[int, list[Touch]]:
        return _by_unit((touch, touch.there_after) for touch in self.scene.touches)

    @cached_property
    def _sounds_in(self) -> dict[int, list[SoundEvent]]:
        return _by_unit((event, event.heard_in) for event in self.scene.sounds)

    @cached_property
    def _tones_after(self) -> dict[int, list[SoundEvent]]:
        tones = (event for event in self.scene.sounds if event.kind is Sound.TONE)
        return _by_unit((tone, tone.sounding_after) for tone in tones)

    def _units(self, spans: Iterable[range]) -> np.ndarray:
        units = np.zeros(self.scene.seconds, bool)
        for span in spans:
            units[max(span.start, 0) : max(span.stop, 0)] = True
        return units


def _by_unit(spans: Iterable[tuple[T, range]]) -> dict[int, list[T]]:
    found: dict[int, list[T]] = defaultdict(list)
    for thing, units in spans:
        for unit in units:
            found[unit].append(thing)
    return found
