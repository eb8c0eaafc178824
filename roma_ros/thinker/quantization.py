"""Quantised backbones: by bitsandbytes while they load, or as GPTQ left them."""

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
    "is_gptq",
    "quantization_config",
    "silence_int8_warnings",
    "stored_quantization",
    "translate_settings",
]

# Encoders, embeddings and LM head stay as they are: small, or dear to quality.
KEPT = named_parts([VISION_TOWER, AUDIO_TOWER, "lm_head", "embed_tokens"])
GPTQ_LAYERS = layers_name()  # of the backbone; what stands beside them is kept
GPTQ_REMEDY = "`make gptq` adds them; docs/quantize.md says why they are not there from the start"


class Quantization(enum.Enum):
    """How the backbone's linear layers are stored."""

    NONE = "none"
    NF4 = "nf4"
    INT8 = "int8"

    @classmethod
    def _missing_(cls, value: object) -> None:
        names = ", ".join(kind.value for kind in cls)
        raise ValueError(f"quantization {value!r}; expected one of {names}")


def quantization_config(kind: Quantization, dtype: torch.dtype) -> BitsAndBytesConfig:
    """What transformers hands to bitsandbytes for `kind`; `dtype` is computed in."""
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
    """bitsandbytes warns at each product that it casts to float16: hundreds of lines a second."""
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)


def stored_quantization(config: Mapping[str, Any]) -> Quantization:
    """The kind that the weights beside a `config.json` are already stored in, by bitsandbytes.

    `NONE` is also what weights of another quantiser give (see `is_gptq`).
    """
    stored = config.get("quantization_config")
    if not isinstance(stored, Mapping) or stored.get("quant_method") != "bitsandbytes":
        return Quantization.NONE
    return Quantization.NF4 if stored.get("load_in_4bit") else Quantization.INT8


def translate_settings(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a stored `quantization_config` that name parts, by this transformers' names.

    Bundles hold the names of the version that wrote them.
    """
    settings: dict[str, Any] = {}
    if kept := stored.get("llm_int8_skip_modules"):
        settings["llm_int8_skip_modules"] = named_parts(map(released_name, kept))
    if stored.get("block_name_to_quantize"):
        settings["block_name_to_quantize"] = GPTQ_LAYERS
    return settings


@with_released_names
class GptqBackbone(Qwen2_5OmniThinkerForConditionalGeneration):
    """The thinker as transformers loads it with GPTQ layers: it does so for text models alone."""

    main_input_name = "input_ids"


def is_gptq(config: Mapping[str, Any]) -> bool:
    """Whether the weights beside a `config.json` are stored as GPTQ layers."""
    stored = config.get("quantization_config")
    return isinstance(stored, Mapping) and stored.get("quant_method") == "gptq"


def gptq_missing() -> list[str]:
    """Those of the libraries that make and run GPTQ layers that are not installed."""
    return [name for name in ("optimum", "gptqmodel") if find_spec(name) is None]


def check_saveable(backbone: nn.Module) -> None:
    """Raise `CheckpointError` if NF4 weights have been run on this CPU, and cannot be saved as is.

    At its first call on a CPU with AVX512-BF16, a 4-bit layer of bitsandbytes is packed anew: the
    scales of its blocks become bfloat16, and to save it they are quantised a second time. What is
    saved then differs from what was loaded. See docs/quantize.md.
    """
    for name, module in backbone.named_modules():
        state = getattr(getattr(module, "weight", None), "quant_state", None)
        if getattr(state, "packing_format_for_cpu", False):
            raise CheckpointError(
                f"{name} has been run on this CPU, which packed its 4-bit weights anew and with a "
                "loss; load the model again, and save it before it hears its first unit"
            )
