"""The speak head: p(speak) from the backbone's hidden states (paper, section 3.1)."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["SpeakHead"]


class SpeakHead(nn.Module):
    """Softmax mix of K layers' hidden states -> Linear -> GELU -> Linear -> one logit.

    Args:
        hidden_size: hidden size H of the backbone.
        layers: number K of layers whose hidden states are mixed.
        middle_size: width between the two linear layers; `None` for H // 4.
    """

    def __init__(self, hidden_size: int, layers: int = 4, middle_size: int | None = None) -> None:
        super().__init__()
        middle_size = middle_size or hidden_size // 4
        self.mixer = nn.Parameter(torch.zeros(layers))  # equal weights before training
        self.fc1 = nn.Linear(hidden_size, middle_size)
        self.fc2 = nn.Linear(middle_size, 1)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Return the logits of p(speak).

        Args:
            hidden_states: (K, ..., H) states of the K layers at the last token of each unit.

        Returns:
            (...) logits, whose `sigmoid` is p(speak).
        """
        weights = self.mixer.softmax(0).to(hidden_states.dtype)
        mixed = torch.einsum("k,k...h->...h", weights, hidden_states)
        middle = nn.functional.gelu(self.fc1(mixed.to(self.fc1.weight.dtype)))
        logits: torch.Tensor = self.fc2(middle).squeeze(-1)
        return logits
