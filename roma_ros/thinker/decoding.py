"""Greedy decoding of a bounded slice of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from roma_ros.thinker.sequence import Strand

if TYPE_CHECKING:
    from roma_ros.thinker.thinker import RomaThinker

__all__ = ["DecodedSlice", "Utterance", "decode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One slice of a reply or an answer.

    Attributes:
        text: the slice.
        reply: all of the reply so far, this slice included.
        finished: the model has ended the reply; otherwise it goes on with the next slice.
        tokens: tokens in the slice.
    """

    text: str
    reply: str
    finished: bool
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedSlice:
    """Tokens of a slice, and what of them the backbone has not run yet."""

    spoken: list[int]
    unforwarded: list[int]
    finished: bool
    slots: list[int]


def decode(
    thinker: RomaThinker, strand: Strand, prefix: list[int], max_new_tokens: int
) -> DecodedSlice:
    """Run `prefix`, then the likeliest tokens, until an end, a pause or the budget.

    A model that pauses by itself without having said a word is taken to have finished.
    """
    spoken: list[int] = []
    slots: list[int] = []
    ahead = prefix
    ended = paused = False
    while len(spoken) < max_new_tokens and not (ended or paused):
        offsets = torch.arange(len(ahead), device=thinker.device).expand(3, -1)
        hidden, taken = strand.extend(thinker.embed(ahead), offsets, len(ahead))
        slots += taken
        token = thinker.next_token(hidden)
        ended, paused = token == thinker.dialogue.end, token == thinker.dialogue.pause
        ahead = [] if ended or paused else [token]
        spoken += ahead
    return DecodedSlice(
        spoken=spoken,
        unforwarded=ahead,
        finished=ended or (paused and not spoken),
        slots=slots,
    )
