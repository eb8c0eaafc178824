"""Quantising the backbone while it loads, with bitsandbytes."""

from __future__ import annotations

import enum

import torch
from transformers import BitsAndBytesConfig

__all__ = ["Quantization", "quantization_config"]

# Encoders, embeddings and LM head stay as they are: small, or dear to quality.
KEPT = ["visual", "audio_tower", "lm_head", "embed_tokens"]


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
            llm_int8_skip_modules=KEPT,
        )
    return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=KEPT)
