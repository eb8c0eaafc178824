"""KV cache of fixed capacity whose slots are allocated and freed in any order.

Attention does not depend on where in memory a key is stored: its position is rotated into it, and
a mask selects the visible keys. So evicting a unit frees its slots, and nothing is moved.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

import torch
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin

from roma_ros.thinker.errors import ContextError

__all__ = ["SlotCache", "rotate"]


class SlotLayer(CacheLayerMixin):
    """Keys and values of one layer, each (1, kv_heads, capacity, head_dim)."""

    is_sliding = False

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()
        self.keys, self.values = keys, values
        self.is_initialized = True
        self.write_slots = torch.empty(0, dtype=torch.long)
        self.read_length = 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        raise ContextError("a slot layer is allocated at construction, not by its first update")

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
    """Preallocated keys and values of one session; a slot holds one token.

    The lowest free slot is allocated first, so that attention only reads the slots below
    `read_length`.

    Args:
        layers: number of decoder layers.
        kv_heads: key-value heads of a layer.
        head_dim: size of a head.
        capacity: number of slots.
        inv_freq: (head_dim / 2) float32 rotary frequencies, for `rotate`.
        dtype: dtype of keys and values.
        device: device of keys and values.

    Attributes:
        read_length: number of slots that attention reads, a multiple of `READ_STEP` or `capacity`;
            all slots in use are below it.
    """

    READ_STEP = 64  # so that attention runs with few different shapes

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
        self._deferred: list[int] = []
        self._holds = 0

    @property
    def used(self) -> int:
        """Number of slots in use, including those whose freeing is deferred."""
        return self.capacity - len(self._free)

    @property
    def free_count(self) -> int:
        """Number of free slots."""
        return len(self._free)

    @property
    def memory_bytes(self) -> int:
        """Bytes of all keys and values, constant."""
        return sum(t.nbytes for layer in self.layers for t in (layer.keys, layer.values))

    def allocate(self, count: int) -> list[int]:
        """Allocate the lowest `count` free slots.

        Raises:
            ContextError: fewer slots are free; nothing is allocated.
        """
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
        """Free slots; while the cache is held, this is deferred until `release`."""
        if self._holds:
            self._deferred.extend(slots)
            return
        for slot in slots:
            heapq.heappush(self._free, slot)

    def rollback(self, slots: Sequence[int], read_length: int) -> None:
        """Undo the latest `allocate`: zero and free `slots` at once, even while the cache is held.

        Args:
            slots: slots that nothing but their allocator has read.
            read_length: value of `read_length` before the allocation.
        """
        self.zero(slots)
        for slot in slots:
            heapq.heappush(self._free, slot)
        self.read_length = read_length

    def clear(self) -> None:
        """Free all slots; no sequence may read them any more."""
        self._free = list(range(self.capacity))
        self._deferred, self._holds = [], 0
        self.read_length = 0

    def copy_from(self, other: SlotCache) -> None:
        """Take over keys and values of another cache, at most as large, each at the same slot.

        Args:
            other: cache of the same layers, without slots whose freeing is deferred; unchanged.
        """
        length = self.read_length = other.read_length
        for layer, source in zip(self.layers, other.layers, strict=True):
            layer.keys[:, :, :length] = source.keys[:, :, :length]
            layer.values[:, :, :length] = source.values[:, :, :length]
        self._free = sorted({*other._free, *range(other.capacity, self.capacity)})

    def hold(self) -> None:
        """Defer freeing until `release`, because a branch still reads the slots in use."""
        self._holds += 1

    def release(self) -> None:
        """End one `hold`; after the last one, free the slots whose freeing was deferred."""
        self._holds -= 1
        if not self._holds:
            deferred, self._deferred = self._deferred, []
            self.free(deferred)

    def slots_in_use(self) -> list[int]:
        """Return the slots in use, in ascending order."""
        return sorted(set(range(self.capacity)).difference(self._free))

    def shrink(self) -> None:
        """Lower `read_length` to what the slots in use need."""
        highest = max(self.slots_in_use(), default=-1) + 1
        self.read_length = min(self.capacity, -(-highest // self.READ_STEP) * self.READ_STEP)

    def set_write_slots(self, slots: Sequence[int]) -> None:
        """Set the slots that the next forward pass writes its keys and values to."""
        index = self._index(slots)
        for layer in self.layers:
            layer.write_slots, layer.read_length = index, self.read_length

    def zero(self, slots: Sequence[int]) -> None:
        """Set keys and values of slots to 0, as they were before their first use."""
        index = self._index(slots)
        for layer in self.layers:
            layer.keys.index_fill_(2, index, 0)
            layer.values.index_fill_(2, index, 0)

    def duplicate(self, slots: Sequence[int]) -> list[int]:
        """Copy keys and values of `slots` to newly allocated slots, and return these.

        Raises:
            ContextError: too few slots are free.
        """
        copies = self.allocate(len(slots))
        source, target = self._index(slots), self._index(copies)
        for layer in self.layers:
            for tensor in (layer.keys, layer.values):
                tensor.index_copy_(2, target, tensor.index_select(2, source))
        return copies

    def read_keys(self, slots: Sequence[int]) -> list[torch.Tensor]:
        """Return copies of the keys at n slots: for each layer (1, kv_heads, n, head_dim)."""
        index = self._index(slots)
        return [layer.keys.index_select(2, index) for layer in self.layers]

    def read(self, slots: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return copies of keys and values at n slots, each (layers, kv_heads, n, head_dim)."""
        index = self._index(slots)
        keys = [layer.keys[0].index_select(1, index) for layer in self.layers]
        values = [layer.values[0].index_select(1, index) for layer in self.layers]
        return torch.stack(keys), torch.stack(values)

    def write(self, slots: Sequence[int], keys: torch.Tensor, values: torch.Tensor) -> None:
        """Write keys and values, as `read` returns them, to allocated slots."""
        index = self._index(slots)
        for layer, layer_keys, layer_values in zip(self.layers, keys, values, strict=True):
            layer.keys.index_copy_(2, index, layer_keys[None].to(layer.keys.dtype))
            layer.values.index_copy_(2, index, layer_values[None].to(layer.values.dtype))

    def rotate(
        self, slots: Sequence[int], by: int, keys: Sequence[torch.Tensor] | None = None
    ) -> None:
        """Move the keys at `slots` by `by` positions: rotate them in float32 and write them back.

        All three TMRoPE axes move by the same amount, so each frequency rotates by `by` times
        itself whichever axis it belongs to: R(p + by) = R(by) R(p).

        Args:
            slots: slots to write.
            by: number of positions, of either sign.
            keys: keys to rotate, as `read_keys` returned them; `None`: the keys at `slots`.
        """
        if not slots:
            return
        index = self._index(slots)
        angles = by * self.inv_freq
        for number, layer in enumerate(self.layers):
            old = layer.keys.index_select(2, index) if keys is None else keys[number]
            layer.keys.index_copy_(2, index, rotate(old.float(), angles).to(layer.keys.dtype))

    def _index(self, slots: Sequence[int]) -> torch.Tensor:
        return torch.tensor(slots, dtype=torch.long, device=self.device)


def rotate(keys: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Return keys rotated further, as rotary embeddings do it.

    Args:
        keys: (..., D) float32.
        angles: (D / 2,) float32 by frequency, or any shape that fits the keys' up to there.
    """
    cos, sin = torch.cat((angles, angles), -1).cos(), torch.cat((angles, angles), -1).sin()
    low, high = keys.chunk(2, dim=-1)
    return keys * cos + torch.cat((-high, low), dim=-1) * sin
