"""Where p(speak) is read: off the speak head, or off a token that the model would say next."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase

from roma_ros.thinker.errors import CheckpointError

__all__ = ["SpeakSource", "StateTokens"]


class SpeakSource(enum.Enum):
    """What decides."""

    HEAD = "head"
    """The speak head (paper, section 3.1)."""
    STATE_TOKEN = "state_token"
    """The LM head: tokens that stand for silence against tokens that stand for speaking, as in
    models that say `<|silence|>`, or a state such as `</Standby>`, after every unit."""
    YES_NO = "yes_no"
    """The LM head after a question, put on a branch after every unit: whether the instruction's
    condition holds now. Needs no training, and costs a second pass through the backbone."""


@dataclass(frozen=True, slots=True)
class StateTokens:
    """Ids of the tokens that decide.

    Attributes:
        silent: at least one; where a state is more than silence (waiting, say), its token follows.
        speak: at least one.
    """

    silent: tuple[int, ...]
    speak: tuple[int, ...]

    @classmethod
    def of(
        cls, tokenizer: PreTrainedTokenizerBase, silent: Sequence[str], speak: Sequence[str]
    ) -> StateTokens:
        """Look the tokens up.

        Raises:
            CheckpointError: none are named on one side, or the tokenizer lacks one.
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
        """The log odds of speaking among all states.

        Args:
            logits: (..., V) of the next token.

        Returns:
            (...) whose `sigmoid` is p(speak).
        """
        speak = logits[..., list(self.speak)].logsumexp(-1)
        return speak - logits[..., list(self.silent)].logsumexp(-1)
