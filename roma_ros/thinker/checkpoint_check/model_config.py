"""Check of `config.json`: type and bounds of every value that the thinker is built from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import Qwen2_5OmniThinkerConfig

from roma_ros.thinker.checkpoint_check.files import read_json, shown
from roma_ros.thinker.checkpoint_check.limits import (
    Choice,
    Count,
    Flag,
    Limit,
    ListOf,
    MaybeNull,
    Name,
    Number,
    check_value,
    checked,
)
from roma_ros.thinker.errors import CheckpointError

__all__ = ["MODEL_TYPES", "WHOLE", "read_thinker_config", "read_thinker_values"]

MODEL_TYPES = ("qwen2_5_omni", "qwen2_5_omni_thinker")
WHOLE = MODEL_TYPES[0]  # with a talker beside the thinker
LAYERS, WIDTH, TOKENS = Count(1, 256), Count(8, 32_768), Count(1, 1_000_000)
TOKEN = MaybeNull(Count(0, 1_000_000))
SPREAD, SHARE = Number(0, 10), Number(0, 1)
MAX_SINUSOIDS = 64_000_000  # positions times width: a buffer that no file of weights bounds

TOKEN_NAMES = (
    *("audio_token_index", "image_token_index", "video_token_index"),
    *("audio_start_token_id", "audio_end_token_id", "user_token_id"),
    *("vision_start_token_id", "vision_end_token_id"),
)
TOP: dict[str, Limit] = {
    "tie_word_embeddings": Flag(),
    "initializer_range": SPREAD,
    "position_id_per_seconds": Count(1, 1000),
    "seconds_per_chunk": Count(1, 1000),
    **dict.fromkeys(TOKEN_NAMES, TOKEN),
}
ROPE: dict[str, Limit] = {
    "rope_theta": Number(100, 1e9),
    "rope_type": Choice("default"),
    "type": Choice("default", "mrope"),
    "mrope_section": ListOf(Count(1, 1024), 3, 3),
}
VISION_ROPE: dict[str, Limit] = {
    "rope_theta": Number(100, 1e9),
    "rope_type": Choice("default", "axial"),
}
TEXT: dict[str, Limit] = {
    "model_type": Choice("qwen2_5_omni_text"),
    "vocab_size": Count(16, 1_000_000),
    "hidden_size": WIDTH,
    "intermediate_size": Count(8, 262_144),
    "num_hidden_layers": LAYERS,
    "num_attention_heads": Count(1, 1024),
    "num_key_value_heads": MaybeNull(Count(1, 1024)),
    "hidden_act": Choice("silu"),
    "max_position_embeddings": Count(1024, 10_000_000),
    "initializer_range": SPREAD,
    "rms_norm_eps": Number(1e-12, 1e-2),
    "use_cache": Flag(),
    "rope_theta": ROPE["rope_theta"],
    "use_sliding_window": Choice(False),
    "sliding_window": MaybeNull(Count(1, 10_000_000)),
    "max_window_layers": Count(0, 1024),
    "layer_types": MaybeNull(ListOf(Choice("full_attention"), 1, LAYERS.high)),
    "attention_dropout": SHARE,
    "pad_token_id": TOKEN,
    "bos_token_id": TOKEN,
    "tie_word_embeddings": Flag(),
}
VISION: dict[str, Limit] = {
    "model_type": Choice("qwen2_5_omni_vision_encoder"),
    "depth": LAYERS,
    "hidden_size": WIDTH,
    "hidden_act": Choice("silu"),
    "intermediate_size": Count(8, 262_144),
    "num_heads": Count(1, 1024),
    "in_channels": Choice(3),
    "patch_size": Count(2, 64),
    "spatial_merge_size": Count(1, 8),
    "temporal_patch_size": Choice(2),
    "window_size": Count(8, 4096),
    "out_hidden_size": WIDTH,
    "fullatt_block_indexes": ListOf(Count(0, LAYERS.high - 1), 0, LAYERS.high),
    "initializer_range": SPREAD,
}
AUDIO: dict[str, Limit] = {
    "model_type": Choice("qwen2_5_omni_audio_encoder"),
    "num_mel_bins": Count(1, 512),
    "encoder_layers": LAYERS,
    "encoder_attention_heads": Count(1, 1024),
    "encoder_ffn_dim": Count(8, 262_144),
    "d_model": WIDTH,
    "dropout": SHARE,
    "attention_dropout": SHARE,
    "activation_function": Choice("gelu"),
    "activation_dropout": SHARE,
    "scale_embedding": Flag(),
    "initializer_range": SPREAD,
    "max_source_positions": Count(50, 100_000),
    # A second is one chunk of the encoder: 100 mel frames, in chunks of twice this.
    "n_window": Count(50, 10_000),
    "output_dim": WIDTH,
}
REFUSED = {
    "auto_map": "it names code of the folder, which is never run; remove it if the weights are a "
    "plain Qwen2.5-Omni's",
    "use_kernels": "kernels are not fetched; remove it",
    "kernel_config": "kernels are not fetched; remove it",
}
ATTENTION = MaybeNull(
    Choice("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
)
BITSANDBYTES: dict[str, Limit] = {
    "quant_method": Choice("bitsandbytes"),
    "load_in_8bit": Flag(),
    "load_in_4bit": Flag(),
    "llm_int8_threshold": Number(0, 1e6),
    "llm_int8_skip_modules": MaybeNull(ListOf(Name(), 0, 1000)),
    "llm_int8_enable_fp32_cpu_offload": Choice(False),
    "llm_int8_has_fp16_weight": Choice(False),
    "bnb_4bit_compute_dtype": MaybeNull(Choice("float32", "float16", "bfloat16")),
    "bnb_4bit_quant_type": Choice("nf4", "fp4"),
    "bnb_4bit_quant_storage": MaybeNull(Choice("uint8")),
    "bnb_4bit_use_double_quant": Flag(),
}


def read_thinker_values(folder: Path) -> dict[str, Any]:
    """Return the thinker's part of `config.json`, as it stands there.

    Raises:
        CheckpointError: the file cannot be read, or is another model's.
    """
    file = folder / "config.json"
    values = read_json(file)
    kind = values.get("model_type") if isinstance(values, dict) else None
    if kind not in MODEL_TYPES:
        raise CheckpointError(f"{file} has model_type {shown(kind)}; expected one of {MODEL_TYPES}")
    if kind != WHOLE:
        return dict(values)
    thinker = values.get("thinker_config")
    if not isinstance(thinker, dict):
        raise CheckpointError(
            f"{file}: thinker_config is {shown(thinker)}; expected an object with text_config, "
            "vision_config and audio_config. Copy the checkpoint's file again"
        )
    return {
        **{name: values[name] for name in ("quantization_config",) if name in values},
        **thinker,
    }


def read_thinker_config(folder: Path) -> Qwen2_5OmniThinkerConfig:
    """Build the thinker's config from the values of `config.json` that have a limit.

    What else stands there does not reach transformers.

    Raises:
        CheckpointError: a value is missing, of another type, out of bounds, or does not fit
            another.
    """
    file, values = folder / "config.json", read_thinker_values(folder)
    _refuse(file, "", values)
    text, vision = "text_config", "vision_config"
    parts = {text: TEXT, vision: VISION, "audio_config": AUDIO}
    sizes = {
        "text_config": ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"),
        "vision_config": ("hidden_size", "depth", "num_heads"),
        "audio_config": ("d_model", "encoder_layers", "encoder_attention_heads"),
    }
    known: dict[str, Any] = checked(file, "", values, TOP)
    for name, limits in parts.items():
        part = values.get(name)
        known[name] = checked(file, name, part, limits, sizes[name])
        _refuse(file, name, values[name])
    known["text_config"].update(_rope(file, "text_config", values["text_config"], ROPE))
    known["vision_config"].update(
        _rope(file, "vision_config", values["vision_config"], VISION_ROPE)
    )
    if (settings := values.get("quantization_config")) is not None:
        known["quantization_config"] = _quantization(file, settings)
    _check_layer_types(file, known[text])
    try:
        config = Qwen2_5OmniThinkerConfig(**known)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(
            f"{file} cannot be used: {shown(error, 200)}; copy the checkpoint's file again"
        ) from error
    _check_together(file, config)
    return config


def _refuse(file: Path, place: str, values: Mapping[str, Any]) -> None:
    before = f"{place}." if place else ""
    for name, reason in REFUSED.items():
        if values.get(name):
            raise CheckpointError(f"{file}: {before}{name} is {shown(values[name])}; {reason}")
    for name in ("_attn_implementation", "attn_implementation"):
        if name in values:
            check_value(file, before + name, values[name], ATTENTION)


def _rope(
    file: Path, name: str, values: Mapping[str, Any], limits: Mapping[str, Limit]
) -> dict[str, Any]:
    """Check the rotary settings of a part, under their old or new name."""
    found = {}
    for key in ("rope_parameters", "rope_scaling"):
        settings = values.get(key)
        if settings is None:
            continue
        place = f"{name}.{key}"
        found[key] = checked(file, place, settings, limits)
        if unknown := sorted(set(settings) - set(limits)):
            raise CheckpointError(
                f"{file}: {place} has {shown(unknown[0])}; expected {', '.join(limits)} alone"
            )
    return found


def _check_layer_types(file: Path, text: Mapping[str, Any]) -> None:
    types = text.get("layer_types")
    if types is not None and len(types) != text["num_hidden_layers"]:
        raise CheckpointError(
            f"{file}: text_config has {len(types)} layer_types; expected "
            f"{text['num_hidden_layers']} (num_hidden_layers). Copy the checkpoint's file again"
        )


def _quantization(file: Path, settings: Any) -> dict[str, Any]:
    place = "quantization_config"
    method = settings.get("quant_method") if isinstance(settings, dict) else None
    if method not in ("bitsandbytes", "gptq"):
        raise CheckpointError(
            f"{file}: {place}.quant_method is {shown(method)}; expected one of 'bitsandbytes', "
            "'gptq'. Take the checkpoint as it was before, and quantise it with `roma quantize`"
        )
    if method == "gptq":
        return dict(settings)
    found = checked(file, place, settings, BITSANDBYTES)
    if found.get("load_in_8bit", False) is found.get("load_in_4bit", False):
        raise CheckpointError(
            f"{file}: {place} has load_in_8bit and load_in_4bit both "
            f"{str(found.get('load_in_4bit', False)).lower()}; expected one of them to be true"
        )
    return found


def _check_together(file: Path, config: Qwen2_5OmniThinkerConfig) -> None:
    """Check that values agree with one another."""
    text, vision, audio = config.text_config, config.vision_config, config.audio_config
    for part, width, heads, step in (
        ("text_config", text.hidden_size, text.num_attention_heads, 2),
        ("vision_config", vision.hidden_size, vision.num_heads, 4),
        ("audio_config", audio.d_model, audio.encoder_attention_heads, 1),
    ):
        if width % heads or (width // heads) % step:
            raise CheckpointError(
                f"{file}: {part} has width {width} and {heads} attention heads; expected a "
                f"multiple of {step} for each head. Copy the checkpoint's file again"
            )
    groups = text.num_key_value_heads
    sections = sum((text.rope_parameters or {}).get("mrope_section", [0]))
    half = text.hidden_size // text.num_attention_heads // 2
    blocks = vision.fullatt_block_indexes
    pixels = vision.patch_size * vision.spatial_merge_size
    rules = (
        (
            text.num_attention_heads % groups == 0,
            f"text_config has {text.num_attention_heads} attention heads and "
            f"num_key_value_heads {groups}; expected a divisor",
        ),
        (
            sections == half,
            f"text_config's mrope_section adds up to {sections}; expected {half}, "
            "half a head's width",
        ),
        (
            len(set(blocks)) == len(blocks) and all(block < vision.depth for block in blocks),
            f"vision_config's fullatt_block_indexes are {shown(list(blocks))}; expected different "
            f"ones below {vision.depth} (depth)",
        ),
        (
            vision.window_size % pixels == 0,
            f"vision_config's window_size is {vision.window_size}; expected a multiple of {pixels} "
            "(patch_size x spatial_merge_size)",
        ),
        (
            vision.out_hidden_size == text.hidden_size,
            f"vision_config's out_hidden_size is {vision.out_hidden_size}; expected "
            f"{text.hidden_size}, text_config's hidden_size",
        ),
        (
            audio.output_dim == text.hidden_size,
            f"audio_config's output_dim is {audio.output_dim}; expected {text.hidden_size}, "
            "text_config's hidden_size",
        ),
        (
            audio.d_model % 2 == 0 and audio.max_source_positions * audio.d_model <= MAX_SINUSOIDS,
            f"audio_config's max_source_positions is {audio.max_source_positions} at width "
            f"{audio.d_model}; expected an even width, and a product of at most "
            f"{MAX_SINUSOIDS:,}",
        ),
    )
    for holds, message in rules:
        if not holds:
            raise CheckpointError(f"{file}: {message}. Copy the checkpoint's file again")
    for name in TOKEN_NAMES:
        token = getattr(config, name, None)
        if token is not None and token >= text.vocab_size:
            raise CheckpointError(
                f"{file}: {name} is {token}; expected a token below {text.vocab_size} "
                "(text_config.vocab_size)"
            )
