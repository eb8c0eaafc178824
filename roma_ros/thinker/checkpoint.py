"""Reading and writing model folders: safetensors only, and no code from a checkpoint is run."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import (
    AutoTokenizer,
    PreTrainedTokenizerBase,
    Qwen2_5OmniThinkerForConditionalGeneration,
)

from roma_ros.thinker.attention import SLOT_ATTENTION
from roma_ros.thinker.config import RomaConfig
from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.quantization import Quantization, quantization_config
from roma_ros.thinker.speak_head import SpeakHead

__all__ = [
    "SPEAK_HEAD_NAME",
    "check_folder",
    "load_backbone",
    "load_speak_head",
    "load_tokenizer",
    "resolve_folder",
]

SPEAK_HEAD_NAME = "speak_head.safetensors"
MODEL_TYPES = ("qwen2_5_omni", "qwen2_5_omni_thinker")


def resolve_folder(model: str | Path) -> Path:
    """The folder of a model: a path, or the name of an embedded one such as `roma_tiny`."""
    folder = Path(model).expanduser()
    embedded = Path(str(files("roma_ros"))) / "models" / str(model)
    if not folder.is_dir() and "/" not in str(model) and embedded.is_dir():
        folder = embedded
    check_folder(folder)
    return folder


def check_folder(folder: Path) -> None:
    """Raise `CheckpointError` unless `folder` can be a Qwen2.5-Omni thinker checkpoint."""
    if not folder.is_dir():
        raise CheckpointError(
            f"no model folder {str(folder)!r}; give the path of a Qwen2.5-Omni checkpoint folder, "
            "or 'roma_tiny' for the embedded one. Nothing is downloaded"
        )
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}") from error
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind not in MODEL_TYPES:
        raise CheckpointError(f"{file} has model_type {kind!r}; expected one of {MODEL_TYPES}")
    if not list(folder.glob("*.safetensors")):
        pickles = [path.name for path in folder.glob("*.bin")]
        hint = f"; {pickles} are pickles, which are never loaded" if pickles else ""
        raise CheckpointError(f"{folder} has no .safetensors weights{hint}")


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    if not any((folder / name).exists() for name in ("tokenizer.json", "vocab.json")):
        raise CheckpointError(
            f"{folder} has no tokenizer (tokenizer.json, or vocab.json with merges.txt); "
            "copy the tokenizer files of the checkpoint beside its weights"
        )
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the tokenizer of {folder} cannot be read: {error}") from error
    return tokenizer


def load_backbone(
    folder: Path, *, device: torch.device, dtype: torch.dtype, quantization: Quantization
) -> Qwen2_5OmniThinkerForConditionalGeneration:
    """Load the thinker; of a full Omni checkpoint its thinker part only."""
    options: dict[str, Any] = {}
    if quantization is not Quantization.NONE:
        options["quantization_config"] = quantization_config(quantization, dtype)
        options["device_map"] = {"": device}
    try:
        model, report = Qwen2_5OmniThinkerForConditionalGeneration.from_pretrained(
            folder,
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"{folder} cannot be loaded: {error}") from error
    if missing := sorted(report["missing_keys"]):
        raise CheckpointError(
            f"{folder} lacks {len(missing)} weights, such as {missing[:3]}; "
            "is a shard of the checkpoint missing?"
        )
    text = model.config.text_config
    if set(text.layer_types) != {"full_attention"}:
        raise CheckpointError(f"{folder} has layer types {set(text.layer_types)}; expected full")
    model.model.set_attn_implementation(SLOT_ATTENTION)
    if quantization is Quantization.NONE:
        model.to(device)
    return model.eval().requires_grad_(False)


def load_speak_head(folder: Path, config: RomaConfig, hidden_size: int) -> SpeakHead | None:
    """The speak head beside the weights, or `None` where the checkpoint has none."""
    file = folder / SPEAK_HEAD_NAME
    if not file.exists():
        return None
    head = SpeakHead(hidden_size, len(config.speak_layer_ids), config.speak_hidden_size)
    try:
        weights = load_file(file)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}") from error
    wanted = {name: tuple(value.shape) for name, value in head.state_dict().items()}
    got = {name: tuple(value.shape) for name, value in weights.items()}
    if got != wanted:
        raise CheckpointError(
            f"{file} does not fit this backbone: got {got}, expected {wanted} "
            f"(width {hidden_size}, layers {config.speak_layer_ids}); "
            "it was made for another checkpoint, or roma_config.json is another's"
        )
    head.load_state_dict(weights)
    return head.eval().requires_grad_(False)
