"""Attention of training: torch's scaled dot product on a GPU, block by block on a CPU.

On a CPU, the backward pass of torch's attention is several times slower than plain matrix products
in bfloat16. A block of queries needs no key after its last one, which saves half of the work. In
long rows it also skips the keys that none of its queries sees, and its weights are computed again
in the backward pass, so that time and memory grow with the window and not with the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface

__all__ = ["BATCH_ATTENTION", "Block", "SeenTokens", "batch_attention"]

BATCH_ATTENTION = "roma_batch"
BLOCK = 64  # queries: their scores fit the cache of a core
LONG = 2048  # tokens of a row from which weights are computed again instead of stored


@dataclass(frozen=True, slots=True)
class Block:
    """Queries that are computed together.

    Attributes:
        rows: the queries.
        keys: ranges of keys that any of them sees. The first is that of the S keys of the sink,
            which come first; the keys of the row, sink included, follow them.
        unseen: (B, 1, 1, rows, keys) float32, -inf where a query does not see a key, else 0.
    """

    rows: slice
    keys: tuple[range, ...]
    unseen: torch.Tensor


@dataclass(frozen=True, slots=True)
class SeenTokens:
    """Mask of a batch whose rows are long or evict units.

    A session rotates the keys of its attention sink whenever a unit is evicted. Here the keys stay,
    and queries are rotated the other way where they meet them: R(p) q . R(p_k + s) k is
    R(p - s) q . R(p_k) k.

    Attributes:
        mask: (B, 1, L, L) bool, true where a query (row) attends to a key (column); causal.
        sink: (B, L) bool, keys of the attention sink.
        cos, sin: (B, 1, L, D) float32, rotation of each query for the keys of the sink.
        sink_at: (S,) int64 columns that are in the sink of any row.
        blocks: all queries, in order; empty on a GPU.
    """

    mask: torch.Tensor
    sink: torch.Tensor
    cos: torch.Tensor
    sin: torch.Tensor
    sink_at: torch.Tensor
    blocks: tuple[Block, ...]

    @classmethod
    def of(
        cls,
        mask: torch.Tensor | None,
        sink: torch.Tensor | None,
        shifts: torch.Tensor | None,
        frequencies: torch.Tensor,
        length: int,
    ) -> SeenTokens | torch.Tensor | None:
        """Return what `batch_attention` takes as its mask; a plain mask where that is enough.

        Args:
            mask: (B, 1, L, L) bool, or `None` for plain causal attention.
            sink: (B, L) bool, `None` without evictions.
            shifts: (B, L) int64, positions by which each query sees the sink shifted.
            frequencies: (D / 2,) float32 rotary frequencies.
            length: L.
        """
        cpu = frequencies.device.type == "cpu"
        if sink is None and not (cpu and length > LONG):
            return mask
        if mask is None:
            mask = torch.ones(1, 1, length, length, dtype=torch.bool, device=frequencies.device)
            mask = mask.tril()
        if sink is None or shifts is None:
            sink = torch.zeros(len(mask), length, dtype=torch.bool, device=mask.device)
            shifts = sink.long()
        angle = -shifts[:, None, :, None] * frequencies.float()
        angle = torch.cat([angle, angle], dim=-1)
        sink_at = sink.any(0).nonzero()[:, 0]
        blocks = _blocks(mask, sink, sink_at) if cpu else ()
        return cls(mask, sink, angle.cos(), angle.sin(), sink_at, blocks)

    def rotated(self, query: torch.Tensor) -> torch.Tensor:
        """Return the queries (B, heads, L, D) for the keys of the sink."""
        low, high = query.float().chunk(2, dim=-1)
        turned = torch.cat([-high, low], dim=-1)
        return (query.float() * self.cos + turned * self.sin).to(query.dtype)


def batch_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | SeenTokens | None,
    scaling: float | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Compute attention with the signature of transformers' `AttentionInterface`.

    Args:
        module: the layer; not used.
        query: (B, heads, L, D).
        key, value: (B, key heads, L, D).
        attention_mask: (B, 1, L, L) bool, true where a query (row) attends to a key (column); must
            be causal. `None` for plain causal attention; `SeenTokens` for rows that evict units.
        scaling: factor on the scores; `None` for 1 / sqrt(D).

    Returns:
        Output (B, L, heads, D), and `None` for the weights.
    """
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    if isinstance(attention_mask, SeenTokens):
        attended = _of_seen(query * scaling, key, value, attention_mask)
    elif query.device.type == "cpu":
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


def _of_seen(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, seen: SeenTokens
) -> torch.Tensor:
    """Return (B, heads, L, D) of queries that are already scaled."""
    if query.device.type != "cpu":
        return _at_once(query, key, value, seen)
    rotated = seen.rotated(query)
    if torch.is_autocast_enabled("cpu"):
        kind = torch.get_autocast_dtype("cpu")
        query, rotated, key, value = (x.to(kind) for x in (query, rotated, key, value))
    key = torch.cat([key[:, :, seen.sink_at], key], dim=2)
    value = torch.cat([value[:, :, seen.sink_at], value], dim=2)
    attended: torch.Tensor = _SeenAttention.apply(  # type: ignore[no-untyped-call]
        query, rotated, key, value, seen
    )
    return attended


def _at_once(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, seen: SeenTokens
) -> torch.Tensor:
    """Do as `_of_seen` with torch's own attention, over queries and keys of twice the width."""
    # Keys of the sink meet the second half of a query, all others the first.
    sink = seen.sink[:, None, :, None]
    query = torch.cat([query, seen.rotated(query)], dim=-1)
    key = torch.cat([key * ~sink, key * sink], dim=-1)
    return nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=seen.mask, scale=1.0, enable_gqa=True
    )


def _blocks(mask: torch.Tensor, sink: torch.Tensor, sink_at: torch.Tensor) -> tuple[Block, ...]:
    """Return the blocks of a (B, 1, L, L) mask, of rows with the sink (B, L)."""
    others = (mask & ~sink[:, None, None])[:, 0]
    at_sink = (mask & sink[:, None, None])[:, 0, :, sink_at]
    count, blocks = len(sink_at), []
    for first in range(0, mask.shape[-1], BLOCK):
        rows = slice(first, min(first + BLOCK, mask.shape[-1]))
        pieces = _ranges(others[:, rows].any(0).any(0).nonzero()[:, 0].tolist())
        seen = [others[:, rows, piece.start : piece.stop] for piece in pieces]
        unseen = ~torch.cat([at_sink[:, rows], *seen], dim=-1)
        masked = torch.zeros(unseen.shape).masked_fill_(unseen, -torch.inf)[:, None, None]
        keys = (range(count), *(range(piece.start + count, piece.stop + count) for piece in pieces))
        blocks.append(Block(rows, keys, masked))
    return tuple(blocks)


def _ranges(columns: list[int]) -> list[range]:
    """Return ranges that cover ascending columns; a short gap costs less than another product."""
    ranges: list[range] = []
    for column in columns:
        if ranges and column - ranges[-1].stop < BLOCK:
            ranges[-1] = range(ranges[-1].start, column + 1)
        else:
            ranges.append(range(column, column + 1))
    return ranges


class _SeenAttention(torch.autograd.Function):
    """Attention by blocks of queries whose weights are computed again in the backward pass.

    The first S keys and values are those of the sink, which rotated queries meet; the columns of
    the row follow.
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        rotated: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        seen: SeenTokens,
    ) -> torch.Tensor:
        shared = key.shape[1]
        query, rotated = _grouped(query, shared), _grouped(rotated, shared)
        attended = torch.empty_like(query)
        for block in seen.blocks:
            weights = _weights(query, rotated, key, block).to(value.dtype)
            rows = attended[:, :, :, block.rows]
            mixed = torch.zeros_like(rows).flatten(2, 3)
            at = 0
            for keys in block.keys:
                mixed += weights[..., at : at + len(keys)] @ value[:, :, keys.start : keys.stop]
                at += len(keys)
            rows[:] = mixed.view(rows.shape)
        ctx.save_for_backward(query, rotated, key, value, attended)
        ctx.blocks = seen.blocks
        return attended.flatten(1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, rotated, key, value, attended = ctx.saved_tensors
        gradient = _grouped(gradient, key.shape[1])
        of_query, of_rotated = torch.empty_like(query), torch.empty_like(rotated)
        # Many blocks add to a key: in bfloat16 their sum would lose the small ones.
        of_key, of_value = (torch.zeros_like(x, dtype=torch.float32) for x in (key, value))
        inner = (gradient.float() * attended.float()).sum(-1, keepdim=True)
        for block in ctx.blocks:
            weights = _weights(query, rotated, key, block)
            out = gradient[:, :, :, block.rows].flatten(2, 3)
            offset = inner[:, :, :, block.rows].flatten(2, 3)
            at = 0
            of_queries = torch.zeros_like(out, dtype=torch.float32)
            for number, keys in enumerate(block.keys):
                here = slice(keys.start, keys.stop)
                piece = weights[..., at : at + len(keys)]
                at += len(keys)
                of_value[:, :, here] += piece.to(out.dtype).mT @ out
                slopes = (out @ value[:, :, here].mT).float().sub_(offset).mul_(piece)
                slopes = slopes.to(key.dtype)
                queries = query if number else rotated
                of_key[:, :, here] += slopes.mT @ queries[:, :, :, block.rows].flatten(2, 3)
                product = slopes @ key[:, :, here]
                if number:
                    of_queries += product
                else:
                    rows = of_rotated[:, :, :, block.rows]
                    rows[:] = product.view(rows.shape)
            rows = of_query[:, :, :, block.rows]
            rows[:] = of_queries.view(rows.shape)
        of_key, of_value = of_key.to(key.dtype), of_value.to(value.dtype)
        return of_query.flatten(1, 2), of_rotated.flatten(1, 2), of_key, of_value, None


def _grouped(heads: torch.Tensor, shared: int) -> torch.Tensor:
    """Return (B, heads, L, D) as (B, key heads, heads / key heads, L, D)."""
    return heads.view(heads.shape[0], shared, -1, *heads.shape[2:])


def _weights(
    query: torch.Tensor, rotated: torch.Tensor, key: torch.Tensor, block: Block
) -> torch.Tensor:
    """Return the weights of a block: (B, key heads, heads / key heads * rows, keys) float32."""
    rows = [x[:, :, :, block.rows] for x in (query, rotated)]
    flat = [x.flatten(2, 3) for x in rows]
    scores = [
        flat[0 if number else 1] @ key[:, :, keys.start : keys.stop].mT
        for number, keys in enumerate(block.keys)
    ]
    whole = torch.cat(scores, dim=-1).float().view(*rows[0].shape[:-1], -1)
    return whole.add_(block.unseen).softmax(-1).flatten(2, 3)


AttentionInterface.register(BATCH_ATTENTION, batch_attention)
