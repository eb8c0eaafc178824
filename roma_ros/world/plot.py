"""Plots: the order in which figures and sounds are placed on the stage."""

from __future__ import annotations

import enum
from collections.abc import Callable

from roma_ros.world.lane import LANES, Lane
from roma_ros.world.stage import PairFrames, Stage
from roma_ros.world.words import Sound

__all__ = ["Plot", "play"]


class Plot(enum.Enum):
    """Order and density of the figures of a scene."""

    CROWD = "crowd"
    """Up to six figures at a time, and sounds at any time: for alerts and questions."""
    SEQUENCE = "sequence"
    """One thing after another, at most one figure or pair at a time: for narration."""
    RECORDINGS = "recordings"
    """No figures, and no sounds but recordings with short pauses between them."""


def play(plot: Plot, stage: Stage) -> None:
    """Fill the stage according to a plot."""
    PLAYS[plot](stage)


def _play_crowd(stage: Stage) -> None:
    upright = stage.chance(0.5)
    count = stage.random.choice(3, p=[0.3, 0.4, 0.3]) + 1
    for index in stage.random.permutation(len(LANES))[:count]:
        unit = stage.length(0, 3)
        while unit < stage.seconds:
            unit = _crowd_act(stage, stage.lane(int(index), upright=upright), unit)
            unit += stage.length(1, 4)
    unit = stage.length(0, 3)
    while stage.cast.short_sounds and unit < stage.seconds:
        stage.short_sound(unit)
        unit += stage.length(1, 6)
    unit = stage.length(0, 6)
    while Sound.TONE in stage.cast.sounds and unit < stage.seconds:
        end = unit + stage.length(2, 6)
        stage.tone(unit, end)
        unit = end + stage.length(2, 8)


def _crowd_act(stage: Stage, lane: Lane, unit: int) -> int:
    """Place a figure or a pair, unless all looks are taken; return the unit in which it leaves."""
    if stage.chance(0.2):
        second = unit + stage.length(1, 2)
        contact = second + stage.length(1, 3)
        end = contact + stage.length(2, 3)
        if _pair(stage, lane, (unit, second, contact, end), stage.frame_of(unit)):
            return end
    end = unit + stage.length(2, 7)
    first, gone = stage.frame_of(unit), stage.frame_of(end)
    look = stage.free_look(first, gone)
    if look:
        stage.solo(lane, look, first, gone)
    return end


def _pair(
    stage: Stage, lane: Lane, units: tuple[int, int, int, int], first: int
) -> PairFrames | None:
    """Place a pair; return its frames, or `None` if no two looks are free.

    Args:
        stage: the stage.
        lane: lane of both figures.
        units: unit of each step: first figure, second figure, contact, both gone.
        first: frame in which the first figure is first seen.
    """
    second, contact, gone = (stage.frame_of(unit) for unit in units[1:])
    look = stage.free_look(first, gone)
    other = stage.free_look(second, gone, unlike=look)
    if look is None or other is None:
        return None
    frames = PairFrames(first, second, contact, gone)
    stage.pair(lane, (look, other), frames)
    return frames


def _play_sequence(stage: Stage) -> None:
    unit = stage.length(0, 2)
    frame = stage.frame_of(unit)  # in which the next act begins
    silent_from = 0  # unit
    while unit < stage.seconds:
        if Sound.TONE in stage.cast.sounds and unit > silent_from and stage.chance(0.15):
            end = unit + stage.length(2, 5)
            stage.tone(unit, end)
            gone, silent_from = None, end
        else:
            act = _pair_act if stage.chance(0.25) else _solo_act
            end, gone = act(stage, unit, frame)
            silent_from = end
        # The next act starts in the same frame, or after an empty stretch.
        if gone is not None and stage.chance(0.5):
            unit, frame = end, gone
        else:
            unit = end + stage.length(1, 3)
            frame = stage.frame_of(unit)


def _solo_act(stage: Stage, unit: int, first: int) -> tuple[int, int]:
    """Place one figure, perhaps with a sound; return the unit and frame in which it leaves."""
    end = unit + stage.length(3, 7)
    gone = stage.frame_of(end)
    look = stage.free_look(first, gone)
    if look:
        stage.solo(stage.lane(stage.length(0, 2), upright=stage.chance(0.5)), look, first, gone)
    if Sound.TONE in stage.cast.sounds and end - unit >= 4 and stage.chance(0.35):
        stage.tone(unit + 2, end)
    elif stage.cast.short_sounds and stage.chance(0.5):
        stage.short_sound(stage.length(unit + 1, end - 2))
    return end, gone


def _pair_act(stage: Stage, unit: int, first: int) -> tuple[int, int]:
    """Place two figures that may touch; return the unit and frame in which they leave."""
    second = unit + stage.length(2, 3)
    contact = second + stage.length(2, 3)
    end = contact + stage.length(2, 4)
    lane = stage.lane(stage.length(0, 2), upright=stage.chance(0.5))
    frames = _pair(stage, lane, (unit, second, contact, end), first)
    return (end, frames.gone) if frames else (end, stage.frame_of(end))


def _play_nothing(stage: Stage) -> None:
    """Leave the stage empty: recordings are not drawn from its random numbers."""


PLAYS: dict[Plot, Callable[[Stage], None]] = {
    Plot.CROWD: _play_crowd,
    Plot.SEQUENCE: _play_sequence,
    Plot.RECORDINGS: _play_nothing,
}
