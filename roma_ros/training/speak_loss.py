"""What it costs to speak, or be silent, at the wrong time."""

from __future__ import annotations

import torch
from torch import nn

from roma_ros.thinker import StateTokens

__all__ = ["head_loss", "state_loss"]


def head_loss(logits: torch.Tensor, speak: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted binary cross-entropy (paper, section 3.2.2), per unit.

    Args:
        logits: (U,) of p(speak). speak: (U,) 1 or 0. weight: (U,).
    """
    loss = nn.functional.binary_cross_entropy_with_logits(logits, speak, weight, reduction="sum")
    return loss / max(1, len(speak))


def state_loss(
    logits: torch.Tensor,
    tokens: StateTokens,
    speak: torch.Tensor,
    waiting: torch.Tensor,
    weight: torch.Tensor,
    focal: float = 0.0,
) -> torch.Tensor:
    """Weighted focal cross-entropy of the token that stands for each unit's state, per unit.

    Args:
        logits: (U, V) of the next token.
        tokens: of the states; units that wait have the second silent one, if there is one.
        speak: (U,) 1 or 0. waiting: (U,) bool. weight: (U,).
        focal: gamma, by which a state that is likely already counts less (Lin et al. 2017).
    """
    state = torch.full_like(waiting, tokens.silent[0], dtype=torch.long)
    state[waiting] = tokens.silent[min(1, len(tokens.silent) - 1)]
    state[speak > 0.5] = tokens.speak[0]
    surprise = nn.functional.cross_entropy(logits, state, reduction="none")
    missing = 1 - (-surprise).exp()
    return (weight * missing**focal * surprise).sum() / max(1, len(speak))
