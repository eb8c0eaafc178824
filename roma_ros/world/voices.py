"""espeak-ng voices of each split."""

from __future__ import annotations

import numpy as np

from roma_ros.speech import Voice
from roma_ros.world.splits import Split

__all__ = ["TEST_VOICES", "TRAIN_VOICES", "VALIDATION_VOICES", "draw_voice"]

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
    "en-gb-x-gbcwmd",
    "en+adam",
    "en-us+Alicia",
    "en-gb-x-rp+Andrea",
    "en-us+anika",
    "en+announcer",
    "en+antonio",
    "en-us+aunty",
    "en-us+benjamin",
    "en-gb-x-rp+caleb",
    "en-us+david",
    "en+Diogo",
    "en-us+ed",
    "en-us+edward",
    "en+Gene",
    "en+grandma",
    "en-us+grandpa",
    "en-us+gustave",
    "en-gb-scotland+Henrique",
    "en-us+Hugo",
    "en-us+ian",
    "en+iven",
    "en-us+Jacky",
    "en-us+john",
    "en+klatt",
    "en-us+klatt3",
    "en-029+marcelo",
    "en-us+max",
    "en-us+michel",
    "en-gb-x-rp+miguel",
    "en-us+Mike",
    "en-us+Nguyen",
    "en+norbert",
    "en-us+pablo",
    "en+paul",
    "en-us+pedro",
    "en-us+quincy",
    "en-us+Reed",
    "en-us+rob",
    "en-gb-x-rp+robert",
    "en-us+sandro",
    "en+shelby",
    "en-us+Storm",
    "en-us+travis",
    "en-us+victor",
    "en+zac",
)
VALIDATION_VOICES = (
    "en-us+belinda",
    "en-us+boris",
    "en-us+Denis",
    "en+Lee",
    "en-gb-x-rp+Mario",
    "en-gb-x-gbclan",
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
SPEEDS = range(130, 191, 10)  # words per minute
PITCHES = range(30, 71, 10)  # 0 to 99; 50 is the default of the voice


_VOICES = {
    Split.TRAIN: TRAIN_VOICES,
    Split.VALIDATION: VALIDATION_VOICES,
    Split.TEST: TEST_VOICES,
}


def draw_voice(random: np.random.Generator, split: Split) -> Voice:
    """Draw a voice of a split, with speed and pitch."""
    names = _VOICES[split]
    return Voice(
        names[random.integers(len(names))],
        SPEEDS[random.integers(len(SPEEDS))],
        PITCHES[random.integers(len(PITCHES))],
    )
