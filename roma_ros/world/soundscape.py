"""Recorded sounds of a scene: which are played, when, and how loud."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from roma_ros.world.recordings import PlayedClip, RecordingLibrary
from roma_ros.world.scene import SoundEvent
from roma_ros.world.splits import Split
from roma_ros.world.words import RecordedSound

__all__ = ["among_others", "one_after_another"]

LONGEST = 6.0  # seconds of a recording that are played
LEVELS = (0.02, 0.25)  # root mean square of a recording while it sounds
NEAR = (0.5, 2.0)  # level of a second recording relative to the first, so that both are heard
BEGINS = 0.7  # latest beginning of a recording in a unit, s: the unit contains enough to hear it
AT_ONCE = 0.2  # probability that a second recording is played during the first
PAUSES = (0.3, 3.0)  # seconds between two recordings, one after another
PAUSES_AMONG = (0.5, 6.0)  # seconds between two recordings, among other sounds


def one_after_another(
    library: RecordingLibrary, split: Split, seconds: int, random: np.random.Generator
) -> list[SoundEvent]:
    """Draw recordings with short pauses between them, of all kinds equally often."""
    kinds = library.kinds_of(split)
    return list(_played(library, split, seconds, random, kinds, PAUSES))


def among_others(
    library: RecordingLibrary, split: Split, seconds: int, random: np.random.Generator
) -> list[SoundEvent]:
    """Draw recordings of a few kinds, with pauses of up to some seconds between them."""
    kinds = library.kinds_of(split)
    few = random.permutation(len(kinds))[: int(random.integers(2, 5))]
    return list(
        _played(library, split, seconds, random, [kinds[index] for index in few], PAUSES_AMONG)
    )


def _played(
    library: RecordingLibrary,
    split: Split,
    seconds: int,
    random: np.random.Generator,
    kinds: list[RecordedSound] | tuple[RecordedSound, ...],
    pauses: tuple[float, float],
) -> Iterator[SoundEvent]:
    turns = _turns(kinds, random)
    time = float(random.uniform(0, pauses[1]))
    while time < seconds:
        level = float(np.exp(random.uniform(*np.log(LEVELS))))
        first = _event(library, split, next(turns), random, time, level)
        yield first
        time = first.end
        if len(kinds) > 1 and random.random() < AT_ONCE:
            onset = float(random.uniform(first.onset, first.end))
            level = min(level * float(random.uniform(*NEAR)), LEVELS[1])
            second = _event(library, split, next(turns), random, onset, level)
            if second.kind != first.kind and onset < seconds:
                yield second
                time = max(time, second.end)
        time += float(random.uniform(*pauses))


def _turns(
    kinds: list[RecordedSound] | tuple[RecordedSound, ...], random: np.random.Generator
) -> Iterator[RecordedSound]:
    """Yield all kinds in a random order, again and again."""
    while True:
        for index in random.permutation(len(kinds)):
            yield kinds[index]


def _event(
    library: RecordingLibrary,
    split: Split,
    kind: RecordedSound,
    random: np.random.Generator,
    onset: float,
    level: float,
) -> SoundEvent:
    playback = PlayedClip.drawn(library.clip(split, kind, random), random, LONGEST)
    return SoundEvent(
        kind=kind,
        onset=math.floor(onset) + BEGINS * (onset % 1),
        duration=playback.duration,
        count=1,
        each=playback.duration,
        pitch=0.0,
        level=level,
        playback=playback,
    )
