"""Losses of p(speak): binary cross-entropy of the speak head, or of state tokens."""

from __future__ import annotations

import torch
from torch import nn

from roma_ros.thinker import StateTokens

__all__ = ["head_loss", "state_loss"]


def head_loss(logits: torch.Tensor, speak: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the weighted binary cross-entropy of the speak head (paper, section 3.2.2).

    L = -1/U sum over units of w * (y log p + (1 - y) log(1 - p)), p = sigmoid(logit).

    Args:
        logits: float (U,), logits of p(speak).
        speak: float (U,), labels y, 1 or 0.
        weight: float (U,), weight w of each unit.
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
    """Return the weighted focal cross-entropy of the state token of each unit (Lin et al. 2017).

    L = 1/U sum over units of w * (1 - p)^gamma * (-log p), p the softmax probability of the token
    of the unit's state: speak, silent, or waiting (the second silent token, if there is one).

    Args:
        logits: float (U, V), logits of the token after each unit.
        tokens: ids of the state tokens.
        speak: float (U,), 1 where the state is speak, else 0.
        waiting: bool (U,), whether the state is waiting.
        weight: float (U,), weight w of each unit.
        focal: gamma; 0 for plain cross-entropy.
    """
    state = torch.full_like(waiting, tokens.silent[0], dtype=torch.long)
    state[waiting] = tokens.silent[min(1, len(tokens.silent) - 1)]
    state[speak > 0.5] = tokens.speak[0]
    surprise = nn.functional.cross_entropy(logits, state, reduction="none")
    missing = 1 - (-surprise).exp()
    return (weight * missing**focal * surprise).sum() / max(1, len(speak))
