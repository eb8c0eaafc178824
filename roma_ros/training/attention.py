"""Attention of training: torch's scaled dot product on a GPU, block by block on a CPU.

On a CPU, the backward pass of torch's attention is several times slower than plain matrix products
in bfloat16. A block of queries needs no key after its last one, which saves half of the work.
"""

from __future__ import annotations

import torch
from torch import nn
from transformers import AttentionInterface

__all__ = ["BATCH_ATTENTION", "batch_attention"]

BATCH_ATTENTION = "roma_batch"
BLOCK = 64  # queries: their scores fit the cache of a core


def batch_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Compute attention with the signature of transformers' `AttentionInterface`.

    Args:
        module: the layer; not used.
        query: (B, heads, L, D).
        key, value: (B, key heads, L, D).
        attention_mask: (B, 1, L, L) bool, true where a query (row) attends to a key (column); must
            be causal. `None` for plain causal attention.
        scaling: factor on the scores; `None` for 1 / sqrt(D).

    Returns:
        Output (B, L, heads, D), and `None` for the weights.
    """
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    if query.device.type == "cpu":
        attended = _by_blocks(query * scaling, key, value, attention_mask)
    else:
        attended = nn.functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=attention_mask,
            is_causal=attention_mask is None,
            scale=scaling,
            enable_gqa=True,
        )
    return attended.transpose(1, 2).contiguous(), None


def _by_blocks(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """Return (B, heads, L, D); queries that share a key head are rows of one matrix."""
    batch, heads, length, width = query.shape
    shared = key.shape[1]
    query = query.view(batch, shared, heads // shared, length, width)
    key = key.transpose(2, 3)
    attended = []
    for first in range(0, length, BLOCK):
        last = min(first + BLOCK, length)
        rows = query[:, :, :, first:last]
        scores = rows.flatten(2, 3) @ key[..., :last]
        seen = _causal(first, last, query) if mask is None else mask[:, :, first:last, :last]
        unseen = torch.zeros_like(seen, dtype=scores.dtype).masked_fill_(~seen, -torch.inf)
        weights = (scores.view(*rows.shape[:-1], last) + unseen[:, :, None]).softmax(-1)
        mixed = weights.flatten(2, 3) @ value[:, :, :last]
        attended.append(mixed.view(rows.shape))
    return torch.cat(attended, dim=3).view(batch, heads, length, width)


def _causal(first: int, last: int, like: torch.Tensor) -> torch.Tensor:
    """Return the causal mask of queries first to last: (1, 1, last - first, last) bool."""
    index = torch.arange(last, device=like.device)
    return (index[None] <= index[first:, None])[None, None]


AttentionInterface.register(BATCH_ATTENTION, batch_attention)
