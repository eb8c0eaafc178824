"""A line of tokens in the slot cache: what it sees, and where it goes on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers.models.qwen2_5_omni import Qwen2_5OmniThinkerTextModel

from roma_ros.thinker.qwen_omni import forward_text
from roma_ros.thinker.slot_cache import SlotCache

__all__ = ["Strand"]


class Strand:
    """Tokens that follow one another; a session is one, a branch forks off another.

    Args:
        backbone: the text model.
        cache: where its keys and values stand.
        visible: (capacity,) bool, slots that this strand's next token attends to.
        position: the next free TMRoPE position.
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

    def fork(self) -> Strand:
        return Strand(self.backbone, self.cache, self.visible.clone(), self.position)

    def see(self, slots: Sequence[int]) -> None:
        """Let the next tokens attend to `slots`."""
        self.visible[self._index(slots)] = True

    def forget(self, slots: Sequence[int]) -> None:
        """Stop seeing `slots`."""
        self.visible[self._index(slots)] = False

    def extend(
        self, embeds: torch.Tensor, offsets: torch.Tensor, advance: int
    ) -> tuple[tuple[torch.Tensor, ...], list[int]]:
        """Run tokens through the backbone and keep their keys and values.

        Args:
            embeds: (L, H) input embeddings.
            offsets: (3, L) int64 TMRoPE positions, relative to the next free one.
            advance: how far the next free position moves.

        Returns:
            The hidden states of every layer at the last token, each (H,), the last one
            normalised; and the slots that the tokens took.

        Raises:
            ContextError: the cache is full. Whatever is raised, the strand is as before.
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
        self.see(slots)
        self.position += advance
        return tuple(state[0, -1] for state in outputs.hidden_states), slots

    def aside(self, embeds: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run tokens of text that nobody will remember; cache and strand are as before.

        Args:
            embeds: (L, H) input embeddings.

        Returns:
            The hidden states of every layer at the last token, as `extend` does.

        Raises:
            ContextError: the cache is full.
        """
        read_length, length = self.cache.read_length, len(embeds)
        offsets = torch.arange(length, device=embeds.device).expand(3, -1)
        hidden, slots = self.fork().extend(embeds, offsets, length)
        self.cache.rollback(slots, read_length)
        return hidden

    def _mask(self, slots: Sequence[int]) -> torch.Tensor:
        """(1, 1, L, read_length) bool: all that is visible, causal among the new tokens."""
        length = len(slots)
        mask = self.visible[: self.cache.read_length].repeat(length, 1)
        causal = torch.ones(length, length, dtype=torch.bool, device=self.cache.device).tril()
        mask[:, self._index(slots)] = causal
        return mask[None, None]

    def _index(self, slots: Sequence[int]) -> torch.Tensor:
        return torch.tensor(slots, dtype=torch.long, device=self.cache.device)
