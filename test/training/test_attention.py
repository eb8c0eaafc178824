"""Block by block, attention is what torch's own is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from roma_ros.training.attention import BLOCK, LONG, SeenTokens, _at_once, batch_attention


@pytest.mark.parametrize("length", [5, BLOCK, 2 * BLOCK + 3])
@pytest.mark.parametrize("masked", [False, True])
def test_it_is_scaled_dot_product_attention(length: int, masked: bool) -> None:
    torch.manual_seed(0)
    query = torch.randn(2, 6, length, 8, requires_grad=True)
    key, value = torch.randn(2, 2, 2, length, 8, requires_grad=True)
    mask = None
    if masked:  # each row sees itself, and some of what is before it
        mask = (torch.rand(2, 1, length, length) < 0.5).tril() | torch.eye(length, dtype=torch.bool)
    got, weights = batch_attention(nn.Identity(), query, key, value, mask, scaling=0.3)
    expected = nn.functional.scaled_dot_product_attention(
        query, key, value, mask, is_causal=mask is None, scale=0.3, enable_gqa=True
    ).transpose(1, 2)
    assert weights is None
    torch.testing.assert_close(got, expected)
    ways = [
        torch.autograd.grad(out.square().sum(), (query, key, value), retain_graph=True)
        for out in (got, expected)
    ]
    for one, other in zip(*ways, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_rotated_sink_and_rows_of_different_windows() -> None:
    torch.manual_seed(1)
    length, width = 3 * BLOCK + 5, 8
    query = torch.randn(2, 6, length, width, requires_grad=True)
    key, value = torch.randn(2, 2, 2, length, width, requires_grad=True)
    index = torch.arange(length)
    sink = torch.stack([index < 7, (index < 20) & (index % 3 > 0)])
    near = index[:, None] - index[None] < torch.tensor([30, 90])[:, None, None]
    mask = ((near | sink[:, None]) & torch.ones(length, length).tril().bool())[:, None]
    shifts = torch.stack([index, 2 * index])
    frequencies = torch.rand(width // 2)
    seen = SeenTokens.of(mask, sink, shifts, frequencies, length)
    assert isinstance(seen, SeenTokens)
    got, _ = batch_attention(nn.Identity(), query, key, value, seen, scaling=0.3)
    expected = _at_once(0.3 * query, key, value, seen).transpose(1, 2)
    torch.testing.assert_close(got, expected)
    ways = [
        torch.autograd.grad(out.square().sum(), (query, key, value), retain_graph=True)
        for out in (got, expected)
    ]
    for one, other in zip(*ways, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    first = seen.blocks[-1].keys[1].start - len(seen.sink_at)
    assert first == 3 * BLOCK - 89  # what no query of a block sees is skipped


def test_long_rows_without_evictions_are_plain_attention() -> None:
    torch.manual_seed(2)
    length = LONG + 40
    query = torch.randn(1, 2, length, 8)
    key, value = torch.randn(2, 1, 1, length, 8)
    seen = SeenTokens.of(None, None, None, torch.rand(4), length)
    assert isinstance(seen, SeenTokens)
    got, _ = batch_attention(nn.Identity(), query, key, value, seen)
    expected, _ = batch_attention(nn.Identity(), query, key, value, None)
    torch.testing.assert_close(got, expected)
    assert SeenTokens.of(None, None, None, torch.rand(4), LONG) is None
