"""Loading of checkpoint folders: safetensors only; no code from a checkpoint is executed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from transformers import (
    AutoTokenizer,
    GenerationConfig,
    PreTrainedTokenizerBase,
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
)
from transformers.utils import logging as transformers_logging

from roma_ros.thinker.attention import SLOT_ATTENTION
from roma_ros.thinker.checkpoint_check.checkpoint import CheckedCheckpoint
from roma_ros.thinker.checkpoint_check.files import (
    check_folder_files,
    is_there,
    read_json,
    shown,
)
from roma_ros.thinker.checkpoint_check.head_fit import SPEAK_HEAD_NAME, check_speak_head
from roma_ros.thinker.checkpoint_check.model_config import (
    WHOLE,
    read_thinker_config,
    read_thinker_values,
)
from roma_ros.thinker.checkpoint_check.tokenizer import check_tokenizer, named_class
from roma_ros.thinker.checkpoint_check.weight_files import weight_files
from roma_ros.thinker.config import RomaConfig
from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.kernel_check import check_kernel
from roma_ros.thinker.quantization import (
    GptqBackbone,
    Quantization,
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
        # colcon's symlink-install links each file to the source tree.
        folder = (embedded / "config.json").resolve().parent
    check_folder(folder)
    return folder


def check_folder(folder: Path) -> None:
    """Check that a folder holds a Qwen2.5-Omni config and safetensors weights.

    Raises:
        CheckpointError: the folder or its config.json is missing, the config is of another model,
            there are no .safetensors files, or a file cannot be part of a checkpoint.
    """
    if folder.is_dir() and not is_there(folder / "config.json"):
        raise CheckpointError(
            f"{str(folder.absolute())!r} is no model folder: it has no config.json; give the path "
            "of a Qwen2.5-Omni checkpoint folder, or 'roma_tiny' for the embedded one"
        )
    if not folder.is_dir():
        raise CheckpointError(
            f"no model folder {str(folder)!r}; give the path of a Qwen2.5-Omni checkpoint folder, "
            "or 'roma_tiny' for the embedded one. Nothing is downloaded"
        )
    check_folder_files(folder)
    read_thinker_values(folder)
    weight_files(folder)


def load_tokenizer(
    folder: Path, config: Qwen2_5OmniThinkerConfig | None = None
) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a checkpoint folder.

    Args:
        folder: folder that `check_checkpoint` has passed.
        config: config of the model; `None` for the folder's own.

    Raises:
        CheckpointError: its files are damaged, or a text changes by encoding and decoding.
    """
    config = config or read_thinker_config(folder)
    # A whole Omni checkpoint that names no class has Qwen's; the thinker's config implies none.
    is_qwen = read_json(folder / "config.json")["model_type"] == WHOLE
    options = {"tokenizer_type": "qwen2"} if is_qwen and not named_class(folder) else {}
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, config=config, local_files_only=True, trust_remote_code=False, **options
        )
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # tokenizers' panics are no Exception
        raise CheckpointError(
            f"the tokenizer of {folder} cannot be read: {shown(error, 200)}; copy the tokenizer "
            "files of the checkpoint again"
        ) from error
    check_tokenizer(folder, tokenizer, config.text_config.vocab_size)
    return tokenizer


def load_backbone(
    checked: CheckedCheckpoint,
    *,
    device: torch.device,
    dtype: torch.dtype,
    quantization: Quantization,
    without: Collection[str] = (),
) -> Qwen2_5OmniThinkerForConditionalGeneration:
    """Load the thinker with its encoders; of a full Omni checkpoint the thinker part only.

    Args:
        checked: the checkpoint.
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
    folder, values = checked.folder, checked.config.to_dict()
    options, kind = _loading_options(checked, values, device, dtype, quantization, without)
    if kind is Quantization.INT8:
        silence_int8_warnings()
    if kind is not Quantization.NONE:
        check_kernel(kind, device)
    backbone_class = Qwen2_5OmniThinkerForConditionalGeneration
    if is_gptq(values):
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
                # Without it, transformers would read the folder's file, which is not checked.
                generation_config=GenerationConfig.from_model_config(checked.config),
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
    # As the checkpoint has it, should it be saved again.
    model.config.vision_config.depth = checked.config.vision_config.depth
    model.config.audio_config.encoder_layers = checked.config.audio_config.encoder_layers
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


def _loading_options(
    checked: CheckedCheckpoint,
    values: Mapping[str, Any],
    device: torch.device,
    dtype: torch.dtype,
    quantization: Quantization,
    without: Collection[str],
) -> tuple[dict[str, Any], Quantization]:
    """Return further arguments of `from_pretrained`, and the kind of bitsandbytes' layers."""
    stored = stored_quantization(values)
    is_quantised = bool(values.get("quantization_config"))
    if is_quantised and quantization is not Quantization.NONE:
        raise CheckpointError(
            f"{checked.folder} is quantised already; load it with quantization 'none', not "
            f"{quantization.value!r}"
        )
    options: dict[str, Any] = {"config": _loading_config(checked.config, dtype, stored, without)}
    if is_quantised or quantization is not Quantization.NONE:
        options["device_map"] = {"": device}
    if quantization is not Quantization.NONE:
        options["quantization_config"] = quantization_config(quantization, dtype)
        return options, quantization
    return options, stored


def _loading_config(
    checked: Qwen2_5OmniThinkerConfig,
    dtype: torch.dtype,
    stored: Quantization,
    without: Collection[str],
) -> Qwen2_5OmniThinkerConfig:
    config = deepcopy(checked)
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
    check_speak_head(folder, config, hidden_size)
    file = folder / SPEAK_HEAD_NAME
    if file.exists():
        try:
            weights = load_file(file)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{file} cannot be read: {error}") from error
    elif (found := release_speak_head(folder)) is not None:
        weights = found
    else:
        return None
    head = SpeakHead(hidden_size, len(config.speak_layer_ids), config.speak_hidden_size)
    head.load_state_dict(weights)
    return head.eval().requires_grad_(False)
