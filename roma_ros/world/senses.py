"""Content of a scene by unit: what can be seen and heard. All labels derive from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import TypeVar

import numpy as np

from roma_ros.world.scene import Figure, Scene, SoundEvent, Touch
from roma_ros.world.sight_facts import SightFacts, sight_facts
from roma_ros.world.sights import Sight
from roma_ros.world.words import AnySound, Look, RecordedSound, Sound

__all__ = ["Senses"]

T = TypeVar("T")


class Senses:
    """Lookup of what each unit of a scene shows and contains as sound.

    A thing is seen in a unit if it is in at least one of its two frames, and heard if the unit
    contains 0.1 s of it, or half of it if that is shorter. `seen`, `heard` and `touching` return
    bool (scene.seconds,), one value per unit.

    Args:
        scene: scene to look up.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def seen(self, look: Look) -> np.ndarray:
        """Return the units that show a look in at least one frame."""
        return self._units(figure.seen_in for figure in self.figures if figure.look == look)

    def heard(self, sound: AnySound, count: int | None = None) -> np.ndarray:
        """Return the units in which a sound is heard, with exactly `count` repetitions if given."""
        return self._units(
            units
            for event in self.sounds
            if event.kind == sound and count in (None, event.count)
            for units in event.heard_runs
        )

    def touching(self, one: Look, other: Look) -> np.ndarray:
        """Return the units that show two looks in contact in at least one frame."""
        return self._units(
            touch.seen_in for touch in self.touches if {touch.mover, touch.other} == {one, other}
        )

    def sight(self, sight: Sight) -> np.ndarray:
        """Return the units in which a sight happens."""
        return self.sight_facts.labels(sight)

    def unclear(self, sight: Sight) -> np.ndarray:
        """Return the units in which it is not clear whether a sight happens."""
        return self.sight_facts.unclear(sight)

    @cached_property
    def sight_facts(self) -> SightFacts:
        """Light, lamps, covers and motion in each frame."""
        return sight_facts(self.scene)

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Figures that are seen in any unit, in the order in which they appear."""
        return tuple(figure for figure in self.scene.figures if self.scene.clip(figure.seen_in))

    @cached_property
    def sounds(self) -> tuple[SoundEvent, ...]:
        """Sounds that are heard in any unit, in the order in which they begin."""
        clip = self.scene.clip
        return tuple(event for event in self.scene.sounds if any(map(clip, event.heard_runs)))

    @cached_property
    def touches(self) -> tuple[Touch, ...]:
        """Touches that are seen in any unit, in the order in which they begin."""
        return tuple(touch for touch in self.scene.touches if self.scene.clip(touch.seen_in))

    def figures_after(self, unit: int) -> list[Figure]:
        """Return the figures in the last frame of a unit, in the order in which they appeared."""
        return self._figures_after.get(unit, [])

    def touches_after(self, unit: int) -> list[Touch]:
        """Return the touches in the last frame of a unit, in the order in which they began."""
        return self._touches_after.get(unit, [])

    def sounds_in(self, unit: int) -> list[SoundEvent]:
        """Return the sounds that are heard in a unit, in the order in which they begin."""
        return self._sounds_in.get(unit, [])

    def recorded_in(self, unit: int) -> tuple[RecordedSound, ...]:
        """Return the kinds of recorded sound that are heard in a unit."""
        kinds = (event.kind for event in self.sounds_in(unit))
        return tuple(dict.fromkeys(kind for kind in kinds if isinstance(kind, RecordedSound)))

    def tone_after(self, unit: int) -> bool:
        """Return whether a tone still sounds at the end of a unit."""
        return unit in self._tones_after

    @cached_property
    def _figures_after(self) -> dict[int, list[Figure]]:
        return _by_unit((figure, figure.there_after) for figure in self.scene.figures)

    @cached_property
    def _touches_after(self) -> dict[int, list[Touch]]:
        return _by_unit((touch, touch.there_after) for touch in self.scene.touches)

    @cached_property
    def _sounds_in(self) -> dict[int, list[SoundEvent]]:
        return _by_unit((event, units) for event in self.scene.sounds for units in event.heard_runs)

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
            if not found[unit] or found[unit][-1] is not thing:
                found[unit].append(thing)
    return found
