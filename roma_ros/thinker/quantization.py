"""Quantised backbones: by bitsandbytes while loading, or stored as GPTQ layers."""

from __future__ import annotations

import enum
import logging
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from transformers import BitsAndBytesConfig, Qwen2_5OmniThinkerForConditionalGeneration

from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.qwen_omni import (
    AUDIO_TOWER,
    VISION_TOWER,
    layers_name,
    named_parts,
    released_name,
    with_released_names,
)

__all__ = [
    "GPTQ_LAYERS",
    "GPTQ_REMEDY",
    "GptqBackbone",
    "Quantization",
    "check_saveable",
    "gptq_missing",
    "has_nf4",
    "is_gptq",
    "quantization_config",
    "silence_int8_warnings",
    "stored_quantization",
    "translate_settings",
]

# Not quantised: encoders, embeddings and LM head, which are small or sensitive.
KEPT = named_parts([VISION_TOWER, AUDIO_TOWER, "lm_head", "embed_tokens"])
GPTQ_LAYERS = layers_name()  # of the backbone; other weights are not quantised
GPTQ_REMEDY = "run `make gptq`; docs/quantize.md says why they are not installed by default"


class Quantization(enum.Enum):
    """Storage format of the backbone's linear layers."""

    NONE = "none"
    NF4 = "nf4"
    INT8 = "int8"

    @classmethod
    def _missing_(cls, value: object) -> None:
        names = ", ".join(kind.value for kind in cls)
        raise ValueError(f"quantization is {value!r}; expected one of {names}")


def quantization_config(kind: Quantization, dtype: torch.dtype) -> BitsAndBytesConfig:
    """Return transformers' settings for bitsandbytes.

    Args:
        kind: `NF4` or `INT8`.
        dtype: dtype of the computation.
    """
    if kind is Quantization.NF4:
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
            llm_int8_skip_modules=list(KEPT),
        )
    return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=list(KEPT))


def silence_int8_warnings() -> None:
    """Silence bitsandbytes' warning at each product that it casts to float16."""
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)


def stored_quantization(config: Mapping[str, Any]) -> Quantization:
    """Return the bitsandbytes format in which the weights of a checkpoint are stored.

    Args:
        config: content of its config.json.

    Returns:
        `NONE` for weights that are not quantised, or by another quantiser (see `is_gptq`).
    """
    stored = config.get("quantization_config")
    if not isinstance(stored, Mapping) or stored.get("quant_method") != "bitsandbytes":
        return Quantization.NONE
    return Quantization.NF4 if stored.get("load_in_4bit") else Quantization.INT8


def translate_settings(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that name modules, with names of the installed transformers version.

    A checkpoint holds the names of the version that wrote it.

    Args:
        stored: `quantization_config` of its config.json.
    """
    settings: dict[str, Any] = {}
    if kept := stored.get("llm_int8_skip_modules"):
        settings["llm_int8_skip_modules"] = named_parts(map(released_name, kept))
    if stored.get("block_name_to_quantize"):
        settings["block_name_to_quantize"] = GPTQ_LAYERS
    return settings


@with_released_names
class GptqBackbone(Qwen2_5OmniThinkerForConditionalGeneration):
    """Thinker class for GPTQ layers, which transformers loads for text models only."""

    main_input_name = "input_ids"


def is_gptq(config: Mapping[str, Any]) -> bool:
    """Return whether a config.json belongs to weights stored as GPTQ layers."""
    stored = config.get("quantization_config")
    return isinstance(stored, Mapping) and stored.get("quant_method") == "gptq"


def gptq_missing() -> list[str]:
    """Return the libraries for GPTQ layers that are not installed."""
    return [name for name in ("optimum", "gptqmodel") if find_spec(name) is None]


def has_nf4(backbone: nn.Module) -> bool:
    """Return whether a layer has 4-bit weights of bitsandbytes."""
    return any(getattr(value, "quant_state", None) for value in backbone.parameters())


def check_saveable(backbone: nn.Module) -> None:
    """Check that the weights of a backbone can be saved without loss.

    At its first call on a CPU with AVX512-BF16, bitsandbytes repacks a 4-bit layer: the scales of
    its blocks become bfloat16, and saving quantises them a second time. The saved weights then
    differ from those that were loaded. See docs/quantize.md.

    Raises:
        CheckpointError: it has NF4 weights that have been run on this CPU.
    """
    for name, module in backbone.named_modules():
        state = getattr(getattr(module, "weight", None), "quant_state", None)
        if getattr(state, "packing_format_for_cpu", False):
            raise CheckpointError(
                f"{name} has been run on this CPU, which repacked its 4-bit weights with a loss; "
                "load the model again, and save it before its first unit"
            )
