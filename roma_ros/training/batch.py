"""Batch of training examples: tensors with placeholders, features, labels and targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch

from roma_ros.thinker.dialogue import Dialogue
from roma_ros.thinker.encoding import AUDIO_TOKENS_PER_UNIT, unit_positions, unit_tokens
from roma_ros.thinker.features import FeatureExtractor
from roma_ros.training.example import StreamExample
from roma_ros.training.feature_cache import ExtractedUnit, extract
from roma_ros.training.layout import TokenLayout, UnitShape, lay_out
from roma_ros.units import MultimodalUnit

__all__ = ["Batch", "Batcher", "MicroBatcher"]

IGNORED = -1.0
"""Label of units without a loss of p(speak)."""
EVEN = 32  # batch lengths are multiples of it: a CPU compiles kernels for every new shape


class Batch(TypedDict):
    """B examples of at most L tokens, with U units and T target tokens among them.

    Attributes:
        tokens: (B, L) int64. positions: (3, B, L) int64.
        mask: (B, 1, L, L) bool, `None` where every token sees all before it.
        sink: (B, L) bool, tokens of the attention sink; `None` where no example evicts a unit.
        sink_shift: (B, L) int64, positions by which each token sees the sink shifted; or `None`.
        pixels: (patches, values) float32 of all frames; grid: (V, 3) int64.
        mel: (bins, 100 * A) float32 of all sound.
        video_at, audio_at: flat indices into (B * L) of the tokens that the features replace;
            video_of, audio_of: which of the encoders' tokens each one gets. A unit that several
            examples share is encoded once.
        unit_at: (U,) flat indices of the units' last tokens; speak: (U,) float32 labels, -1 where
            open; waiting: (U,) bool; weight: (U,) float32 of each unit's loss.
        target_at: (T,) flat indices of tokens; target: (T,) ids that should follow.
        shares: shares of the step's target tokens, of its units with a label and of its rows that
            are in this batch: 1 each unless a step has several batches.
        facts: (B, F) float32, `AuxiliaryTargets.row` of each example.
        cells: (n, 3) int64, `AuxiliaryTargets.cells` of the tokens of `video_at`.
        spoken: (n,) int64, `AuxiliaryTargets.words` of the tokens of `audio_at`.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor | None
    sink: torch.Tensor | None
    sink_shift: torch.Tensor | None
    pixels: torch.Tensor
    grid: torch.Tensor
    mel: torch.Tensor
    video_at: torch.Tensor
    video_of: torch.Tensor
    audio_at: torch.Tensor
    audio_of: torch.Tensor
    unit_at: torch.Tensor
    speak: torch.Tensor
    waiting: torch.Tensor
    weight: torch.Tensor
    target_at: torch.Tensor
    target: torch.Tensor
    shares: tuple[float, float, float]
    facts: torch.Tensor
    cells: torch.Tensor
    spoken: torch.Tensor


class _Extractor:
    """Features of units, extracted once per unit."""

    def __init__(self, features: FeatureExtractor) -> None:
        self.features = features
        self._known: dict[int, ExtractedUnit] = {}

    def of(self, unit: MultimodalUnit | ExtractedUnit) -> ExtractedUnit:
        """Return video patches and log-mel frames of a unit, `None` for what it lacks."""
        if isinstance(unit, ExtractedUnit):
            return unit
        if id(unit) not in self._known:
            self._known[id(unit)] = extract(self.features, unit)
        return self._known[id(unit)]


class _UnitFeatures:
    """Features of all units of a batch, each unit once."""

    def __init__(self, extractor: _Extractor) -> None:
        self.extractor = extractor
        self.pixels: list[np.ndarray] = []
        self.grid: list[list[int]] = []
        self.mel: list[np.ndarray] = []
        self._video_tokens = 0
        self._known: dict[int, tuple[tuple[int, int] | None, range, range]] = {}

    def of(
        self, unit: MultimodalUnit | ExtractedUnit
    ) -> tuple[tuple[int, int] | None, range, range]:
        """Return rows and columns of a unit's video tokens, and the ranges of encoded tokens."""
        if id(unit) not in self._known:
            video, video_at, audio_at = None, range(0), range(0)
            extracted = self.extractor.of(unit)
            patches, mel = extracted.video, extracted.mel
            if patches is not None:
                merge = self.extractor.features.merge_size
                video = (patches.rows // merge, patches.columns // merge)
                self.pixels.append(patches.pixels)
                self.grid.append([1, patches.rows, patches.columns])
                video_at = range(self._video_tokens, self._video_tokens + video[0] * video[1])
                self._video_tokens = video_at.stop
            if mel is not None:
                start = AUDIO_TOKENS_PER_UNIT * len(self.mel)
                self.mel.append(mel)
                audio_at = range(start, start + AUDIO_TOKENS_PER_UNIT)
            self._known[id(unit)] = video, video_at, audio_at
        return self._known[id(unit)]


@dataclass(frozen=True, slots=True)
class Batcher:
    """Collator of a Trainer: worlds of several examples each -> `Batch`.

    Attributes:
        features: extractor of video patches and log-mel frames.
        dialogue: token ids of the dialogue turns.
    """

    features: FeatureExtractor
    dialogue: Dialogue

    def __call__(self, worlds: Sequence[Sequence[StreamExample]]) -> Batch:
        examples = [example for world in worlds for example in world]
        return self.batch(examples, _Extractor(self.features))

    def batch(self, examples: Sequence[StreamExample], extractor: _Extractor) -> Batch:
        """Return the batch of examples, one a row."""
        unit_features = _UnitFeatures(extractor)
        layouts: list[TokenLayout] = []
        video_of: list[int] = []
        audio_of: list[int] = []
        cells: list[tuple[int, int, int]] = []
        spoken: list[int] = []
        for example in examples:
            shapes = []
            for unit in example.units:
                video, video_at, audio_at = unit_features.of(unit)
                video_of += video_at
                audio_of += audio_at
                cells += example.facts.cells(*video) if video else []
                shapes.append(self._shape(video, len(audio_at)))
            spoken += example.facts.words(
                len(audio_of) - len(spoken), AUDIO_TOKENS_PER_UNIT, self.dialogue.text
            )
            layouts.append(lay_out(example, shapes, self.dialogue))
        longest = max(len(layout.tokens) for layout in layouts)
        length = EVEN * math.ceil(longest / EVEN)
        tokens = torch.full((len(layouts), length), self.dialogue.pause, dtype=torch.long)
        positions = torch.zeros(3, len(layouts), length, dtype=torch.long)
        for row, layout in enumerate(layouts):
            count = len(layout.tokens)
            tokens[row, :count] = torch.tensor(layout.tokens)
            positions[:, row, :count] = torch.cat(layout.positions, dim=1)
        flat = tokens.flatten()
        token = self.dialogue.token
        speak, waiting, weight = _labels(examples)
        pixels, mel = unit_features.pixels, unit_features.mel
        sink, sink_shift = _sink(layouts, length)
        return Batch(
            tokens=tokens,
            positions=positions,
            mask=_mask(layouts, length),
            sink=sink,
            sink_shift=sink_shift,
            pixels=torch.from_numpy(np.concatenate(pixels)) if pixels else torch.empty(0, 0),
            grid=torch.tensor(unit_features.grid, dtype=torch.long).reshape(-1, 3),
            mel=torch.from_numpy(np.concatenate(mel, axis=1)) if mel else torch.empty(0, 0),
            video_at=(flat == token("<|VIDEO|>")).nonzero()[:, 0],
            video_of=torch.tensor(video_of, dtype=torch.long),
            audio_at=(flat == token("<|AUDIO|>")).nonzero()[:, 0],
            audio_of=torch.tensor(audio_of, dtype=torch.long),
            unit_at=_flat([layout.unit_ends for layout in layouts], length),
            speak=speak,
            waiting=waiting,
            weight=weight,
            target_at=_flat([[at for at, _ in layout.targets] for layout in layouts], length),
            target=torch.tensor([i for x in layouts for _, i in x.targets], dtype=torch.long),
            shares=(1.0, 1.0, 1.0),
            facts=torch.tensor([example.facts.row for example in examples]),
            cells=torch.tensor(cells, dtype=torch.long).reshape(-1, 3),
            spoken=torch.tensor(spoken, dtype=torch.long),
        )

    def tokens(self, example: StreamExample, extractor: _Extractor) -> int:
        """Return the number of tokens of an example's row, without padding."""
        merge = extractor.features.merge_size
        shapes = []
        for unit in example.units:
            extracted = extractor.of(unit)
            patches, mel = extracted.video, extracted.mel
            video = None if patches is None else (patches.rows // merge, patches.columns // merge)
            shapes.append(self._shape(video, 0 if mel is None else AUDIO_TOKENS_PER_UNIT))
        return len(lay_out(example, shapes, self.dialogue).tokens)

    def _shape(self, video: tuple[int, int] | None, audio_tokens: int) -> UnitShape:
        ids = unit_tokens(self.dialogue, video, audio_tokens)
        return UnitShape(ids, *unit_positions(video, audio_tokens))


@dataclass(frozen=True, slots=True)
class MicroBatcher:
    """Collator that splits the rows of a step into batches of a bounded number of tokens.

    The losses of the batches, weighted by their `shares`, add up to that of the step.

    Attributes:
        batcher: makes each batch.
        max_tokens: most tokens of a batch, from 1, padding included; a row of more is a batch of
            its own. `None` for one batch.
    """

    batcher: Batcher
    max_tokens: int | None = None

    def __call__(self, worlds: Sequence[Sequence[StreamExample]]) -> list[Batch]:
        if self.max_tokens is None:
            return [self.batcher(worlds)]
        extractor = _Extractor(self.batcher.features)
        batches: list[Batch] = []
        rows: list[StreamExample] = []
        longest = 0
        # A row without text and labels comes first, so that each batch has a loss.
        examples = sorted((e for world in worlds for e in world), key=_has_loss)
        for example in examples:
            tokens = self.batcher.tokens(example, extractor)
            full = (len(rows) + 1) * max(longest, tokens) > self.max_tokens
            if full and rows and _has_loss(rows[-1]):
                batches.append(self.batcher.batch(rows, extractor))
                rows, longest = [], 0
            rows.append(example)
            longest = max(longest, tokens)
        batches.append(self.batcher.batch(rows, extractor))
        counts = np.array(
            [
                [len(batch["target"]), (batch["speak"] != IGNORED).sum(), len(batch["tokens"])]
                for batch in batches
            ]
        )
        shares = counts / counts.sum(0).clip(min=1)
        for batch, (text, speak, row) in zip(batches, shares.tolist(), strict=True):
            batch["shares"] = text, speak, row
        return batches


def _has_loss(example: StreamExample) -> bool:
    """Return whether an example has text to predict, or a label of p(speak)."""
    labelled = any(label is not None for label in example.speak)
    return bool(labelled or example.replies or example.exchanges)


def _mask(layouts: Sequence[TokenLayout], length: int) -> torch.Tensor | None:
    """Return the mask of the batch; `None` if it is causal, as padding is at the end of rows."""
    if not any(layout.branched or layout.evicts for layout in layouts):
        return None
    # A padding token attends to itself, so that its softmax is not empty.
    mask = torch.eye(length, dtype=torch.bool).repeat(len(layouts), 1, 1, 1)
    for row, layout in enumerate(layouts):
        count = len(layout.tokens)
        mask[row, 0, :count, :count] = layout.mask()
    return mask


def _sink(
    layouts: Sequence[TokenLayout], length: int
) -> tuple[torch.Tensor, torch.Tensor] | tuple[None, None]:
    """Return `sink` and `sink_shift` of the batch; `None` if no layout evicts a unit."""
    if not any(layout.evicts for layout in layouts):
        return None, None
    sink = torch.zeros(len(layouts), length, dtype=torch.bool)
    shifts = torch.zeros(len(layouts), length, dtype=torch.long)
    for row, layout in enumerate(layouts):
        if layout.evicts:
            sink[row, : len(layout.tokens)] = layout.sink()
            shifts[row, : len(layout.tokens)] = layout.sink_shifts()
    return sink, shifts


def _flat(indices: Sequence[Sequence[int]], length: int) -> torch.Tensor:
    return torch.tensor(
        [row * length + index for row, line in enumerate(indices) for index in line],
        dtype=torch.long,
    )


def _labels(
    examples: Sequence[StreamExample],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    speak: list[float] = []
    waiting: list[bool] = []
    weight: list[float] = []
    for example in examples:
        count = len(example.units)
        waiting += example.waiting or [False] * count
        for label in example.speak or [None] * count:
            speak.append(IGNORED if label is None else float(label))
            weight.append(example.weight if label else 1.0)
    return torch.tensor(speak), torch.tensor(waiting), torch.tensor(weight)
