"""Who speaks: espeak-ng's voices, and which of them only tests may hear."""

from __future__ import annotations

import numpy as np

from roma_ros.speech import Voice
from roma_ros.world.splits import Split

__all__ = ["TEST_VOICES", "TRAIN_VOICES", "draw_voice"]

TRAIN_VOICES = (
    "en",
    "en-us",
    "en-029",
    "en-gb-scotland",
    "en+f1",
    "en-us+f2",
    "en-gb-x-rp+f3",
    "en-us+m1",
    "en+m2",
    "en-us+m3",
    "en-gb-x-rp+m4",
    "en-us+m7",
    "en-us+Andy",
    "en-us+Annie",
    "en+Alex",
    "en-us+steph",
)
TEST_VOICES = (
    "en-us+f4",
    "en+f5",
    "en-us+m5",
    "en-gb-x-rp+m6",
    "en+m8",
    "en-us+linda",
    "en-us+Michael",
    "en-us-nyc",
)
SPEEDS = range(130, 191, 10)  # words a minute
PITCHES = range(30, 71, 10)  # of 0 to 99; 50 is the voice's own


def draw_voice(random: np.random.Generator, split: Split) -> Voice:
    """A voice that worlds of this split may hear."""
    names = TEST_VOICES if split is Split.TEST else TRAIN_VOICES
    return Voice(
        names[random.integers(len(names))],
        SPEEDS[random.integers(len(SPEEDS))],
        PITCHES[random.integers(len(PITCHES))],
    )
