"""Muon for matrices, AdamW for the rest; one scheduler, and one state, for both."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from roma_ros.training.muon import MuonAndAdamW


def made(layer: nn.Linear) -> MuonAndAdamW:
    return MuonAndAdamW(
        [{"params": [layer.weight], "lr": 0.1, "weight_decay": 0.0}],
        [{"params": [layer.bias], "lr": 0.1, "weight_decay": 0.0}],
        (0.9, 0.98),
    )


def stepped(layer: nn.Linear, optimizer: MuonAndAdamW) -> None:
    optimizer.zero_grad()
    layer(torch.eye(4)).square().sum().backward()
    optimizer.step()


def test_a_matrix_moves_by_the_same_in_all_directions_and_a_scheduler_reaches_both() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 4)
    optimizer = made(layer)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5)
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    stepped(layer, optimizer)
    schedule.step()
    # Halved rate of 0.1; Muon's step is 0.2 sqrt(4) of it in each direction, as near as five
    # steps of Newton and Schulz come to one.
    sizes = torch.linalg.svdvals(layer.weight.detach() - weight) / (0.05 * 0.4)
    assert sizes.min() > 0.6
    assert sizes.max() < 1.3
    assert (layer.bias.detach() - bias).abs().tolist() == pytest.approx([0.05] * 4, rel=1e-3)


def test_what_was_saved_goes_on_as_if_it_had_not_stopped() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 4)
    optimizer = made(layer)
    stepped(layer, optimizer)
    other = copy.deepcopy(layer)
    resumed = made(other)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert [group["lr"] for group in resumed.param_groups] == [0.1, 0.1]
    for one, its in ((layer, optimizer), (other, resumed)):
        its.param_groups[0]["lr"] = 0.3
        stepped(one, its)
    torch.testing.assert_close(other.weight, layer.weight)
    torch.testing.assert_close(other.bias, layer.bias)
