"""Attention of a whole batch at once: scaled dot products, in float32 on a CPU.

On a CPU, the backward pass of torch's bfloat16 kernel is several times slower than float32's, while
bfloat16 makes everything around it faster. So mixed precision leaves attention out there.
"""

from __future__ import annotations

import torch
from torch import nn
from transformers import AttentionInterface

__all__ = ["BATCH_ATTENTION", "batch_attention"]

BATCH_ATTENTION = "roma_batch"


def batch_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it.

    Args:
        module: the layer; not looked at.
        query: (B, heads, L, D). key, value: (B, key heads, L, D).
        attention_mask: (B, 1, L, L) bool; `None` where every token sees all before it.
        scaling: of the scores.

    Returns:
        (B, L, heads, D), and no weights.
    """
    kind = query.dtype
    groups = query.shape[1] // key.shape[1]
    key, value = (part.repeat_interleave(groups, dim=1) for part in (key, value))
    with torch.autocast(query.device.type, enabled=False):
        if query.device.type == "cpu":
            query, key, value = query.float(), key.float(), value.float()
        attended = nn.functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=attention_mask,
            is_causal=attention_mask is None,
            scale=scaling,
        )
    return attended.transpose(1, 2).contiguous().to(kind), None


AttentionInterface.register(BATCH_ATTENTION, batch_attention)
