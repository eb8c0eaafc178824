"""Access to the parts of a Qwen2.5-Omni thinker in every supported version of transformers.

Up to 5.20 the towers are attributes of `Qwen2_5OmniThinkerForConditionalGeneration`, and its
`model` is the text model. From 5.21 on `model` holds all three, the text model as `language_model`.
The text model takes its key-value cache as `past_key_values`, and from 5.24 on as `cache`.

Files do not differ: every version stores weights under the names of Qwen's release (`visual.*`,
`audio_tower.*`, `model.layers.*`), called released names here. `release_names` makes sure of it.
No other module accesses parts of the thinker by attribute names.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import torch
from transformers import Qwen2_5OmniThinkerForConditionalGeneration as Backbone
from transformers import conversion_mapping
from transformers.models.qwen2_5_omni import Qwen2_5OmniThinkerTextModel
from transformers.vision_utils import (
    get_vision_attention_seqlens,
    get_vision_position_ids,
    get_vision_window_index,
)

__all__ = [
    "AUDIO_TOWER",
    "VISION_TOWER",
    "LinearPatchEmbedding",
    "audio_constants",
    "audio_tower",
    "forward_text",
    "layers_name",
    "layers_pattern",
    "loading_names",
    "multimodal_model",
    "named_parts",
    "release_names",
    "released_name",
    "remove_tower",
    "rotary_frequencies",
    "set_attention",
    "text_model",
    "use_linear_patch_embedding",
    "vision_constants",
    "vision_tower",
    "with_released_names",
]

VISION_TOWER, AUDIO_TOWER = "visual", "audio_tower"
TEXT = "language_model"  # beside the towers, from 5.21 on
NESTED = "model."  # prefix of all three there
LAYERS = "layers"  # of the text model

_FORWARD = inspect.signature(Qwen2_5OmniThinkerTextModel.forward).parameters
_CACHE = "cache" if "cache" in _FORWARD else "past_key_values"


def multimodal_model(backbone: Backbone) -> Any:
    """Return the module that holds both towers and computes positions (`get_rope_index`)."""
    return backbone.model if hasattr(backbone.model, TEXT) else backbone


def text_model(backbone: Backbone) -> Qwen2_5OmniThinkerTextModel:
    """Return the decoder layers with embeddings and last norm, without the LM head."""
    return getattr(backbone.model, TEXT, backbone.model)


def vision_tower(backbone: Backbone) -> Any:
    """Return the vision encoder; `None` if an ONNX file replaces it."""
    return getattr(multimodal_model(backbone), VISION_TOWER)


def audio_tower(backbone: Backbone) -> Any:
    """Return the audio encoder; `None` if an ONNX file replaces it."""
    return getattr(multimodal_model(backbone), AUDIO_TOWER)


def remove_tower(backbone: Backbone, name: str) -> None:
    """Replace `VISION_TOWER` or `AUDIO_TOWER` by `None`, which frees its weights."""
    setattr(multimodal_model(backbone), name, None)


@torch.inference_mode(False)  # training may use them as well
def vision_constants(tower: Any, rows: int, columns: int) -> dict[str, torch.Tensor]:
    """Return the arguments of the vision encoder that depend on the shape of frames alone.

    Without them it computes them at each call, which on CUDA waits for the device a hundred times.

    Args:
        tower: vision encoder.
        rows, columns: patches along the height and width of a frame.
    """
    config = tower.config
    grid = torch.tensor([[1, rows, columns]])
    window_index, window_ends = get_vision_window_index(
        grid,
        spatial_merge_size=config.spatial_merge_size,
        window_size=config.window_size,
        patch_size=config.patch_size,
    )
    return {
        "position_ids": get_vision_position_ids(grid, config.spatial_merge_size).to(tower.device),
        "window_index": window_index.to(tower.device),
        # Lengths are read by Python, so they stay on the CPU.
        "cu_seqlens": get_vision_attention_seqlens(grid, config)[0],
        "cu_window_seqlens": window_ends,
    }


@torch.inference_mode(False)
def audio_constants(tower: Any, mel_frames: int) -> dict[str, torch.Tensor]:
    """Return the arguments of the audio encoder for one chunk without padding.

    The chunk itself is passed as `padded_feature`, (1, mel bins, `mel_frames`).

    Args:
        tower: audio encoder.
        mel_frames: number of log-mel frames of the chunk.
    """
    lengths = torch.tensor([mel_frames])
    frames, tokens = (int(n) for n in tower._get_feat_extract_output_lengths(lengths))
    return {
        "chunk_lengths": lengths.to(tower.device),
        "valid_indices": torch.arange(frames, device=tower.device),
        "pool_indices": 2 * torch.arange(tokens, device=tower.device),
        "cu_seqlens": torch.tensor([0, frames], dtype=torch.int32),
    }


class LinearPatchEmbedding(torch.nn.Module):
    """Patch embedding of the vision encoder as a matrix product.

    transformers' is a convolution whose kernel is as large as its input, which is the same product
    and several times slower. The weight keeps its shape and its name, `proj.weight`.

    Args:
        embedding: transformers' patch embedding, whose convolution is used.
    """

    def __init__(self, embedding: Any) -> None:
        super().__init__()
        self.in_channels = embedding.in_channels
        self.patch_size = embedding.patch_size
        self.temporal_patch_size = embedding.temporal_patch_size
        self.embed_dim = embedding.embed_dim
        self.proj = embedding.proj

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Embed (patches, patch values), and return (patches, `embed_dim`)."""
        weight = self.proj.weight
        return torch.nn.functional.linear(hidden_states.to(weight.dtype), weight.flatten(1))


def use_linear_patch_embedding(backbone: Backbone) -> None:
    """Replace the patch embedding of the vision encoder by a `LinearPatchEmbedding`."""
    tower = vision_tower(backbone)
    if tower is not None and not isinstance(tower.patch_embed, LinearPatchEmbedding):
        tower.patch_embed = LinearPatchEmbedding(tower.patch_embed)


def rotary_frequencies(backbone: Backbone) -> torch.Tensor:
    """Return the (head_dim / 2) float32 rotary frequencies of keys and queries."""
    frequencies: torch.Tensor = text_model(backbone).rotary_emb.inv_freq
    return frequencies


def set_attention(backbone: Backbone, name: str) -> None:
    """Set the attention implementation of the text model; the towers keep theirs."""
    text_model(backbone).set_attn_implementation(name)


def forward_text(
    model: Qwen2_5OmniThinkerTextModel, *, cache: object = None, **arguments: object
) -> Any:
    """Run the text model, with `cache` under the name that this version of transformers takes."""
    return model(**arguments, **{_CACHE: cache})


def released_name(name: str) -> str:
    """Return the released name of a weight or module; a name that is one already is unchanged.

    `model.language_model.layers.0.mlp` -> `model.layers.0.mlp`; `model.visual.blocks` ->
    `visual.blocks`.
    """
    head, _, rest = name.removeprefix(NESTED).partition(".")
    if not name.startswith(NESTED) or head not in (TEXT, VISION_TOWER, AUDIO_TOWER):
        return name
    parts = ["model"] if head == TEXT else [head]
    return ".".join([*parts, rest] if rest else parts)


def named_parts(names: Iterable[str]) -> list[str]:
    """Return names of parts with those of every version, as quantisers match them.

    `visual` -> `visual`, `model.visual`. Each name comes once.
    """
    found: dict[str, None] = {}
    for name in names:
        found[name] = None
        if name in (VISION_TOWER, AUDIO_TOWER):
            found[NESTED + name] = None
    return list(found)


def layers_name() -> str:
    """Return the name of the text model's list of layers in this version of transformers."""
    return f"{NESTED}{TEXT}.{LAYERS}" if _is_nested() else f"{NESTED}{LAYERS}"


def layers_pattern() -> str:
    """Return a regular expression for the names of the text model's layers in every version."""
    return rf"model\.(?:{TEXT}\.)?{LAYERS}\.\d+"


def loading_names() -> dict[str, str] | None:
    """Return the `key_mapping` of `from_pretrained` for files with released or newer names.

    `None` from 5.21 on, where transformers reads both by itself.
    """
    if _is_nested():
        return None
    return {
        rf"^(?:thinker\.)?model\.{TEXT}\.": "model.",
        rf"^(?:thinker\.)?model\.({VISION_TOWER}|{AUDIO_TOWER})\.": r"\1.",
    }


def release_names(backbone: Backbone) -> Backbone:
    """Make `save_pretrained` write released names, whatever names were loaded; return the backbone.

    transformers would write the names that it read, which have the prefix `thinker.` in a full
    Omni checkpoint. It keeps them in an attribute; without it, it uses the model's own mapping.
    """
    backbone.__dict__.pop("_weight_conversions", None)
    return backbone


def with_released_names(kind: type[Backbone]) -> type[Backbone]:
    """Class decorator that makes a subclass read and write released names, as its base does."""
    mapping = conversion_mapping.get_checkpoint_conversion_mapping(Backbone.__name__)
    if mapping is not None:
        conversion_mapping.register_checkpoint_conversion_mapping(
            kind.__name__, mapping, overwrite=True
        )
    return kind


def _is_nested() -> bool:
    return hasattr(inspect.getmodule(Backbone), "Qwen2_5OmniThinkerModel")
