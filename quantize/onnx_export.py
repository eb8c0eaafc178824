"""Export of encoders and speak head to ONNX, with the fixed shapes of one unit."""

from __future__ import annotations

import warnings
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import torch
from torch import nn

from roma_ros.quantize.onnx_file import save_onnx
from roma_ros.thinker import CheckpointError, RomaThinker, UnitShapeError
from roma_ros.thinker.features import MEL_FRAMES_PER_UNIT
from roma_ros.thinker.qwen_omni import (
    audio_constants,
    audio_tower,
    vision_constants,
    vision_tower,
)

__all__ = ["export_audio", "export_speak_head", "export_vision"]

OPSET = 17
"""Supported by TensorRT since 8.6, the oldest version in JetPack 6."""


def export_vision(thinker: RomaThinker, path: Path, *, rows: int, columns: int) -> None:
    """Write the vision encoder for the patch grid (1, rows, columns) of one unit.

    The model takes `pixels` (rows * columns, patch values) and returns `features`
    (rows * columns / merge², H), both float32; its metadata has `rows` and `columns`.

    Args:
        thinker: model with the encoder; it is not changed.
        path: .onnx file to write; weights above 1.9 GB go to `<name>.onnx.data` beside it.
        rows, columns: patches of 14 pixels along the frame's sides.

    Raises:
        UnitShapeError: a side is no multiple of the merged blocks.
    """
    visual = _float_copy(vision_tower(thinker.backbone))
    merge = int(visual.spatial_merge_size)
    if rows < merge or columns < merge or rows % merge or columns % merge:
        raise UnitShapeError(
            f"the grid has {rows} x {columns} patches; expected multiples of {merge}: a frame's "
            f"height and width in pixels over {visual.patch_size}"
        )
    wrapper = _FixedVision(visual, rows, columns)
    pixels = torch.zeros(rows * columns, _patch_values(visual))
    labels = {"roma_ros.part": "vision", "roma_ros.rows": str(rows)}
    labels["roma_ros.columns"] = str(columns)
    _export(wrapper, pixels, path, names=("pixels", "features"), labels=labels)


def export_audio(thinker: RomaThinker, path: Path) -> None:
    """Write the audio encoder for one unit: `mel` (mel bins, 100) -> `features` (25, H), float32.

    Args:
        thinker: model with the encoder; it is not changed.
        path: .onnx file to write; weights above 1.9 GB go to `<name>.onnx.data` beside it.

    Raises:
        CheckpointError: the encoder's attention window is shorter than a second of audio.
    """
    tower = _float_copy(audio_tower(thinker.backbone))
    if 2 * tower.n_window < MEL_FRAMES_PER_UNIT:
        raise CheckpointError(
            f"the audio encoder's window is {2 * tower.n_window} mel frames; expected at least the "
            f"{MEL_FRAMES_PER_UNIT} of one unit"
        )
    mel = torch.zeros(tower.num_mel_bins, MEL_FRAMES_PER_UNIT)
    labels = {"roma_ros.part": "audio"}
    _export(_FixedAudio(tower), mel, path, names=("mel", "features"), labels=labels)


def export_speak_head(thinker: RomaThinker, path: Path) -> None:
    """Write the speak head: `states` (layers, n, H) -> `logits` (n,), float32, for any n.

    Args:
        thinker: model with the speak head; it is not changed.
        path: .onnx file to write.

    Raises:
        CheckpointError: the checkpoint has no speak head.
    """
    if thinker.speak_head is None:
        raise CheckpointError(
            f"{thinker.name or 'this checkpoint'} has no speak head to export; use a recipe with "
            "`speak_head: keep`"
        )
    head = _float_copy(thinker.speak_head)
    width = thinker.backbone.config.text_config.hidden_size
    states = torch.zeros(len(thinker.config.speak_layer_ids), 2, width)
    labels = {"roma_ros.part": "speak_head"}
    _export(head, states, path, names=("states", "logits"), labels=labels, free_axis=1)


class _FixedVision(nn.Module):
    """transformers' vision encoder with everything that depends on the grid precomputed."""

    def __init__(self, visual: Any, rows: int, columns: int) -> None:
        super().__init__()
        self.visual = visual
        self.grid = torch.tensor([[1, rows, columns]])
        self.precomputed = vision_constants(visual, rows, columns)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.visual(
            pixels, grid_thw=self.grid, **self.precomputed
        ).pooler_output
        return features


class _FixedAudio(nn.Module):
    """transformers' audio encoder for one unit: no padding, one attention window."""

    def __init__(self, tower: Any) -> None:
        super().__init__()
        self.tower = tower
        self.lengths = torch.tensor([MEL_FRAMES_PER_UNIT])
        self.precomputed = audio_constants(tower, MEL_FRAMES_PER_UNIT)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.tower(
            mel, feature_lens=self.lengths, padded_feature=mel[None], **self.precomputed
        ).last_hidden_state
        return features


def _float_copy(module: Any) -> Any:
    """Return a module in float32 on the CPU: itself, or a copy if it is not."""
    if all(p.dtype == torch.float32 and p.device.type == "cpu" for p in module.parameters()):
        return module
    return deepcopy(module).to("cpu", torch.float32)


def _patch_values(visual: Any) -> int:
    embed = visual.patch_embed
    return int(embed.in_channels * embed.temporal_patch_size * embed.patch_size**2)


@torch.inference_mode()
def _export(
    module: nn.Module,
    example: torch.Tensor,
    path: Path,
    *,
    names: tuple[str, str],
    labels: dict[str, str],
    free_axis: int | None = None,
) -> None:
    """Trace and write a module; torch splits large models into hundreds of files, so in a draft."""
    input_name, output_name = names
    # With one fixed shape tracing loses nothing. It takes a tenth of the time of the exporter that
    # uses torch.export, and writes the encoders' attention windows as well.
    with TemporaryDirectory(dir=path.parent) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TracerWarning: lengths become constants, as intended
        draft = Path(scratch) / path.name
        torch.onnx.export(
            module.eval(),
            (example,),
            draft,
            input_names=[input_name],
            output_names=[output_name],
            dynamic_axes=None
            if free_axis is None
            else {input_name: {free_axis: "n"}, output_name: {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
        save_onnx(onnx.load(draft), path, labels)
