"""Backbone input of one unit: tokens, embeddings and chunked TMRoPE positions."""

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
    """Duration of each phase of one step, in seconds of the monotonic clock.

    Attributes:
        features: resizing frames, and log-mel frames of the audio.
        vision: vision encoder.
        audio: audio encoder.
        backbone: backbone over the new tokens, eviction included.
        head: p(speak) from the hidden states.
        handover: opening the next context, or its units; see `ContextPolicy.HANDOVER`.
    """

    features: float = 0.0
    vision: float = 0.0
    audio: float = 0.0
    backbone: float = 0.0
    head: float = 0.0
    handover: float = 0.0

    @property
    def total(self) -> float:
        """Sum of all phases."""
        encoders = self.features + self.vision + self.audio
        return encoders + self.backbone + self.head + self.handover

    def with_more_audio(self, features: float, audio: float) -> PhaseTimings:
        """Return a copy with seconds added to `features` and `audio`."""
        return replace(self, features=self.features + features, audio=self.audio + audio)

    def with_backbone(self, backbone: float, head: float, handover: float) -> PhaseTimings:
        """Return a copy with `backbone`, `head` and `handover` set."""
        return replace(self, backbone=backbone, head=head, handover=handover)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedUnit:
    """One unit, encoded once for all sessions of its stream.

    Attributes:
        stream, index: stream and index of the unit.
        stamp: end of the unit, ns on the sensor clock.
        tokens: (L,) int64 token ids, with a placeholder for each video and audio token.
        embeds: (L, H) input embeddings, with encoder features at the placeholders.
        offsets: (3, L) int64 TMRoPE positions, relative to the next free one.
        advance: number of positions by which the next free one moves.
        grid: rows and columns of video tokens; `None` for a unit without video.
        samples: (16000,) float32 audio of the unit at 16 kHz; `None` for a unit without audio.
        timings: seconds of `features`, `vision` and `audio`; the other phases are 0.
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
    """Return the chunked TMRoPE positions of one unit (paper, section 3.1).

    Together they equal transformers' `get_rope_index` on the whole sequence, in which a unit with
    audio ends after its last audio token, however wide its frames are.

    Args:
        video: rows and columns of video tokens; `None` for a unit without video.
        audio_tokens: 25, or 0 for a unit without audio.

    Returns:
        (3, L) int64 positions on the temporal, height and width axes, relative to the next free
        position; and the number of positions by which that moves.
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
    """Return the token ids of a unit: markers around placeholders (paper, section 3.1).

    Args:
        dialogue: has the ids of the special tokens.
        video: rows and columns of video tokens; `None` for a unit without video.
        audio_tokens: 25, or 0 for a unit without audio.
    """
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
