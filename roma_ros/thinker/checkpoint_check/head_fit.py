"""Check of the stored speak head against the backbone and `roma_config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from roma_ros.thinker.checkpoint_check.files import is_there
from roma_ros.thinker.checkpoint_check.weight_files import (
    StoredTensor,
    has_weights,
    read_header,
    weight_files,
)
from roma_ros.thinker.checkpoint_check.weight_fit import FLOATS
from roma_ros.thinker.config import RomaConfig
from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.roma_release import HEAD_NAMES, PREFIX
from roma_ros.thinker.speak_head import SpeakHead

__all__ = ["SPEAK_HEAD_NAME", "check_speak_head"]

SPEAK_HEAD_NAME = "speak_head.safetensors"


def check_speak_head(folder: Path, config: RomaConfig, hidden_size: int) -> None:
    """Compare the header of the speak head, if the folder has one, with the backbone.

    Args:
        hidden_size: the backbone's width.

    Raises:
        CheckpointError: a tensor is missing, left over, or has another shape or dtype.
    """
    file, stored = _stored(folder)
    if not stored:
        return
    with torch.device("meta"):
        head = SpeakHead(hidden_size, len(config.speak_layer_ids), config.speak_hidden_size)
    wanted = {name: tuple(value.shape) for name, value in head.state_dict().items()}
    got = {name: tensor.shape for name, tensor in stored.items()}
    if got != wanted:
        raise CheckpointError(
            f"{file} does not fit this backbone: its shapes are {str(got)[:500]}; expected "
            f"{wanted} (width {hidden_size}, layers {config.speak_layer_ids}); "
            "it was made for another checkpoint, or roma_config.json is another's"
        )
    for name, tensor in stored.items():
        if tensor.dtype not in FLOATS:
            raise CheckpointError(
                f"{tensor.file}: {name} is {tensor.dtype}; expected {'/'.join(FLOATS)}. "
                "Copy the file again"
            )


def _stored(folder: Path) -> tuple[Path, Mapping[str, StoredTensor]]:
    file = folder / SPEAK_HEAD_NAME
    if is_there(file):
        return file, read_header(file)
    found = {}
    for shard in weight_files(folder) if has_weights(folder) else []:
        for full, tensor in read_header(shard).items():
            if (name := HEAD_NAMES.get(full.removeprefix(PREFIX))) is not None:
                found[name] = tensor
    if found and (missing := sorted(set(HEAD_NAMES.values()) - set(found))):
        raise CheckpointError(
            f"{folder} has a part of ROMA's speak head, but lacks {missing}; "
            "is a shard of the checkpoint missing?"
        )
    return folder, found
