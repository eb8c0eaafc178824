"""Check of the stored weights' names, shapes and dtypes against the config's model."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
)

from roma_ros.thinker.checkpoint_check.files import parse_json, shown
from roma_ros.thinker.checkpoint_check.limits import Number
from roma_ros.thinker.checkpoint_check.weight_files import StoredTensor, read_header, weight_files
from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.qwen_omni import AUDIO_TOWER, VISION_TOWER, named_parts, released_name

__all__ = ["check_weights"]

FLOATS = ("BF16", "F16", "F32", "F64")
PREFIX = "thinker."  # of a whole Omni checkpoint
PARTS = ("model.", "lm_head.", f"{VISION_TOWER}.", f"{AUDIO_TOWER}.")
"""What names of the thinker's own weights begin with."""
DERIVED = (".inv_freq", ".positional_embedding")
"""Buffers that old versions stored; they are computed from the config."""
TIED = "lm_head.weight"
NF4_BLOCK, NESTED_BLOCK = (64, 128, 256, 512, 1024, 2048, 4096), 256
STATE = "weight.quant_state.bitsandbytes__"
MAX_STATE, OFFSET = 10_000, Number(-1e30, 1e30)  # bytes; what was taken from the scales
COPY = "Is a shard, or config.json, another checkpoint's? Copy it again"

Wanted = dict[str, tuple[str, tuple[int, ...]]]
"""By name: the dtypes, one or several with a slash between, and the shape."""


def check_weights(
    folder: Path, config: Qwen2_5OmniThinkerConfig, without: Collection[str] = ()
) -> dict[str, StoredTensor]:
    """Compare the headers of the weights with the model that the config describes.

    Args:
        without: `VISION_TOWER` or `AUDIO_TOWER`, where something else runs in its place: its
            weights need not be there.

    Returns:
        The thinker's own tensors, by released name.

    Raises:
        CheckpointError: a weight is missing, left over, stored twice, or has another shape or
            dtype; the message gives both values.
    """
    stored = _thinker_tensors(folder)
    model = _meta_model(config)
    wanted = _wanted(model)
    settings = getattr(config, "quantization_config", None)
    _use_stored_layers(folder, model, wanted, stored, settings)
    if config.tie_word_embeddings:
        wanted.setdefault(TIED, wanted["model.embed_tokens.weight"])
    optional = {TIED} if config.tie_word_embeddings else set()
    left_out = tuple(f"{part}." for part in without)
    missing = [
        name
        for name in wanted
        if name not in stored and name not in optional and not name.startswith(left_out)
    ]
    if missing:
        raise CheckpointError(
            f"{folder} lacks {len(missing)} weights, such as {missing[:3]}, which its config.json "
            f"asks for. {COPY}"
        )
    for name, tensor in stored.items():
        _check_tensor(folder, name, tensor, wanted)
    halves = {tensor.dtype: tensor.file for tensor in stored.values()}
    if "F16" in halves and "BF16" in halves:
        raise CheckpointError(
            f"{halves['F16']} has weights both as F16 and as BF16 (in {halves['BF16'].name}); "
            f"expected one of them. {COPY}"
        )
    return stored


def _check_tensor(folder: Path, name: str, tensor: StoredTensor, wanted: Wanted) -> None:
    if name not in wanted:
        raise CheckpointError(
            f"{tensor.file} has {shown(name)}, for which the model of {folder / 'config.json'} "
            f"has no place. {COPY}"
        )
    dtypes, shape = wanted[name]
    if tensor.shape != shape:
        raise CheckpointError(
            f"{tensor.file}: {name} has shape {tensor.shape}; expected {shape} by config.json. "
            f"{COPY}"
        )
    if tensor.dtype not in dtypes.split("/"):
        raise CheckpointError(f"{tensor.file}: {name} is {tensor.dtype}; expected {dtypes}. {COPY}")


def _thinker_tensors(folder: Path) -> dict[str, StoredTensor]:
    found: dict[str, StoredTensor] = {}
    for file in weight_files(folder):
        for full, tensor in read_header(file).items():
            name = released_name(full.removeprefix(PREFIX))
            if not name.startswith(PARTS) or name.endswith(DERIVED):
                continue  # the talker's, ROMA's speak head, or heads of other training code
            if name in found:
                raise CheckpointError(
                    f"{file} has {shown(full)}, which {found[name].file.name} holds too; expected "
                    f"each weight once. {COPY}"
                )
            found[name] = tensor
    return found


def _meta_model(config: Qwen2_5OmniThinkerConfig) -> nn.Module:
    """Return the model on the device meta, without memory for its weights."""
    with torch.device("meta"):
        model: nn.Module = Qwen2_5OmniThinkerForConditionalGeneration(config)
    return model


def _wanted(model: nn.Module) -> Wanted:
    return {
        released_name(name): ("/".join(FLOATS), tuple(value.shape))
        for name, value in model.state_dict().items()
    }


def _use_stored_layers(
    folder: Path,
    model: nn.Module,
    wanted: Wanted,
    stored: Mapping[str, StoredTensor],
    settings: Any,
) -> None:
    """Replace the quantised linear layers in `wanted` by the tensors that a quantiser stores."""
    if settings is None:
        return
    make: Callable[[str, nn.Linear, Mapping[str, StoredTensor]], Wanted]
    if settings["quant_method"] == "gptq":
        make, mark = _gptq_layer, ".qweight"
    elif settings.get("load_in_4bit"):
        make, mark = _nf4_layer, ".weight.absmax"
    else:
        make, mark = _int8_layer, ".SCB"
    kept = _kept(settings)
    taken = 0
    for full, module in model.named_modules():
        name = released_name(full)
        if not isinstance(module, nn.Linear):
            continue
        is_stored_so = name + mark in stored
        if kept is not None and is_stored_so is full.startswith(kept):
            raise CheckpointError(
                f"{folder / 'config.json'}: quantization_config "
                f"{'leaves out' if is_stored_so else 'takes in'} {name}, whose weight is stored "
                f"{'quantised' if is_stored_so else 'whole'}. {COPY}"
            )
        if is_stored_so:
            del wanted[f"{name}.weight"]
            wanted.update(make(name, module, stored))
            taken += 1
    if not taken:
        raise CheckpointError(
            f"{folder / 'config.json'} has a quantization_config, and no weight is stored so "
            f"(none ends in {mark}). {COPY}"
        )


def _kept(settings: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return prefixes of layers that bitsandbytes does not quantise; `None`: not known."""
    skipped = settings.get("llm_int8_skip_modules")
    return None if skipped is None else tuple(named_parts(map(released_name, skipped)))


def _int8_layer(name: str, layer: nn.Linear, stored: Mapping[str, StoredTensor]) -> Wanted:
    found: Wanted = {
        f"{name}.weight": ("I8", (layer.out_features, layer.in_features)),
        f"{name}.SCB": ("F32", (layer.out_features,)),
    }
    if (form := f"{name}.weight_format") in stored:
        found[form] = ("U8", ())
    return found


def _nf4_layer(name: str, layer: nn.Linear, stored: Mapping[str, StoredTensor]) -> Wanted:
    """Return half a byte a weight, a scale a block, and the scales themselves in blocks."""
    count = layer.out_features * layer.in_features
    kind, state = next(
        (
            (kind, stored[f"{name}.{STATE}{kind}"])
            for kind in ("nf4", "fp4")
            if f"{name}.{STATE}{kind}" in stored
        ),
        ("nf4", None),
    )
    found: Wanted = {
        f"{name}.weight": ("U8", (math.ceil(count / 2), 1)),
        f"{name}.weight.quant_map": ("F32", (16,)),
        f"{name}.{STATE}{kind}": ("U8", (state.bytes if state else 0,)),
    }
    values = _quant_state(name, layer, state)
    blocks = math.ceil(count / values["blocksize"])
    if "nested_blocksize" in values:
        found[f"{name}.weight.absmax"] = ("U8", (blocks,))
        scales = math.ceil(blocks / values["nested_blocksize"])
        found[f"{name}.weight.nested_absmax"] = ("F32", (scales,))
        found[f"{name}.weight.nested_quant_map"] = ("F32", (256,))
    else:
        found[f"{name}.weight.absmax"] = ("F32", (blocks,))
    return found


def _quant_state(name: str, layer: nn.Linear, state: StoredTensor | None) -> dict[str, Any]:
    """Return the JSON that bitsandbytes stores as bytes beside a 4-bit weight."""
    if state is None:
        return {"blocksize": NF4_BLOCK[0]}  # it is missing, which the comparison reports
    values: Any = None
    if state.bytes <= MAX_STATE:
        with state.file.open("rb") as file:
            file.seek(state.begin)
            try:
                values = parse_json(file.read(state.bytes))
            except ValueError:
                values = None
    shape = [layer.out_features, layer.in_features]
    if not isinstance(values, dict) or not (
        values.get("shape") == shape
        and values.get("blocksize") in NF4_BLOCK
        and type(values["blocksize"]) is int
        and values.get("quant_type") in ("nf4", "fp4")
        and values.get("dtype") in ("float32", "float16", "bfloat16")
        and values.get("nested_blocksize", NESTED_BLOCK) == NESTED_BLOCK
        and values.get("nested_dtype", "float32") == "float32"
        and OFFSET.allows(values.get("nested_offset", 0))
    ):
        raise CheckpointError(
            f"{state.file}: {name}.{STATE}... is {shown(values)}; expected the state of a 4-bit "
            f"weight of shape {shape}. {COPY}"
        )
    return values


def _gptq_layer(name: str, layer: nn.Linear, stored: Mapping[str, StoredTensor]) -> Wanted:
    """Return names and dtypes only: gptqmodel checks the settings that the packing depends on."""
    parts = {"qweight": "I32", "qzeros": "I32", "g_idx": "I32", "scales": "F16/BF16/F32"}
    found: Wanted = {
        (full := f"{name}.{part}"): (dtypes, stored[full].shape)
        for part, dtypes in parts.items()
        if f"{name}.{part}" in stored
    }
    if f"{name}.bias" in stored:  # gptqmodel may give one to a layer that had none
        found[f"{name}.bias"] = ("/".join(FLOATS), (layer.out_features,))
    return found
