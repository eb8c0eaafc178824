"""Check that all weights, and constants derived from the config, are finite."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.qwen_omni import released_name

__all__ = ["check_finite"]

PIECE = 1 << 24  # values checked at a time: a 7B model's embeddings alone have 545 million


@torch.inference_mode()
def check_finite(folder: Path, module: nn.Module, part: str = "") -> None:
    """Check parameters and buffers of floats, and those that a quantised layer keeps besides.

    Args:
        folder: for messages.
        module: where it computes; 7B takes seconds on a CPU.
        part: what stands before the names in messages.

    Raises:
        CheckpointError: one has a value that is NaN or infinite; the message names it.
    """
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        _check(folder, part + released_name(name), value)
        if (state := getattr(value, "quant_state", None)) is not None:
            inner = getattr(state, "state2", None)
            for scales in (state.absmax, getattr(inner, "absmax", None), state.offset):
                if isinstance(scales, torch.Tensor):
                    _check(folder, f"{part}{released_name(name)} (its scales)", scales)
        if isinstance(scales := getattr(value, "SCB", None), torch.Tensor):
            _check(folder, f"{part}{released_name(name)} (its scales)", scales)


def _check(folder: Path, name: str, value: torch.Tensor) -> None:
    if not value.is_floating_point() or value.is_meta:
        return
    for piece in torch.split(value.detach().reshape(-1), PIECE):
        # The least and the greatest value are NaN if any value is.
        low, high = piece.aminmax() if len(piece) else (piece.sum(), piece.sum())
        if not (torch.isfinite(low) and torch.isfinite(high)):
            raise CheckpointError(
                f"{folder}: {name} has values that are not finite (from {float(low):g} to "
                f"{float(high):g}); expected numbers. The file is damaged, or the training that "
                "wrote it had diverged: copy or train it again"
            )
