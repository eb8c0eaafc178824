"""Sizes of a Qwen2.5-Omni thinker, from which its memory and speed follow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from roma_ros.planning.errors import PlanningError

__all__ = [
    "MODEL_CONFIGS",
    "MODEL_NAMES",
    "AudioShape",
    "ModelShape",
    "TextShape",
    "VisionShape",
    "read_model_config",
]

# The thinker's part of the two released checkpoints, sizes alone. Sources: transformers' defaults
# of Qwen2_5Omni*Config, which are those of Qwen/Qwen2.5-Omni-7B (its vision width, 1280, is in the
# checkpoint's config.json alone); for 3B the sizes that several public ports give with the name
# Qwen/Qwen2.5-Omni-3B. Checked against transformers' own count of parameters in the tests.
MODEL_CONFIGS = ("qwen2.5-omni-3b", "qwen2.5-omni-7b")
SHORT_NAMES = {"3b": MODEL_CONFIGS[0], "7b": MODEL_CONFIGS[1]}
MODEL_NAMES = (*SHORT_NAMES, *MODEL_CONFIGS, "roma_tiny")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextShape:
    """Sizes of the backbone: decoder layers with grouped-query attention."""

    layers: int
    width: int
    middle: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool

    @property
    def head_dim(self) -> int:
        return self.width // self.heads

    @property
    def kv_width(self) -> int:
        return self.kv_heads * self.head_dim

    @property
    def linear(self) -> int:
        """Weights of all linear layers without the LM head: those that weight formats quantise."""
        attention = 2 * self.width * self.width + 2 * self.width * self.kv_width
        return self.layers * (attention + 3 * self.width * self.middle)

    @property
    def embedding(self) -> int:
        return self.vocabulary * self.width

    @property
    def lm_head(self) -> int:
        """Weights of the LM head; 0 if it shares those of the embeddings."""
        return 0 if self.tied else self.embedding

    @property
    def rest(self) -> int:
        """Norms, and biases of queries, keys and values."""
        return self.layers * (3 * self.width + 2 * self.kv_width) + self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionShape:
    """Sizes of the vision encoder: blocks over patches, most of which attend within windows."""

    layers: int
    full_layers: int
    width: int
    middle: int
    patch_values: int
    merged: int
    window: int
    out: int

    @property
    def block(self) -> int:
        """Weights of one block's linear layers."""
        return 4 * self.width**2 + 3 * self.width * self.middle

    @property
    def merger(self) -> int:
        inner = self.width * self.merged
        return inner * inner + inner * self.out

    @property
    def parameters(self) -> int:
        inner = self.width * self.merged
        small = self.layers * (4 * self.width + 2 * self.middle + 3 * self.width)
        ends = self.patch_values * self.width + self.width + inner + self.out
        return self.layers * self.block + self.merger + small + ends


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioShape:
    """Sizes of the audio encoder: two convolutions, and layers over 50 positions a second."""

    layers: int
    width: int
    middle: int
    mel_bins: int
    out: int

    @property
    def layer(self) -> int:
        """Weights of one layer's linear layers."""
        return 4 * self.width**2 + 2 * self.width * self.middle

    @property
    def parameters(self) -> int:
        convolutions = 3 * self.mel_bins * self.width + 3 * self.width**2 + 2 * self.width
        small = self.layers * (3 * self.width + self.middle + self.width + 4 * self.width)
        ends = 2 * self.width + self.width * self.out + self.out + 2 * self.out
        return self.layers * self.layer + convolutions + small + ends


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """Sizes of all parts of a thinker."""

    name: str
    text: TextShape
    vision: VisionShape
    audio: AudioShape

    @property
    def parameters(self) -> int:
        text = self.text
        backbone = text.linear + text.embedding + text.lm_head + text.rest
        return backbone + self.vision.parameters + self.audio.parameters

    @property
    def speak_head(self) -> int:
        """Weights of a speak head of the default width."""
        return self.text.width * (self.text.width // 4) + self.text.width // 2 + 1

    @classmethod
    def named(cls, name: str) -> ModelShape:
        """Read the sizes of a named model or of a checkpoint folder.

        Args:
            name: `3b`, `7b`, their long names, `roma_tiny`, or the path of a folder.

        Raises:
            PlanningError: the name or folder is unknown, or its config is not a thinker's.
        """
        return cls.of_config(read_model_config(name), name=SHORT_NAMES.get(name, Path(name).name))

    @classmethod
    def of_config(cls, config: Mapping[str, Any], *, name: str) -> ModelShape:
        """Read the sizes from the config of a thinker or of a full Omni checkpoint.

        Raises:
            PlanningError: a size is missing.
        """
        config = config.get("thinker_config", config)
        try:
            text, vision, audio = (config[f"{part}_config"] for part in ("text", "vision", "audio"))
            return cls(
                name=name,
                text=TextShape(
                    layers=text["num_hidden_layers"],
                    width=text["hidden_size"],
                    middle=text["intermediate_size"],
                    heads=text["num_attention_heads"],
                    kv_heads=text["num_key_value_heads"],
                    vocabulary=text["vocab_size"],
                    tied=bool(config.get("tie_word_embeddings", False)),
                ),
                vision=VisionShape(
                    layers=vision["depth"],
                    full_layers=len(vision["fullatt_block_indexes"]),
                    width=vision.get("embed_dim", vision["hidden_size"]),
                    middle=vision["intermediate_size"],
                    patch_values=vision["in_channels"]
                    * vision["temporal_patch_size"]
                    * vision["patch_size"] ** 2,
                    merged=vision["spatial_merge_size"] ** 2,
                    window=(vision["window_size"] // vision["patch_size"]) ** 2,
                    out=vision["out_hidden_size"],
                ),
                audio=AudioShape(
                    layers=audio["encoder_layers"],
                    width=audio["d_model"],
                    middle=audio["encoder_ffn_dim"],
                    mel_bins=audio["num_mel_bins"],
                    out=audio["output_dim"],
                ),
            )
        except (KeyError, TypeError) as error:
            raise PlanningError(
                f"the config of {name} is not a Qwen2.5-Omni thinker's: {error!r} is missing"
            ) from error


def read_model_config(name: str) -> dict[str, Any]:
    """Read the config of a named model, or the config.json of a folder.

    Args:
        name: as for `ModelShape.named`.

    Raises:
        PlanningError: the name or folder is unknown, or the file is not a JSON object.
    """
    package = Path(str(files("roma_ros")))
    name = SHORT_NAMES.get(name, name)
    if name in MODEL_CONFIGS:
        path = package / "planning" / "configs" / f"{name}.json"
    elif name == "roma_tiny":
        path = package / "models" / name / "config.json"
    else:
        path = Path(name).expanduser() / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PlanningError(
            f"there is no model {name!r}; expected one of {', '.join(MODEL_NAMES)}, "
            "or a folder with config.json"
        ) from error
    except (OSError, ValueError) as error:
        raise PlanningError(f"{path} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise PlanningError(f"{path} holds {type(config).__name__}; expected a JSON object")
    return config
