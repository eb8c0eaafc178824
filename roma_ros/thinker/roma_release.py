"""Settings and speak head of ROMA's public release.

Names as in the release of March 2026 (repository Eureka-Maggie/ROMA, weights EurekaTian/ROMA).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from roma_ros.thinker.checkpoint_check.files import read_json, shown
from roma_ros.thinker.checkpoint_check.limits import Count, ListOf
from roma_ros.thinker.checkpoint_check.weight_files import (
    has_weights,
    read_header,
    weight_files,
)
from roma_ros.thinker.errors import CheckpointError

__all__ = ["release_settings", "release_speak_head"]

PREFIX = "thinker."  # of a full Omni checkpoint; a thinker saved by itself has none
# The release's names and `SpeakHead`'s. The release has a one-layer `gate_head` too: not used.
HEAD_NAMES = {
    "gate_mixer.logits": "mixer",
    "gate_head_pro_fc1.weight": "fc1.weight",
    "gate_head_pro_fc1.bias": "fc1.bias",
    "gate_head_pro_fc2.weight": "fc2.weight",
    "gate_head_pro_fc2.bias": "fc2.bias",
}
LAYERS, WIDTH = "gate_layer_ids", "gate_hidden_dim"
LAYER_IDS, WIDTHS = ListOf(Count(-1000, 1000), 1, 64), Count(1, 65_536)
DEFAULT_LAYERS = [-4, -3, -2, -1]
ONE_TOKEN = 28 * 28  # pixels: where the release's lower bound of 256 ends up after rounding


def release_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of a `RomaConfig` that the release implies; none for other checkpoints.

    The release is recognised by its `config.json` or by the names of its weights. It was trained
    on instructions that are spoken into the stream.

    Args:
        folder: folder of any checkpoint.

    Raises:
        CheckpointError: a setting of the release has the wrong type.
    """
    file = folder / "config.json"
    try:
        config = read_json(file)
    except CheckpointError:
        return {}  # not a checkpoint; `check_folder` reports that
    if not isinstance(config, dict):
        return {}
    nested = config.get("thinker_config")
    config = {**config, **(nested if isinstance(nested, dict) else {})}
    if LAYERS not in config and not _holds_head(folder):
        return {}
    layers, width = config.get(LAYERS, DEFAULT_LAYERS), config.get(WIDTH)
    if not (layers and LAYER_IDS.allows(layers)):
        raise CheckpointError(
            f"{file} has {LAYERS} {shown(layers)}; expected integers, such as [-4, -3, -2, -1]"
        )
    if width is not None and not WIDTHS.allows(width):
        raise CheckpointError(f"{file} has {WIDTH} {shown(width)}; expected {WIDTHS}")
    return {
        "speak_layer_ids": tuple(layers),
        "speak_hidden_size": width,
        "min_pixels": ONE_TOKEN,
        "instructions": "spoken",
    }


def release_speak_head(folder: Path) -> dict[str, torch.Tensor] | None:
    """Read the state of a `SpeakHead` from the shards of the release.

    Args:
        folder: folder that `check_speak_head` has passed.

    Returns:
        Tensors by the names of `SpeakHead`; `None` if the shards hold no speak head.

    Raises:
        CheckpointError: a shard cannot be read.
    """
    found: dict[str, torch.Tensor] = {}
    for shard in weight_files(folder) if has_weights(folder) else []:
        try:
            with safe_open(shard, framework="pt") as file:
                for key in file.keys():  # noqa: SIM118 - it is no dictionary
                    if name := HEAD_NAMES.get(key.removeprefix(PREFIX)):
                        found[name] = file.get_tensor(key)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{shard} cannot be read: {error}") from error
    return found or None


def _holds_head(folder: Path) -> bool:
    try:
        shards = weight_files(folder) if has_weights(folder) else []
        names = (name.removeprefix(PREFIX) for shard in shards for name in read_header(shard))
        return any(name in HEAD_NAMES for name in names)
    except CheckpointError:
        return False  # loading the weights reports the error
