"""Scenes made by hand."""

from __future__ import annotations

from dataclasses import replace

from roma_ros.world import (
    Colour,
    Figure,
    Look,
    Scene,
    Shape,
    Sound,
    SoundEvent,
    Touch,
    make_scene,
)
from roma_ros.world.scene import Waypoint

RED_CIRCLE = Look(Colour.RED, Shape.CIRCLE)
BLUE_SQUARE = Look(Colour.BLUE, Shape.SQUARE)
GREEN_STAR = Look(Colour.GREEN, Shape.STAR)


def figure(
    look: Look,
    appears: float,
    leaves: float,
    x: float = 0.5,
    y: float = 0.5,
    *,
    moves: bool = False,
) -> Figure:
    return Figure(
        look=look,
        size=0.13,
        angle=0.0,
        tint=(1.0, 1.0, 1.0),
        appears=appears,
        leaves=leaves,
        pops=True,
        moves=moves,
        path=(Waypoint(appears, x, y),),
    )


def sound(kind: Sound, onset: float, duration: float, count: int = 1) -> SoundEvent:
    return SoundEvent(
        kind=kind,
        onset=onset,
        duration=duration,
        count=count,
        each=duration / (2 * count - 1),
        pitch=1000.0 if kind is Sound.BEEP else 300.0,
        level=0.3,
    )


def scene(
    seconds: int,
    *,
    figures: tuple[Figure, ...] = (),
    sounds: tuple[SoundEvent, ...] = (),
    touches: tuple[Touch, ...] = (),
) -> Scene:
    return replace(
        make_scene(1, 1), seconds=seconds, figures=figures, sounds=sounds, touches=touches
    )
