"""GPTQ (Frantar et al. 2022) by optimum and gptqmodel: 4 bits per weight, calibrated on units.

optimum calibrates on sentences, each of which it passes to the model as a row of token ids. Here
the single id of a row is the index of a stream, whose embedded units the model gets instead.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice

import torch
from torch import nn
from transformers import PreTrainedModel

from roma_ros.quantize.errors import RecipeError
from roma_ros.thinker import RomaThinker
from roma_ros.thinker.attention import SLOT_ATTENTION
from roma_ros.thinker.quantization import GPTQ_LAYERS, GPTQ_REMEDY, gptq_missing
from roma_ros.thinker.qwen_omni import set_attention, text_model
from roma_ros.units import MultimodalUnit
from roma_ros.world import NARRATION_INSTRUCTION

__all__ = ["check_gptq", "fit_gptq"]

BITS = 4
GROUPS = (128, 64, 32)  # inputs that share a scale, the first that divides every layer's
UNITS_PER_STREAM = 8
INSTRUCTIONS = ("alert me when a red circle appears", NARRATION_INSTRUCTION)


def check_gptq() -> None:
    """Check that the libraries for GPTQ are installed.

    Raises:
        RecipeError: one is missing; the message says how to install it.
    """
    if missing := gptq_missing():
        raise RecipeError(
            f"the recipe gptq4 needs {' and '.join(missing)}, not installed here: {GPTQ_REMEDY}. "
            "Or use the recipe nf4, which has 4 bits per weight too"
        )


def fit_gptq(thinker: RomaThinker, units: Iterable[MultimodalUnit]) -> None:
    """Replace the linear layers of the thinker's backbone by GPTQ layers.

    Args:
        thinker: model with its encoders; if there is a GPU, optimum moves block after block to it.
        units: calibration units, in their order.

    Raises:
        RecipeError: the libraries are missing, no group size fits, or there are no units.
    """
    check_gptq()
    from optimum.gptq import GPTQQuantizer

    logging.getLogger("optimum.gptq.quantizer").setLevel(logging.WARNING)  # a line a layer
    streams = _Streams(text_model(thinker.backbone), list(_embedded(thinker, units)))
    if not streams.inputs:
        raise RecipeError("there are no units to calibrate GPTQ; give clips that can be decoded")
    quantizer = GPTQQuantizer(
        bits=BITS,
        group_size=_group_size(streams.language),
        dataset=[{"input_ids": [[n]], "attention_mask": [[1]]} for n in range(len(streams.inputs))],
        block_name_to_quantize="language.layers",
        module_name_preceding_first_block=[],
        model_seqlen=1,
        backend="torch",  # other backends store layers in the layout of their kernels
    )
    set_attention(thinker.backbone, "sdpa")  # a stream at once, and no cache
    quantizer.quantize_model(streams)
    set_attention(thinker.backbone, SLOT_ATTENTION)
    thinker.backbone.config.quantization_config = {
        **quantizer.to_dict(),
        "dataset": None,
        "block_name_to_quantize": GPTQ_LAYERS,
    }


class _Streams(nn.Module):
    """Language model that takes the index of a stream in place of token ids."""

    def __init__(
        self, language: PreTrainedModel, inputs: Sequence[tuple[torch.Tensor, torch.Tensor]]
    ) -> None:
        super().__init__()
        self.language, self.inputs = language, inputs

    def forward(self, input_ids: torch.Tensor, **_: object) -> object:
        embeds, positions = self.inputs[int(input_ids)]
        return self.language(inputs_embeds=embeds, position_ids=positions, use_cache=False)


def _embedded(
    thinker: RomaThinker, units: Iterable[MultimodalUnit]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield embeddings (1, L, H) and positions (3, 1, L) of streams, each with an instruction."""
    units = iter(units)
    for instruction in cycle(INSTRUCTIONS):
        if not (shown := list(islice(units, UNITS_PER_STREAM))):
            return
        opening = thinker.dialogue.opening(instruction)
        embeds = [thinker.embed(opening)]
        positions = [torch.arange(len(opening)).expand(3, -1)]
        start = len(opening)
        for unit in map(thinker.encode, shown):
            embeds.append(unit.embeds)
            positions.append(unit.offsets + start)
            start += unit.advance
        yield torch.cat(embeds)[None], torch.cat(positions, dim=1)[:, None]


def _group_size(language: nn.Module) -> int:
    widths = {layer.in_features for layer in language.modules() if isinstance(layer, nn.Linear)}
    for size in GROUPS:
        if not any(width % size for width in widths):
            return size
    raise RecipeError(
        f"no group of {GROUPS} inputs divides the widths {sorted(widths)} of the backbone's layers"
    )
