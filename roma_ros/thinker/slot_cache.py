"""A key-value cache of fixed capacity whose slots are taken and given back in any order.

Attention does not care where in memory a key stands: its position is rotated into it, and a mask
says who sees it. So dropping the oldest unit is forgetting its slots, and nothing is ever moved.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

import torch
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin

from roma_ros.thinker.errors import ContextError

__all__ = ["SlotCache"]


class SlotLayer(CacheLayerMixin):
    """One layer's keys and values, each (1, kv_heads, capacity, head_dim)."""

    is_sliding = False

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()
        self.keys, self.values = keys, values
        self.is_initialized = True
        self.write_slots = torch.empty(0, dtype=torch.long)
        self.read_length = 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        raise ContextError("a slot layer is allocated when it is made, not by its first update")

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        self.keys.index_copy_(2, self.write_slots, key_states.to(self.keys.dtype))
        self.values.index_copy_(2, self.write_slots, value_states.to(self.values.dtype))
        return self.keys[:, :, : self.read_length], self.values[:, :, : self.read_length]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.read_length, 0

    def get_seq_length(self) -> int:
        return self.read_length

    def get_max_length(self) -> int:
        return self.keys.shape[2]


class SlotCache(Cache):
    """Preallocated keys and values of one session, handed out slot by slot.

    Args:
        layers, kv_heads, head_dim: shape of the backbone's attention.
        capacity: number of tokens that fit.
        inv_freq: (head_dim / 2) float32 rotary frequencies, for turning keys.

    The lowest free slot is taken first, so that only slots below `read_length`, the highest ever
    in use, have to be read.
    """

    READ_STEP = 64  # read_length grows in steps, so that few shapes occur

    def __init__(
        self,
        *,
        layers: int,
        kv_heads: int,
        head_dim: int,
        capacity: int,
        inv_freq: torch.Tensor,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        shape = (1, kv_heads, capacity, head_dim)
        super().__init__(
            layers=[
                SlotLayer(
                    torch.zeros(shape, dtype=dtype, device=device),
                    torch.zeros(shape, dtype=dtype, device=device),
                )
                for _ in range(layers)
            ]
        )
        self.capacity = capacity
        self.device = device
        self.inv_freq = inv_freq.to(device=device, dtype=torch.float32)
        self.read_length = 0
        self._free = list(range(capacity))  # sorted, hence a heap
        self._resting: list[int] = []
        self._holds = 0

    @property
    def used(self) -> int:
        """Slots in use, those that rest for an open branch included."""
        return self.capacity - len(self._free)

    @property
    def free_count(self) -> int:
        return len(self._free)

    @property
    def memory_bytes(self) -> int:
        return sum(t.nbytes for layer in self.layers for t in (layer.keys, layer.values))

    def allocate(self, count: int) -> list[int]:
        """Take `count` free slots; raises `ContextError` when there are fewer."""
        if count > len(self._free):
            raise ContextError(
                f"{count} tokens do not fit: {len(self._free)} of {self.capacity} slots are free. "
                "Shorten the instruction, the question or the reply, or raise context_seconds"
            )
        slots = [heapq.heappop(self._free) for _ in range(count)]
        highest = -(-(max(slots, default=-1) + 1) // self.READ_STEP) * self.READ_STEP
        self.read_length = min(self.capacity, max(self.read_length, highest))
        return slots

    def free(self, slots: Iterable[int]) -> None:
        """Free slots; while a branch holds the cache they rest, since it may still see them."""
        if self._holds:
            self._resting.extend(slots)
            return
        for slot in slots:
            heapq.heappush(self._free, slot)

    def rollback(self, slots: Sequence[int], read_length: int) -> None:
        """Undo `take`: zero and free slots that only their taker has seen, branch or no branch."""
        self.zero(slots)
        for slot in slots:
            heapq.heappush(self._free, slot)
        self.read_length = read_length

    def hold(self) -> None:
        self._holds += 1

    def release(self) -> None:
        self._holds -= 1
        if not self._holds:
            resting, self._resting = self._resting, []
            self.free(resting)

    def slots_in_use(self) -> list[int]:
        return sorted(set(range(self.capacity)).difference(self._free))

    def shrink(self) -> None:
        """Read no further than the highest slot in use, as before a branch had been open."""
        highest = max(self.slots_in_use(), default=-1) + 1
        self.read_length = min(self.capacity, -(-highest // self.READ_STEP) * self.READ_STEP)

    def set_write_slots(self, slots: Sequence[int]) -> None:
        """Say where the next forward pass writes its keys and values."""
        index = self._index(slots)
        for layer in self.layers:
            layer.write_slots, layer.read_length = index, self.read_length

    def zero(self, slots: Sequence[int]) -> None:
        """Zero slots, as they were before they were first used."""
        index = self._index(slots)
        for layer in self.layers:
            layer.keys.index_fill_(2, index, 0)
            layer.values.index_fill_(2, index, 0)

    def duplicate(self, slots: Sequence[int]) -> list[int]:
        """Copy the keys and values of `slots` to freshly taken ones."""
        copies = self.allocate(len(slots))
        source, target = self._index(slots), self._index(copies)
        for layer in self.layers:
            for tensor in (layer.keys, layer.values):
                tensor.index_copy_(2, target, tensor.index_select(2, source))
        return copies

    def read_keys(self, slots: Sequence[int]) -> list[torch.Tensor]:
        """Copies of the keys at `slots`, one (1, kv_heads, n, head_dim) a layer."""
        index = self._index(slots)
        return [layer.keys.index_select(2, index) for layer in self.layers]

    def rotate(
        self, slots: Sequence[int], by: int, keys: Sequence[torch.Tensor] | None = None
    ) -> None:
        """Rotate the keys at `slots` by `by` positions, in float32, and write them back.

        All three TMRoPE axes move by the same amount, so each frequency turns by `by` times
        itself whichever axis it serves: R(p + by) = R(by) R(p).

        Args:
            keys: what to rotate instead of the keys that stand there, as `read_keys` gave it.
        """
        if not slots:
            return
        index = self._index(slots)
        angle = by * self.inv_freq
        cos, sin = angle.cos().repeat(2), angle.sin().repeat(2)
        for number, layer in enumerate(self.layers):
            old = layer.keys.index_select(2, index) if keys is None else keys[number]
            old = old.float()
            low, high = old.chunk(2, dim=-1)
            turned = old * cos + torch.cat((-high, low), dim=-1) * sin
            layer.keys.index_copy_(2, index, turned.to(layer.keys.dtype))

    def _index(self, slots: Sequence[int]) -> torch.Tensor:
        return torch.tensor(slots, dtype=torch.long, device=self.device)
