"""The LM head, quantised as the backbone is."""

from __future__ import annotations

import torch

from roma_ros.quantize.errors import RecipeError
from roma_ros.quantize.recipe import BackboneKind
from roma_ros.thinker import RomaThinker

__all__ = ["quantize_lm_head"]


def quantize_lm_head(thinker: RomaThinker, kind: BackboneKind) -> None:
    """Put a quantised LM head in the place of the thinker's own.

    Args:
        thinker: its backbone is quantised as `kind` already.
        kind: NF4 or INT8.

    Raises:
        RecipeError: another kind, or a head that shares its weights with the embeddings.
    """
    if kind not in (BackboneKind.NF4, BackboneKind.INT8):
        raise RecipeError(
            f"lm_head: like_backbone goes with backbone: nf4 or int8, not {kind.value}"
        )
    backbone = thinker.backbone
    head = backbone.lm_head
    if head.weight.data_ptr() == backbone.get_input_embeddings().weight.data_ptr():
        raise RecipeError(
            f"the LM head of {thinker.name} is its embeddings, which stay as they are: there would "
            "be two in place of one. Take a recipe with `lm_head: keep`"
        )
    backbone.lm_head = _quantised(head, kind)
    # What transformers leaves as it is when it loads the bundle.
    settings = backbone.config.quantization_config
    settings.llm_int8_skip_modules = [
        name for name in settings.llm_int8_skip_modules if name != "lm_head"
    ]


def _quantised(head: torch.nn.Linear, kind: BackboneKind) -> torch.nn.Module:
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
