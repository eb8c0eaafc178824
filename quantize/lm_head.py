"""Quantization of the LM head, like the backbone."""

from __future__ import annotations

import torch

from roma_ros.quantize.errors import RecipeError
from roma_ros.quantize.recipe import BackboneKind
from roma_ros.thinker import RomaThinker

__all__ = ["quantize_lm_head"]


def quantize_lm_head(thinker: RomaThinker, kind: BackboneKind) -> None:
    """Replace the thinker's LM head by a quantized one.

    Args:
        thinker: model whose backbone is already quantized as `kind`.
        kind: NF4 or INT8.

    Raises:
        RecipeError: another kind, or a head that shares its weights with the embeddings.
    """
    if kind not in (BackboneKind.NF4, BackboneKind.INT8):
        raise RecipeError(
            f"lm_head is like_backbone and backbone is {kind.value}; expected backbone nf4 or int8"
        )
    backbone = thinker.backbone
    head = backbone.lm_head
    if head.weight.data_ptr() == backbone.get_input_embeddings().weight.data_ptr():
        raise RecipeError(
            f"the LM head of {thinker.name} shares its weights with the embeddings, which are not "
            "quantized: a second copy would be stored. Use a recipe with `lm_head: keep`"
        )
    backbone.lm_head = _quantized(head, kind)
    # transformers leaves these modules unquantized when it loads the bundle.
    settings = backbone.config.quantization_config
    settings.llm_int8_skip_modules = [
        name for name in settings.llm_int8_skip_modules if name != "lm_head"
    ]


def _quantized(head: torch.nn.Linear, kind: BackboneKind) -> torch.nn.Module:
    from bitsandbytes.nn import Linear4bit, Linear8bitLt

    layer: torch.nn.Module
    if kind is BackboneKind.NF4:
        layer = Linear4bit(
            head.in_features,
            head.out_features,
            bias=False,
            quant_type="nf4",
            compute_dtype=head.weight.dtype,
        )
    else:
        layer = Linear8bitLt(
            head.in_features, head.out_features, bias=False, has_fp16_weights=False
        )
    layer.load_state_dict({"weight": head.weight.data})
    return layer.to("cpu").eval().requires_grad_(False)
