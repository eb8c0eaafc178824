"""An instruction as sound: whose voice reads it out, and how it falls on the stream's units."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from roma_ros.speech import SpeechError, Voice, say
from roma_ros.thinker.errors import UnitShapeError
from roma_ros.units import UNIT_RATE

__all__ = ["split_into_units", "synthesize_instruction"]

VOICE = Voice("en-us")
MAX_SECONDS = 90  # twice what the longest instruction of a watch takes


def synthesize_instruction(instruction: str) -> npt.NDArray[np.float32]:
    """The instruction, read out in English: float32 (n,) at 16 kHz, and the same each time.

    Raises:
        SpeechError: espeak-ng is missing, there is nothing to say, or it takes above 90 s.
    """
    sound = say(instruction, VOICE)
    if len(sound) > MAX_SECONDS * UNIT_RATE:
        raise SpeechError(
            f"the instruction {instruction[:40]!r}... takes {len(sound) / UNIT_RATE:.0f} s to say; "
            f"at most {MAX_SECONDS} s; say it in fewer words"
        )
    return sound


def split_into_units(samples: npt.NDArray[np.float32]) -> deque[npt.NDArray[np.float32]]:
    """What each unit is to hear of it, from the first on: pieces of 16,000 samples, the last less.

    Raises:
        UnitShapeError: it is not one channel of finite samples, 1 to 90 s of them at 16 kHz.
    """
    if samples.ndim != 1 or not 0 < len(samples) <= MAX_SECONDS * UNIT_RATE:
        raise UnitShapeError(
            f"a spoken instruction has shape {samples.shape}; expected (n,) mono samples at "
            f"16 kHz, at most {MAX_SECONDS} s"
        )
    if not np.isfinite(samples).all():
        raise UnitShapeError("a spoken instruction has NaN or infinite samples")
    sound = samples.astype(np.float32)
    return deque(sound[begin : begin + UNIT_RATE] for begin in range(0, len(sound), UNIT_RATE))
