"""Attention over cache slots for grouped-query models, without repeating keys and values."""

from __future__ import annotations

import torch
from transformers import AttentionInterface

__all__ = ["SLOT_ATTENTION", "fold_mask"]

SLOT_ATTENTION = "roma_slots"


def fold_mask(mask: torch.Tensor, groups: int, dtype: torch.dtype) -> torch.Tensor:
    """Convert a mask to the bias that `slot_attention` adds to its scores.

    Made once a step: from a bool mask, every layer would make this bias anew.

    Args:
        mask: (L, S) bool, true where a token attends.
        groups: query heads per key-value head.
        dtype: dtype of the queries.

    Returns:
        (1, 1, groups * L, S) of `dtype`: 0 where a token attends, else -inf.
    """
    bias = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return bias.masked_fill_(mask.logical_not(), -torch.inf).repeat(groups, 1)[None, None]


def slot_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Compute masked scaled dot-product attention; keys and values are shared by head groups.

    With a mask, transformers' `sdpa` expands keys and values to every query head: for the 7B
    backbone that copies the whole cache seven times a layer and step. The heads of a group attend
    to the same keys under the same mask, so they are folded into the query's length instead.

    Args:
        module: attention layer; not used.
        query: (1, heads, L, D).
        key, value: (1, kv_heads, S, D).
        attention_mask: (1, 1, heads / kv_heads * L, S) bias, as `fold_mask` returns it; or
            (1, 1, L, S) bool, true where a token attends; `None` for everywhere.
        scaling: factor of the scores; `None` for 1 / sqrt(D).
        dropout: dropout probability.

    Returns:
        (1, L, heads, D), and `None` in place of the weights.
    """
    batch, heads, length, width = query.shape
    groups = heads // key.shape[1]
    if attention_mask is not None and attention_mask.dtype == torch.bool and groups > 1:
        attention_mask = attention_mask.repeat(1, 1, groups, 1)
    folded = query.reshape(batch, key.shape[1], groups * length, width)
    mixed = torch.nn.functional.scaled_dot_product_attention(
        folded, key, value, attn_mask=attention_mask, dropout_p=dropout, scale=scaling
    )
    return mixed.reshape(batch, heads, length, width).transpose(1, 2).contiguous(), None


AttentionInterface.register(SLOT_ATTENTION, slot_attention)
