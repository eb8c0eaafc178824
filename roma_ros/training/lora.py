"""Low-rank adapters (LoRA) on the language layers: training, peft's file format, merging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import (
    LoraConfig,
    PeftConfig,
    PeftModel,
    get_peft_model,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import Qwen2_5OmniThinkerForConditionalGeneration

from roma_ros.thinker import CheckpointError
from roma_ros.thinker.qwen_omni import layers_pattern, released_name
from roma_ros.training.settings import LoraSettings

__all__ = ["ADAPTER_WEIGHTS_NAME", "Adapters", "merge_adapters"]

ADAPTER_WEIGHTS_NAME = "adapter_model.safetensors"
PEFT_PREFIX = "base_model.model."  # prefix of every weight's name in peft's files
# Prefixes of `target_modules` in adapters that were saved for one version of transformers only.
LAYERS_ELSEWHERE = (r"model\.language_model\.layers\.\d+", r"model\.layers\.\d+")


@dataclass(frozen=True, slots=True)
class Adapters:
    """Adapters in the language layers of a backbone, which stays the same object.

    Attributes:
        peft: peft's wrapper of the backbone. An `nn.Module` that owns the backbone must not own
            the wrapper too, or each weight has two names.
    """

    peft: PeftModel

    @classmethod
    def on(
        cls, backbone: Qwen2_5OmniThinkerForConditionalGeneration, settings: LoraSettings
    ) -> Adapters:
        """Insert new adapters into a backbone and freeze its other weights.

        New adapters do not change the output. They are float32 even if the backbone is bfloat16,
        so that small steps are not lost to rounding.
        """
        config = LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            # Full paths, as the encoders' layers have projections of the same names.
            target_modules=rf"{layers_pattern()}\.\w+\.({'|'.join(settings.targets)})",
        )
        return cls(get_peft_model(backbone, config))

    def save(self, folder: Path, weights: Mapping[str, torch.Tensor] | None = None) -> None:
        """Write `adapter_model.safetensors` and `adapter_config.json`, as peft reads them.

        Weights have the names of Qwen's release in any version of transformers.

        Args:
            folder: output folder; created if it is missing.
            weights: all weights of the backbone by name, if this process holds only a shard.
        """
        named = weights and {f"{PEFT_PREFIX}{name}": value for name, value in weights.items()}
        state = get_peft_model_state_dict(self.peft, named, save_embedding_layers=False)
        folder.mkdir(parents=True, exist_ok=True)
        save_file(
            {_released(name): value.contiguous() for name, value in state.items()},
            folder / ADAPTER_WEIGHTS_NAME,
            {"format": "pt"},
        )
        self.peft.peft_config["default"].save_pretrained(str(folder))

    def load(self, folder: Path) -> None:
        """Load weights that `save` or peft wrote, with any version of transformers.

        Raises:
            CheckpointError: the file is missing, or has another rank or other layers.
        """
        file = folder / ADAPTER_WEIGHTS_NAME
        try:
            stored = {_released(name): value for name, value in load_file(file).items()}
            names = get_peft_model_state_dict(self.peft, save_embedding_layers=False)
            here = {_released(name): name for name in names}
            stored = {here.get(name, name): value for name, value in stored.items()}
            report: Any = set_peft_model_state_dict(self.peft, stored)
        except (OSError, SafetensorError, RuntimeError) as error:
            raise CheckpointError(f"{file} does not fit these adapters: {error}") from error
        absent = [name for name in report.missing_keys if ".lora_" in name]
        if absent or report.unexpected_keys:
            raise CheckpointError(
                f"{file} does not fit these adapters: {len(absent)} weights are missing and "
                f"{len(report.unexpected_keys)} unknown; were `targets` the same?"
            )


def merge_adapters(
    backbone: Qwen2_5OmniThinkerForConditionalGeneration, folder: Path
) -> Qwen2_5OmniThinkerForConditionalGeneration:
    """Merge saved adapters into the backbone they were trained on.

    Args:
        backbone: backbone that the adapters were trained on; changed in place.
        folder: folder written by `Adapters.save`.

    Returns:
        The backbone without adapters, with the output of the adapted one up to rounding.

    Raises:
        CheckpointError: the adapters are missing, or were trained on another backbone.
    """
    try:
        config = PeftConfig.from_pretrained(str(folder), local_files_only=True)
        if not isinstance(config, LoraConfig):
            raise ValueError(f"they are of the kind {config.peft_type}; expected LORA")
        if isinstance(config.target_modules, str):
            for elsewhere in LAYERS_ELSEWHERE:
                if config.target_modules.startswith(elsewhere):
                    rest = config.target_modules.removeprefix(elsewhere)
                    config.target_modules = layers_pattern() + rest
        adapters = Adapters(get_peft_model(backbone, config))
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise CheckpointError(f"{folder} has no adapters for this backbone: {error}") from error
    adapters.load(folder)
    merged: Qwen2_5OmniThinkerForConditionalGeneration = adapters.peft.merge_and_unload()
    return merged.requires_grad_(False)


def _released(name: str) -> str:
    """Return a name of peft's files with the weight's name as in Qwen's release."""
    return PEFT_PREFIX + released_name(name.removeprefix(PEFT_PREFIX))
