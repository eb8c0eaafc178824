"""A unit as the backbone takes it: embeddings, and chunked TMRoPE positions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from roma_ros.thinker.dialogue import Dialogue

__all__ = [
    "AUDIO_TOKENS_PER_UNIT",
    "MARKERS_PER_UNIT",
    "EncodedUnit",
    "PhaseTimings",
    "unit_positions",
    "unit_tokens",
]

AUDIO_TOKENS_PER_UNIT = 25
MARKERS_PER_UNIT = 4  # begin and end tokens around video and audio


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseTimings:
    """Seconds that the phases of one step took, on the monotonic clock."""

    features: float = 0.0
    vision: float = 0.0
    audio: float = 0.0
    backbone: float = 0.0
    head: float = 0.0

    @property
    def total(self) -> float:
        return self.features + self.vision + self.audio + self.backbone + self.head

    def with_more_audio(self, features: float, audio: float) -> PhaseTimings:
        return replace(self, features=self.features + features, audio=self.audio + audio)

    def with_backbone(self, backbone: float, head: float) -> PhaseTimings:
        return replace(self, backbone=backbone, head=head)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedUnit:
    """One unit, encoded once for all the sessions that follow its stream.

    Attributes:
        stream, index: the unit's.
        stamp: the unit's end, ns on the sensor clock.
        tokens: (L,) int64 ids, placeholders among them; for transcripts and oracles.
        embeds: (L, H) input embeddings.
        offsets: (3, L) int64 positions, relative to the next free one.
        advance: positions that the unit uses up.
        grid: rows and columns of video tokens; `None` for a unit without video.
        samples: the sound that it was made of, (16000,); `None` for a unit without sound.
        timings: of features, vision and audio.
    """

    stream: int
    index: int
    stamp: int
    tokens: torch.Tensor
    embeds: torch.Tensor
    offsets: torch.Tensor
    advance: int
    grid: tuple[int, int] | None
    samples: npt.NDArray[np.float32] | None
    timings: PhaseTimings


def unit_positions(video: tuple[int, int] | None, audio_tokens: int) -> tuple[torch.Tensor, int]:
    """Chunked TMRoPE positions of one unit (paper, section 3.1), relative to its first token.

    They equal those of transformers' `get_rope_index` on the whole sequence. There a unit with
    sound ends after its last audio token, however wide its frames are.

    Args:
        video: rows and columns of video tokens; `None` for a unit without video.
        audio_tokens: 25, or 0 for a unit without sound.

    Returns:
        (3, L) int64 positions on the temporal, height and width axes, and how far the next free
        position moves.
    """
    bos = [torch.zeros(3, 1, dtype=torch.long)] * ((video is not None) + (audio_tokens > 0))
    content, last = [], 0
    if video is not None:
        rows, columns = video
        grid = torch.ones(3, rows, columns, dtype=torch.long)
        grid[1] += torch.arange(rows)[:, None]
        grid[2] += torch.arange(columns)
        content.append(grid.flatten(1))
        last = int(grid.max())
    if audio_tokens:
        content.append((1 + torch.arange(audio_tokens)).expand(3, -1))
        last = audio_tokens
    eos = [torch.full((3, 1), last + 1, dtype=torch.long)] * len(bos)
    return torch.cat([*bos, *content, *eos], dim=1), last + 2


def unit_tokens(dialogue: Dialogue, video: tuple[int, int] | None, audio_tokens: int) -> list[int]:
    """Ids of a unit: markers, and placeholders where features stand (paper, section 3.1)."""
    token = dialogue.token
    before, content, after = [], [], []
    if video is not None:
        before.append(token("<|vision_bos|>"))
        content += [token("<|VIDEO|>")] * (video[0] * video[1])
        after.append(token("<|vision_eos|>"))
    if audio_tokens:
        before.append(token("<|audio_bos|>"))
        content += [token("<|AUDIO|>")] * audio_tokens
        after.insert(0, token("<|audio_eos|>"))
    return [*before, *content, *after]
