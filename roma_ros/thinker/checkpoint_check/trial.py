"""Trial run of a loaded model on one synthetic unit."""

from __future__ import annotations

import math

import numpy as np

from roma_ros.thinker.checkpoint_check.files import shown
from roma_ros.thinker.errors import CheckpointError, ThinkerError
from roma_ros.thinker.model import ThinkerModel
from roma_ros.thinker.session import StreamSession
from roma_ros.units import UNIT_RATE, MultimodalUnit

__all__ = ["process_trial_unit"]

SIDE = 56  # pixels: two tokens by two


def process_trial_unit(model: ThinkerModel, *, backbone: bool = True) -> None:
    """Encode a unit of noise and step a session with it, so that errors show when loading.

    Args:
        backbone: whether the backbone is run too, and not the encoders alone.

    Raises:
        CheckpointError: the unit cannot be processed, or its p(speak) is not finite.
    """
    try:
        encoded = model.encode(_unit(model))
        if not bool(encoded.embeds.isfinite().all()):
            raise CheckpointError(
                f"{model.name}: the encoders' features of a trial unit are not finite: its "
                "weights are damaged, or too large for this dtype; try another dtype"
            )
        if not backbone:
            return
        # Not the window that it was trained for: the user's may be the most that fits the memory.
        with StreamSession(model, context_seconds=1) as session:
            p_speak = session.step(encoded).p_speak
    except (ThinkerError, KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:  # of many types, from torch and onnxruntime
        raise CheckpointError(
            f"{model.name}: a trial unit cannot be processed ({type(error).__name__}: "
            f"{shown(error, 200)}); config.json and the weights do not fit together: copy the "
            "checkpoint again"
        ) from error
    if p_speak is not None and not math.isfinite(p_speak):
        raise CheckpointError(
            f"{model.name}: p(speak) of a trial unit is {p_speak}; expected a number from 0 to "
            "1: its weights are damaged, or too large for this dtype; try another dtype"
        )


def _unit(model: ThinkerModel) -> MultimodalUnit:
    noise = np.random.default_rng(0)
    height, width = SIDE, SIDE
    if (vision := model.onnx_overrides.vision) is not None:  # one shape of pictures alone
        patch = model.features.patch_size
        height, width = vision.rows * patch, vision.columns * patch
    return MultimodalUnit(
        stream=0,
        index=0,
        start=0,
        frames=noise.integers(0, 256, (2, height, width, 3), np.uint8),
        audio=(0.1 * noise.standard_normal(UNIT_RATE)).astype(np.float32),
    )
