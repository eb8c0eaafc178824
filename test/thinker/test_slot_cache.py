"""Slots are taken, given back and turned."""

from __future__ import annotations

import pytest
import torch

from roma_ros.thinker import ContextError
from roma_ros.thinker.slot_cache import SlotCache

INV_FREQ = 1.0 / (10_000.0 ** (torch.arange(0, 8, 2) / 8))


@pytest.fixture
def cache() -> SlotCache:
    return SlotCache(
        layers=2,
        kv_heads=2,
        head_dim=8,
        capacity=256,
        inv_freq=INV_FREQ,
        dtype=torch.float32,
        device=torch.device("cpu"),
    )


def rotated(keys: torch.Tensor, position: int) -> torch.Tensor:
    """Keys of head_dim 8 rotated to a position, in complex float64."""
    pairs = torch.complex(keys[..., :4].double(), keys[..., 4:].double())
    turned = pairs * torch.exp(1j * INV_FREQ.double() * position)
    return torch.cat([turned.real, turned.imag], dim=-1).float()


def write(cache: SlotCache, slots: list[int], keys: torch.Tensor) -> None:
    cache.set_write_slots(slots)
    for number in range(2):
        cache.update(keys, keys + 1, number)


def test_lowest_slots_are_taken_first_and_reads_stay_short(cache: SlotCache) -> None:
    assert cache.allocate(3) == [0, 1, 2]
    assert cache.read_length == 64
    cache.free([1])
    assert cache.allocate(2) == [1, 3]
    cache.allocate(100)
    assert cache.read_length == 128
    cache.free(range(50, 104))
    cache.shrink()
    assert cache.read_length == 64
    assert cache.used == 50


def test_a_full_cache_says_so_and_takes_nothing(cache: SlotCache) -> None:
    cache.allocate(200)
    with pytest.raises(ContextError, match="100 tokens do not fit: 56 of 256"):
        cache.allocate(100)
    assert cache.free_count == 56


def test_held_slots_rest_until_release(cache: SlotCache) -> None:
    slots = cache.allocate(10)
    cache.hold()
    cache.free(slots)
    assert cache.allocate(1) == [10]
    cache.release()
    assert cache.allocate(2) == [0, 1]


def test_turning_equals_rotating_from_nothing(cache: SlotCache) -> None:
    keys = torch.randn(1, 2, 5, 8)
    slots = cache.allocate(5)
    write(cache, slots, rotated(keys, 7_000))
    cache.rotate(slots, -6_900)
    for kept in cache.read_keys(slots):
        torch.testing.assert_close(kept, rotated(keys, 100), rtol=0, atol=2e-3)
    cache.rotate(slots, 50, keys=[keys, keys])
    for kept in cache.read_keys(slots):
        torch.testing.assert_close(kept, rotated(keys, 50), rtol=0, atol=1e-5)


def test_duplicates_are_equal_and_erased_slots_are_zero(cache: SlotCache) -> None:
    slots = cache.allocate(4)
    write(cache, slots, torch.randn(1, 2, 4, 8))
    copies = cache.duplicate(slots)
    layer = cache.layers[1]
    torch.testing.assert_close(layer.values[:, :, copies], layer.values[:, :, slots])
    cache.zero(copies)
    assert not layer.keys[:, :, copies].any()
    assert layer.keys[:, :, slots].all()
