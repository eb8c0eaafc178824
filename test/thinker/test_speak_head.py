"""The speak head against its equation."""

from __future__ import annotations

import torch

from roma_ros.thinker import SpeakHead


def test_it_mixes_layers_by_a_softmax_and_reads_two_linear_layers() -> None:
    head = SpeakHead(8, layers=3).double()
    torch.nn.init.normal_(head.mixer)
    states = torch.randn(3, 5, 8, dtype=torch.float64)
    shares = head.mixer.exp() / head.mixer.exp().sum()
    mixed = sum(share * state for share, state in zip(shares, states, strict=True))
    middle = torch.nn.functional.gelu(mixed @ head.fc1.weight.T + head.fc1.bias)
    expected = (middle @ head.fc2.weight.T + head.fc2.bias)[:, 0]
    torch.testing.assert_close(head(states), expected)
    assert head.fc1.out_features == 2


def test_untrained_shares_are_equal() -> None:
    assert SpeakHead(8).mixer.softmax(0).tolist() == [0.25] * 4
