"""A sequence of tokens whose keys and values are in the slot cache."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers.models.qwen2_5_omni import Qwen2_5OmniThinkerTextModel

from roma_ros.thinker.attention import SLOT_ATTENTION, fold_mask
from roma_ros.thinker.qwen_omni import forward_text
from roma_ros.thinker.slot_cache import SlotCache

__all__ = ["TokenSequence", "text_offsets"]


class TokenSequence:
    """Tokens that attend to one another; a session has one, and a branch forks it.

    Args:
        backbone: text model that the tokens are run through.
        cache: holds the keys and values; sequences may share it.
        visible: (capacity,) bool, the slots that the next token attends to; `None` for none.
        position: next free TMRoPE position.
    """

    def __init__(
        self,
        backbone: Qwen2_5OmniThinkerTextModel,
        cache: SlotCache,
        visible: torch.Tensor | None = None,
        position: int = 0,
    ) -> None:
        self.backbone = backbone
        self.cache = cache
        if visible is None:
            visible = torch.zeros(cache.capacity, dtype=torch.bool, device=cache.device)
        self.visible = visible
        self.position = position

    def fork(self) -> TokenSequence:
        """Return a sequence that attends to the same slots and continues on its own."""
        return TokenSequence(self.backbone, self.cache, self.visible.clone(), self.position)

    def move(self, cache: SlotCache) -> SlotCache:
        """Continue in another empty cache, at least as large, and return the one used so far.

        Every token keeps the number of its slot.
        """
        previous, self.cache = self.cache, cache
        cache.copy_from(previous)
        visible = torch.zeros(cache.capacity, dtype=torch.bool, device=cache.device)
        visible[: len(self.visible)] = self.visible
        self.visible = visible
        return previous

    def show(self, slots: Sequence[int]) -> None:
        """Let the next tokens attend to `slots`."""
        self.visible[self._index(slots)] = True

    def hide(self, slots: Sequence[int]) -> None:
        """Mask `slots` from the next tokens; the slots themselves are not freed."""
        self.visible[self._index(slots)] = False

    def extend(
        self, embeds: torch.Tensor, offsets: torch.Tensor, advance: int
    ) -> tuple[tuple[torch.Tensor, ...], list[int]]:
        """Run tokens through the backbone and keep their keys and values.

        Args:
            embeds: (L, H) input embeddings.
            offsets: (3, L) int64 TMRoPE positions, relative to the next free one.
            advance: number of positions by which the next free one moves.

        Returns:
            The hidden state of every layer at the last token, each (H,), the last one
            normalised; and the slots allocated for the tokens.

        Raises:
            ContextError: the cache is full. After any error the sequence is unchanged.
        """
        length = embeds.shape[0]
        slots = self.cache.allocate(length)
        self.cache.set_write_slots(slots)
        try:
            outputs = forward_text(
                self.backbone,
                inputs_embeds=embeds[None],
                position_ids=(offsets + self.position)[:, None],
                attention_mask={"full_attention": self._mask(slots)},
                cache=self.cache,
                use_cache=True,
                output_hidden_states=True,
            )
        except BaseException:
            self.cache.free(slots)
            raise
        self.show(slots)
        self.position += advance
        return tuple(state[0, -1] for state in outputs.hidden_states), slots

    def extend_temporarily(self, embeds: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run text tokens and discard them; cache and sequence are unchanged.

        Args:
            embeds: (L, H) input embeddings.

        Returns:
            The hidden state of every layer at the last token, as `extend` returns it.

        Raises:
            ContextError: the cache is full.
        """
        read_length, length = self.cache.read_length, len(embeds)
        hidden, slots = self.fork().extend(embeds, text_offsets(length, embeds.device), length)
        self.cache.rollback(slots, read_length)
        return hidden

    def _mask(self, slots: Sequence[int]) -> torch.Tensor:
        """Return the mask of L new tokens: all visible slots, and causal among the new ones.

        Returns:
            A bias as `slot_attention` takes it; (1, 1, L, read_length) bool for transformers' own
            implementations of attention.
        """
        length = len(slots)
        mask = self.visible[: self.cache.read_length].repeat(length, 1)
        causal = torch.ones(length, length, dtype=torch.bool, device=self.cache.device).tril()
        mask[:, self._index(slots)] = causal
        config = self.backbone.config
        if config._attn_implementation != SLOT_ATTENTION:
            return mask[None, None]
        groups = config.num_attention_heads // config.num_key_value_heads
        return fold_mask(mask, groups, self.cache.layers[0].keys.dtype)

    def _index(self, slots: Sequence[int]) -> torch.Tensor:
        return torch.tensor(slots, dtype=torch.long, device=self.cache.device)


def text_offsets(length: int, device: torch.device) -> torch.Tensor:
    """Return (3, length) int64 positions of text, which is the same on all three axes."""
    return torch.arange(length, device=device).expand(3, -1)
