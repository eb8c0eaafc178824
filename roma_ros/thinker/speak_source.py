"""Sources of p(speak): the speak head, or the LM head's probabilities of certain tokens."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase

from roma_ros.thinker.errors import CheckpointError

__all__ = ["SpeakSource", "StateTokens"]


class SpeakSource(enum.Enum):
    """Part of the model that p(speak) comes from."""

    HEAD = "head"
    """The speak head (paper, section 3.1)."""
    STATE_TOKEN = "state_token"
    """The LM head after a unit: the probability of tokens that mean speaking against those that
    mean silence, for models trained to generate `<|silence|>` or a state such as `</Standby>`."""
    YES_NO = "yes_no"
    """The LM head after a question that follows every unit, whether the instruction's condition
    holds now: the probability of "yes" against "no". Needs no training; costs a second pass
    through the backbone."""


@dataclass(frozen=True, slots=True)
class StateTokens:
    """Ids of the tokens whose probabilities give p(speak).

    Attributes:
        silent: ids that mean silence (or waiting); at least one.
        speak: ids that mean speaking; at least one.
    """

    silent: tuple[int, ...]
    speak: tuple[int, ...]

    @classmethod
    def of(
        cls, tokenizer: PreTrainedTokenizerBase, silent: Sequence[str], speak: Sequence[str]
    ) -> StateTokens:
        """Look up the ids of tokens.

        Args:
            tokenizer: tokenizer of the checkpoint.
            silent, speak: names of tokens that mean silence and speaking.

        Raises:
            CheckpointError: one of the two is empty, or the tokenizer lacks a token.
        """
        vocabulary: dict[str, int] = tokenizer.get_vocab()
        if not silent or not speak:
            raise CheckpointError(
                f"speak_source is state_token with silent_tokens {list(silent)} and speak_tokens "
                f"{list(speak)}; name at least one of each"
            )
        if missing := [token for token in (*silent, *speak) if token not in vocabulary]:
            raise CheckpointError(f"the tokenizer lacks the state tokens {missing}")
        return cls(
            tuple(vocabulary[token] for token in silent),
            tuple(vocabulary[token] for token in speak),
        )

    def logit(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the log odds of speaking among all these tokens.

        Args:
            logits: (..., V) logits of the next token.

        Returns:
            (...) log odds, whose `sigmoid` is p(speak).
        """
        speak = logits[..., list(self.speak)].logsumexp(-1)
        return speak - logits[..., list(self.silent)].logsumexp(-1)
