"""Greedy decoding of a bounded slice of text."""

from __future__ import annotations

from dataclasses import dataclass

from roma_ros.thinker.model import ThinkerModel
from roma_ros.thinker.sequence import TokenSequence, text_offsets

__all__ = ["DecodedSlice", "Utterance", "decode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One slice of a reply or an answer.

    Attributes:
        text: text of this slice.
        reply: text of the whole reply so far, this slice included.
        finished: whether the model has ended the reply; if not, the next slice continues it.
        tokens: number of tokens in this slice.
    """

    text: str
    reply: str
    finished: bool
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedSlice:
    """Result of `decode`.

    Attributes:
        generated: ids of the generated tokens, without an end or pause token.
        unforwarded: those at its end that have not been run through the backbone yet.
        finished: whether the model has ended the text.
        slots: cache slots of all tokens that were run.
    """

    generated: list[int]
    unforwarded: list[int]
    finished: bool
    slots: list[int]


def decode(
    model: ThinkerModel, sequence: TokenSequence, prefix: list[int], max_new_tokens: int
) -> DecodedSlice:
    """Run `prefix`, then generate greedily until an end token, a pause token or the budget.

    A pause before the first generated token counts as the end.

    Args:
        model: weights.
        sequence: sequence that is extended.
        prefix: token ids to run first; at least one.
        max_new_tokens: most tokens to generate.

    Raises:
        ContextError: the cache is full.
    """
    generated: list[int] = []
    slots: list[int] = []
    pending = prefix
    ended = paused = False
    while len(generated) < max_new_tokens and not (ended or paused):
        offsets = text_offsets(len(pending), model.device)
        hidden, allocated = sequence.extend(model.embed(pending), offsets, len(pending))
        slots += allocated
        token = model.next_token(hidden)
        ended, paused = token == model.dialogue.end, token == model.dialogue.pause
        pending = [] if ended or paused else [token]
        generated += pending
    return DecodedSlice(
        generated=generated,
        unforwarded=pending,
        finished=ended or (paused and not generated),
        slots=slots,
    )
