"""What a run leaves behind: whole models, or adapters that become one when it is done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from roma_ros.thinker import CheckpointError, RomaConfig, RomaThinker
from roma_ros.thinker.checkpoint import SPEAK_HEAD_NAME, load_speak_head
from roma_ros.training.lora import merge_adapters
from roma_ros.training.model import TrainingModel

__all__ = ["load_progress", "save_merged", "save_progress"]

BACKBONE, SPEAK_HEAD, AUXILIARY_HEADS = (
    "backbone.",
    "speak_head.",
    "auxiliary_heads.",
)  # of TrainingModel
AUXILIARY_HEADS_NAME = "fact_heads.safetensors"  # to resume by; no finished model has them


def save_progress(
    model: TrainingModel, folder: Path, state: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Write what is trained: a model that can be run, or adapters and the speak head alone.

    Args:
        model: what is trained.
        folder: made if it is not there.
        state: all of the model's weights, where this process holds only a shard of them (FSDP).
    """
    folder.mkdir(parents=True, exist_ok=True)
    thinker, adapters = model.thinker, model.adapters
    backbone = None if state is None else _part(state, BACKBONE)
    if adapters is None:
        thinker.backbone.save_pretrained(folder, state_dict=backbone)
        thinker.tokenizer.save_pretrained(folder)
        thinker.features.save_pretrained(folder)
    else:
        adapters.save(folder, backbone)
    thinker.config.save(folder)
    weights = model.state_dict() if state is None else state
    for prefix, name in ((SPEAK_HEAD, SPEAK_HEAD_NAME), (AUXILIARY_HEADS, AUXILIARY_HEADS_NAME)):
        if part := _part(weights, prefix):
            save_file(part, folder / name)


def load_progress(model: TrainingModel, folder: Path) -> None:
    """Go on from what `save_progress` wrote.

    Raises:
        CheckpointError: the folder holds no such thing, or another model's.
    """
    if model.adapters is None:
        saved = RomaThinker.from_pretrained(folder, device="cpu", dtype="float32")
        model.backbone.load_state_dict(saved.backbone.state_dict())
    else:
        model.adapters.load(folder)
    if model.speak_head is not None:
        model.speak_head.load_state_dict(_read(folder / SPEAK_HEAD_NAME))
    if model.auxiliary_heads is not None and (folder / AUXILIARY_HEADS_NAME).exists():
        model.auxiliary_heads.load_state_dict(_read(folder / AUXILIARY_HEADS_NAME))


def save_merged(base: str, adapters: Path, out: Path, *, dtype: str = "float32") -> None:
    """Write the model that adapters and a speak head make of the one they were trained on.

    The base is read anew, on the CPU: what was trained may lie in shards on many devices.

    Args:
        base: what training started from.
        adapters: folder that `save_progress` wrote; a checkpoint in the course of a run will do.
        out: folder of the merged model, which `RomaThinker.from_pretrained` reads.
        dtype: of the weights that are merged and saved.

    Raises:
        CheckpointError: either of the two cannot be loaded, or one does not fit the other.
    """
    thinker = RomaThinker.from_pretrained(base, device="cpu", dtype=dtype)
    thinker.backbone = merge_adapters(thinker.backbone, adapters)
    width = thinker.backbone.config.text_config.hidden_size
    thinker.config = RomaConfig.from_folder(adapters)
    thinker.speak_head = load_speak_head(adapters, thinker.config, width)
    thinker.save_pretrained(out)


def _part(state: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): value.contiguous()
        for name, value in state.items()
        if name.startswith(prefix)
    }


def _read(file: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{file} cannot be read, so nothing can go on: {error}") from error
