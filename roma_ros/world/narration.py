"""Narration of a scene: its segments, and the unit after which each is described."""

from __future__ import annotations

from dataclasses import dataclass, replace

from roma_ros.world.scene import Figure, Scene, SoundEvent, Touch
from roma_ros.world.senses import Senses
from roma_ros.world.words import NOTHING, RecordedSound, Sound, counted, listed

__all__ = ["NARRATION_INSTRUCTION", "Segment", "captions", "narrate"]

NARRATION_INSTRUCTION = "Describe what happens, as it happens."


@dataclass(frozen=True, slots=True)
class Segment:
    """Stretch of a scene with the same figures, touches, tone and recorded sounds.

    Attributes:
        first: first unit that shows it.
        end: first unit that no longer shows it: its sentence is due after this unit.
        text: sentence that describes it.
    """

    first: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _State:
    """Figures, touches and tone at the end of a unit, and recorded sounds in it."""

    figures: tuple[Figure, ...]
    touches: tuple[Touch, ...]
    tone: bool
    recorded: tuple[RecordedSound, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.figures or self.tone or self.recorded)

    @classmethod
    def after(cls, senses: Senses, unit: int) -> _State:
        return cls(
            tuple(senses.figures_after(unit)),
            tuple(senses.touches_after(unit)),
            senses.tone_after(unit),
            senses.recorded_in(unit),
        )

    def told(self, sounds: list[SoundEvent]) -> str:
        """Return a sentence on this state and the short sounds that were heard in it."""
        sights = [f"a {touch.mover} touches a {touch.other}" for touch in self.touches]
        touching = {look for touch in self.touches for look in (touch.mover, touch.other)}
        others = [figure for figure in self.figures if figure.look not in touching]
        if len(others) == 1 and not sights:
            sights = [f"a {others[0].look} {'moves' if others[0].moves else 'stays'}"]
        elif others:
            sights.append(listed([f"a {figure.look}" for figure in others]))
        heard = ["a tone"] * self.tone + [counted(event.kind, event.count) for event in sounds]
        one = len(heard) == 1 and (self.tone or sounds[0].count == 1)
        hearing = f"{listed(heard)} sound{'s' if one else ''}" if heard else ""
        if sights or hearing:
            played = listed([kind.condition for kind in self.recorded])
        else:
            played = listed([kind.past for kind in self.recorded])
        hearing = " and ".join(filter(None, [hearing, played]))
        return " while ".join(filter(None, [" and ".join(sights), hearing])) + "."


def captions(scene: Scene) -> tuple[str, ...]:
    """Return one sentence per unit: what is seen at its end and heard within it."""
    senses = Senses(scene)
    told = []
    for unit in range(scene.seconds):
        heard = senses.sounds_in(unit)
        tone = any(event.kind is Sound.TONE for event in heard)
        state = replace(_State.after(senses, unit), tone=tone)
        short = _short(heard)
        told.append(f"{NOTHING} happens." if state.empty and not short else state.told(short))
    return tuple(told)


def narrate(scene: Scene) -> tuple[Segment, ...]:
    """Return the segments that end within the scene, in order.

    A stretch without a figure, a tone and a recorded sound is not a segment, as there is nothing to
    describe when it ends. Nor is one that lasts until the end of the scene.
    """
    senses = Senses(scene)
    states = [_State.after(senses, unit) for unit in range(scene.seconds)]
    segments = []
    first = 0
    for unit in range(1, scene.seconds):
        if states[unit] != states[unit - 1]:
            if not states[first].empty:
                heard = _short_sounds(senses, first, unit)
                segments.append(Segment(first, unit, states[first].told(heard)))
            first = unit
    return tuple(segments)


def _short_sounds(senses: Senses, first: int, end: int) -> list[SoundEvent]:
    sounds = [event for unit in range(first, end) for event in senses.sounds_in(unit)]
    return _short(sounds)


def _short(sounds: list[SoundEvent]) -> list[SoundEvent]:
    """Return the sounds without tones and recordings, which are part of a state."""
    return [event for event in sounds if event.kind is not Sound.TONE and event.playback is None]
