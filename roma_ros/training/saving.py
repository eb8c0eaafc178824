"""Checkpoints of a run: whole models, or adapters that are merged at its end."""

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
AUXILIARY_HEADS_NAME = "fact_heads.safetensors"  # for resuming; not part of a finished model


def save_progress(
    model: TrainingModel, folder: Path, state: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Write a checkpoint: a complete model, or adapters and the speak head alone.

    Args:
        model: the model in training.
        folder: output folder; created if it is missing.
        state: all weights of `model` by name, if this process holds only a shard (FSDP).
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
    """Load a checkpoint of `save_progress` to resume training.

    Raises:
        CheckpointError: the folder is not such a checkpoint, or does not fit the model.
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
    """Merge adapters and a speak head into the model they were trained on, and save it.

    The base is read again, on the CPU, as the trained weights may be shards on several devices.

    Args:
        base: model that training started from.
        adapters: folder written by `save_progress`, also one from the middle of a run.
        out: folder of the merged model, for `RomaThinker.from_pretrained`.
        dtype: dtype in which weights are merged and saved.

    Raises:
        CheckpointError: a folder cannot be loaded, or the adapters do not fit the base.
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
        raise CheckpointError(
            f"{file} cannot be read, so training cannot be resumed: {error}"
        ) from error
