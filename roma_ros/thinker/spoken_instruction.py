"""Instructions as audio: speech synthesis, and the split into one piece a unit."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from roma_ros.speech import SpeechError, Voice, say
from roma_ros.thinker.errors import UnitShapeError
from roma_ros.units import UNIT_RATE

__all__ = ["split_into_units", "synthesize_instruction"]

VOICE = Voice("en-us")
MAX_SECONDS = 90  # twice the duration of the longest instruction of a watch


def synthesize_instruction(instruction: str) -> npt.NDArray[np.float32]:
    """Synthesise an instruction in English with espeak-ng.

    Args:
        instruction: text; the same text always gives the same audio.

    Returns:
        (n,) float32 mono at 16 kHz, at most 90 s.

    Raises:
        SpeechError: espeak-ng is missing, the text has nothing to pronounce, or it takes more than
            90 s.
    """
    sound = say(instruction, VOICE)
    if len(sound) > MAX_SECONDS * UNIT_RATE:
        raise SpeechError(
            f"the instruction {instruction[:40]!r}... takes {len(sound) / UNIT_RATE:.0f} s to say; "
            f"expected at most {MAX_SECONDS} s. Shorten it"
        )
    return sound


def split_into_units(samples: npt.NDArray[np.float32]) -> deque[npt.NDArray[np.float32]]:
    """Split the audio of an instruction into one piece for each unit, from the first on.

    Args:
        samples: (n,) mono at 16 kHz, at most 90 s.

    Returns:
        Pieces of 16,000 samples; the last one may be shorter.

    Raises:
        UnitShapeError: the samples are not finite mono audio of at most 90 s, or empty.
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
