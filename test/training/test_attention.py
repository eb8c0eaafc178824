"""Block by block, attention is what torch's own is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from roma_ros.training.attention import BLOCK, batch_attention


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
