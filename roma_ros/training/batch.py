"""Examples side by side, as the training model takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch

from roma_ros.thinker.dialogue import Dialogue
from roma_ros.thinker.encoding import unit_positions
from roma_ros.thinker.features import FeatureExtractor
from roma_ros.thinker.thinker import AUDIO_TOKENS_PER_UNIT, unit_tokens
from roma_ros.training.example import StreamExample
from roma_ros.training.layout import UnitShape, lay_out
from roma_ros.units import MultimodalUnit

__all__ = ["Batch", "Batcher"]

IGNORED = -1.0


class Batch(TypedDict):
    """B examples of at most L tokens, with U units and T target tokens among them.

    Attributes:
        tokens: (B, L) int64. positions: (3, B, L) int64. mask: (B, 1, L, L) bool.
        pixels: (patches, values) float32 of all frames; grid: (V, 3) int64.
        mel: (bins, 100 * A) float32 of all sound.
        video_at, audio_at: flat indices into (B * L) of the tokens that the features replace.
        unit_at: (U,) flat indices of the units' last tokens; speak: (U,) float32 labels, -1 where
            open; weight: (U,) float32 of each unit's loss.
        target_at: (T,) flat indices of tokens; target: (T,) ids that should follow.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    pixels: torch.Tensor
    grid: torch.Tensor
    mel: torch.Tensor
    video_at: torch.Tensor
    audio_at: torch.Tensor
    unit_at: torch.Tensor
    speak: torch.Tensor
    weight: torch.Tensor
    target_at: torch.Tensor
    target: torch.Tensor


@dataclass(frozen=True, slots=True)
class Batcher:
    """Turns examples into a `Batch`; a Trainer's `data_collator`."""

    features: FeatureExtractor
    dialogue: Dialogue

    def __call__(self, examples: Sequence[StreamExample]) -> Batch:
        pixels, grids, mels = [], [], []
        layouts = []
        for example in examples:
            shapes = []
            for unit in example.units:
                rows = columns = 0
                if unit.frames is not None:
                    patches = self.features.video(unit.frames)
                    rows = patches.rows // self.features.merge_size
                    columns = patches.columns // self.features.merge_size
                    pixels.append(patches.pixels)
                    grids.append([1, patches.rows, patches.columns])
                if unit.audio is not None:
                    mels.append(self.features.audio(unit.audio))
                shapes.append(self._shape(unit, rows, columns))
            layouts.append(lay_out(example, shapes, self.dialogue))
        length = max(len(layout.tokens) for layout in layouts)
        tokens = torch.full((len(layouts), length), self.dialogue.pause, dtype=torch.long)
        positions = torch.zeros(3, len(layouts), length, dtype=torch.long)
        # What pads a row sees itself alone, so that its softmax is over something.
        mask = torch.eye(length, dtype=torch.bool).repeat(len(layouts), 1, 1, 1)
        for row, layout in enumerate(layouts):
            count = len(layout.tokens)
            tokens[row, :count] = torch.tensor(layout.tokens)
            positions[:, row, :count] = torch.cat(layout.positions, dim=1)
            mask[row, 0, :count, :count] = layout.mask()
        flat = tokens.flatten()
        token = self.dialogue.token
        speak, weight = _labels(examples)
        return Batch(
            tokens=tokens,
            positions=positions,
            mask=mask,
            pixels=torch.from_numpy(np.concatenate(pixels)) if pixels else torch.empty(0, 0),
            grid=torch.tensor(grids, dtype=torch.long).reshape(-1, 3),
            mel=torch.from_numpy(np.concatenate(mels, axis=1)) if mels else torch.empty(0, 0),
            video_at=(flat == token("<|VIDEO|>")).nonzero()[:, 0],
            audio_at=(flat == token("<|AUDIO|>")).nonzero()[:, 0],
            unit_at=_flat([layout.unit_ends for layout in layouts], length),
            speak=speak,
            weight=weight,
            target_at=_flat([[at for at, _ in layout.targets] for layout in layouts], length),
            target=torch.tensor([i for x in layouts for _, i in x.targets], dtype=torch.long),
        )

    def _shape(self, unit: MultimodalUnit, rows: int, columns: int) -> UnitShape:
        audio = 0 if unit.audio is None else AUDIO_TOKENS_PER_UNIT
        video = None if unit.frames is None else (rows, columns)
        return UnitShape(unit_tokens(self.dialogue, video, audio), *unit_positions(video, audio))


def _flat(indices: Sequence[Sequence[int]], length: int) -> torch.Tensor:
    return torch.tensor(
        [row * length + index for row, line in enumerate(indices) for index in line],
        dtype=torch.long,
    )


def _labels(examples: Sequence[StreamExample]) -> tuple[torch.Tensor, torch.Tensor]:
    speak, weight = [], []
    for example in examples:
        for label in example.speak or [None] * len(example.units):
            speak.append(IGNORED if label is None else float(label))
            weight.append(example.weight if label else 1.0)
    return torch.tensor(speak), torch.tensor(weight)
