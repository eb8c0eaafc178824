"""Loading of checkpoint folders: safetensors only; no code from a checkpoint is executed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from transformers import (
    AutoTokenizer,
    PreTrainedTokenizerBase,
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
)
from transformers.utils import logging as transformers_logging

from roma_ros.thinker.attention import SLOT_ATTENTION
from roma_ros.thinker.config import RomaConfig
from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.kernel_check import check_kernel
from roma_ros.thinker.quantization import (
    GPTQ_REMEDY,
    GptqBackbone,
    Quantization,
    gptq_missing,
    is_gptq,
    quantization_config,
    silence_int8_warnings,
    stored_quantization,
    translate_settings,
)
from roma_ros.thinker.qwen_omni import (
    AUDIO_TOWER,
    VISION_TOWER,
    loading_names,
    release_names,
    released_name,
    remove_tower,
    set_attention,
)
from roma_ros.thinker.roma_release import release_speak_head
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
    """Return the folder of a checkpoint.

    Args:
        model: path of the folder, or the name of an embedded checkpoint such as `roma_tiny`.

    Raises:
        CheckpointError: there is no such folder, or it is no checkpoint; see `check_folder`.
    """
    if not str(model):
        raise CheckpointError("the model's name is empty; give a folder, or 'roma_tiny'")
    folder = Path(model).expanduser()
    embedded = Path(str(files("roma_ros"))) / "models" / str(model)
    if not folder.is_dir() and "/" not in str(model) and embedded.is_dir():
        folder = embedded
    check_folder(folder)
    return folder


def check_folder(folder: Path) -> None:
    """Check that a folder holds a Qwen2.5-Omni config and safetensors weights.

    Raises:
        CheckpointError: the folder or its config.json is missing, the config is of another model,
            or there are no .safetensors files.
    """
    if not (folder / "config.json").exists() and folder.is_dir():
        raise CheckpointError(
            f"{str(folder.absolute())!r} is no model folder: it has no config.json; give the path "
            "of a Qwen2.5-Omni checkpoint folder, or 'roma_tiny' for the embedded one"
        )
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
    """Load the tokenizer of a checkpoint folder.

    Raises:
        CheckpointError: its files are missing or damaged.
    """
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
    folder: Path,
    *,
    device: torch.device,
    dtype: torch.dtype,
    quantization: Quantization,
    without: Collection[str] = (),
) -> Qwen2_5OmniThinkerForConditionalGeneration:
    """Load the thinker with its encoders; of a full Omni checkpoint the thinker part only.

    Args:
        folder: folder of the checkpoint.
        device: device that the weights are loaded to.
        dtype: dtype of weights that are not quantised.
        quantization: how to quantise the linear layers while loading; `NONE` for a checkpoint that
            is stored quantised.
        without: encoders to leave out (`VISION_TOWER`, `AUDIO_TOWER`) because ONNX files replace
            them: they become `None`, and their weights may be missing.

    Raises:
        CheckpointError: weights are missing or damaged, or the quantisation does not run on
            `device`.
    """
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    options, kind = _loading_options(folder, values, device, dtype, quantization, without)
    if kind is Quantization.INT8:
        silence_int8_warnings()
    if kind is not Quantization.NONE:
        check_kernel(kind, device)
    backbone_class = Qwen2_5OmniThinkerForConditionalGeneration
    if is_gptq(values):
        _check_gptq(folder)
        backbone_class = GptqBackbone
    try:
        with _no_report():
            model, report = backbone_class.from_pretrained(
                folder,
                dtype=dtype,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
                key_mapping=loading_names(),
                **options,
            )
    except (ImportError, OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"{folder} cannot be loaded: {error}") from error
    left_out = tuple(f"{part}." for part in without)
    missing = sorted(map(released_name, report["missing_keys"]))
    if missing := [name for name in missing if not name.startswith(left_out)]:
        raise CheckpointError(
            f"{folder} lacks {len(missing)} weights, such as {missing[:3]}; "
            "is a shard of the checkpoint missing?"
        )
    for part in without:
        remove_tower(model, part)
    if "config" in options:  # so that it is saved as it was loaded
        _restore_depths(model.config, folder)
    text = model.config.text_config
    if set(text.layer_types) != {"full_attention"}:
        raise CheckpointError(
            f"{folder} has layer types {set(text.layer_types)}; expected full_attention only"
        )
    set_attention(model, SLOT_ATTENTION)
    if values.get("quantization_config"):
        _cast_unquantised(model, dtype)
    if "device_map" not in options:
        model.to(device)
    return release_names(model).eval().requires_grad_(False)


@contextmanager
def _no_report() -> Iterator[None]:
    """Silence transformers' warning of missing weights: here they are left out, or an error."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)


def _check_gptq(folder: Path) -> None:
    if missing := gptq_missing():
        raise CheckpointError(
            f"{folder} has GPTQ weights, which need {' and '.join(missing)}: {GPTQ_REMEDY}"
        )


def _loading_options(
    folder: Path,
    values: Mapping[str, Any],
    device: torch.device,
    dtype: torch.dtype,
    quantization: Quantization,
    without: Collection[str],
) -> tuple[dict[str, Any], Quantization]:
    """Further arguments of `from_pretrained`, and the kind of layers that bitsandbytes will run."""
    stored = stored_quantization(values)
    is_quantised = bool(values.get("quantization_config"))
    if is_quantised and quantization is not Quantization.NONE:
        raise CheckpointError(
            f"{folder} is quantised already; load it with quantization 'none', not "
            f"{quantization.value!r}"
        )
    options: dict[str, Any] = {}
    if is_quantised or without:
        options["config"] = _loading_config(folder, dtype, stored, without)
    if is_quantised or quantization is not Quantization.NONE:
        options["device_map"] = {"": device}
    if quantization is not Quantization.NONE:
        options["quantization_config"] = quantization_config(quantization, dtype)
        return options, quantization
    return options, stored


def _loading_config(
    folder: Path, dtype: torch.dtype, stored: Quantization, without: Collection[str]
) -> Qwen2_5OmniThinkerConfig:
    config = Qwen2_5OmniThinkerConfig.from_pretrained(folder, local_files_only=True)
    settings = getattr(config, "quantization_config", None)
    if isinstance(settings, dict):
        settings.update(translate_settings(settings))
    if stored is Quantization.NF4 and isinstance(settings, dict):
        # The stored value is the dtype of the machine on which the weights were saved.
        settings["bnb_4bit_compute_dtype"] = str(dtype).removeprefix("torch.")
    # Weights that are not in the files would be initialised at full size for nothing.
    if VISION_TOWER in without:
        config.vision_config.depth = 0
    if AUDIO_TOWER in without:
        config.audio_config.encoder_layers = 0
    return config


def _cast_unquantised(model: nn.Module, dtype: torch.dtype) -> None:
    """Cast weights that are not quantised: transformers 5.21 and later leaves some as stored."""
    for value in model.parameters():
        if type(value) is nn.Parameter and value.is_floating_point():
            value.data = value.data.to(dtype)


def _restore_depths(config: Qwen2_5OmniThinkerConfig, folder: Path) -> None:
    stored = Qwen2_5OmniThinkerConfig.from_pretrained(folder, local_files_only=True)
    config.vision_config.depth = stored.vision_config.depth
    config.audio_config.encoder_layers = stored.audio_config.encoder_layers


def load_speak_head(folder: Path, config: RomaConfig, hidden_size: int) -> SpeakHead | None:
    """Load the speak head from its own file, or from among the weights as in ROMA's release.

    Args:
        folder: folder of the checkpoint.
        config: gives the layers that the head mixes, and its width.
        hidden_size: hidden size of the backbone.

    Returns:
        The head in evaluation mode on the CPU; `None` if the checkpoint has none.

    Raises:
        CheckpointError: a file cannot be read, or the head does not fit the backbone.
    """
    file = folder / SPEAK_HEAD_NAME
    if file.exists():
        try:
            weights = load_file(file)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{file} cannot be read: {error}") from error
    elif (found := release_speak_head(folder)) is not None:
        file, weights = folder, found
    else:
        return None
    head = SpeakHead(hidden_size, len(config.speak_layer_ids), config.speak_hidden_size)
    wanted = {name: tuple(value.shape) for name, value in head.state_dict().items()}
    got = {name: tuple(value.shape) for name, value in weights.items()}
    if got != wanted:
        raise CheckpointError(
            f"{file} does not fit this backbone: its shapes are {got}; expected {wanted} "
            f"(width {hidden_size}, layers {config.speak_layer_ids}); "
            "it belongs to another checkpoint, or roma_config.json does"
        )
    head.load_state_dict(weights)
    return head.eval().requires_grad_(False)
