"""One context of a stream: opening turns, units and replies in one KV cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from roma_ros.thinker.branch import Branch
from roma_ros.thinker.decoding import Utterance, decode
from roma_ros.thinker.encoding import EncodedUnit
from roma_ros.thinker.errors import ContextError
from roma_ros.thinker.memory import Memory
from roma_ros.thinker.model import ThinkerModel
from roma_ros.thinker.qwen_omni import rotary_frequencies, text_model
from roma_ros.thinker.sequence import TokenSequence, text_offsets
from roma_ros.thinker.slot_cache import SlotCache
from roma_ros.thinker.window import ContextWindow, WindowSize, WindowUnit

__all__ = ["ContextUnit", "StreamContext", "allocate_cache"]


@dataclass(slots=True)
class ContextUnit:
    """A unit to append to a context.

    Attributes:
        encoded: the unit.
        text: token ids of the text that follows it, if there is some already.
        retain_audio: whether its audio is part of a spoken instruction, and outlives the unit.
    """

    encoded: EncodedUnit
    text: list[int] = field(default_factory=list)
    retain_audio: bool = False


class StreamContext:
    """Opening turns, units and replies, as one sequence in a KV cache of fixed capacity.

    If a unit does not fit, the oldest one is evicted whole, with the replies that follow it.

    Args:
        model: weights.
        size: limits of the window.
        cache: empty cache; `move` exchanges it.
        opening: token ids of the opening turns.
        speech: units with the audio of a spoken instruction, without video, which follow the
            opening turns and are never evicted.
        unit_question: token ids of the question after each unit; empty for none.

    Attributes:
        window: units in the cache, and their slots and positions.
        reply: token ids of the reply so far, while it is paused.
        speaking: whether a reply was paused by its token budget.
        branch: the open branch; `None` for none.
    """

    def __init__(
        self,
        model: ThinkerModel,
        size: WindowSize,
        cache: SlotCache,
        *,
        opening: list[int],
        speech: Sequence[EncodedUnit] = (),
        unit_question: list[int],
    ) -> None:
        self.model = model
        self.window = ContextWindow(TokenSequence(text_model(model.backbone), cache), size)
        self.reply: list[int] = []
        self.speaking = False
        self.branch: Branch | None = None
        self._unit_question = unit_question
        self._pending: list[int] = []  # text not yet run through the backbone
        self.window.open_sink(*self._chain([opening, *speech]))

    @property
    def units_kept(self) -> int:
        """Number of units in the window."""
        return len(self.window.units)

    def has_room_for(self, unit: ContextUnit) -> bool:
        """Return whether a unit can be appended without evicting another."""
        fits = self.units_kept < self.window.size.units
        return fits and self.window.has_room_for(self._tokens_with([unit]))

    def append(self, units: Sequence[ContextUnit]) -> tuple[torch.Tensor, ...]:
        """Run units through the backbone in one pass, with the texts between them.

        Args:
            units: at least one; the text after the last one is run with the next unit.

        Returns:
            The hidden state of every layer at the last unit's last token, each (H,).
        """
        self._make_room(self._tokens_with(units), units=len(units))
        parts: list[list[int] | EncodedUnit] = []
        text = self._pending
        for unit in units:
            parts += [text, unit.encoded]
            text = unit.text
        position = self.window.sequence.position
        hidden, slots = self.window.sequence.extend(*self._chain(parts))
        text = self._pending
        for unit in units:
            self._add_text_slots(slots[: len(text)])
            slots, position = slots[len(text) :], position + len(text)
            length = len(unit.encoded.tokens)
            self._add_unit(unit, position, slots[:length])
            slots, position = slots[length:], position + unit.encoded.advance
            text = unit.text
        self._pending = list(text)
        return hidden

    def p_speak(self, hidden: tuple[torch.Tensor, ...]) -> float | None:
        """Return p(speak) from the states at a unit's end, or by the question after it."""
        if self.model.yes_no is None:
            return self.model.p_speak(hidden)
        if not self._unit_question:
            return None
        question = self.model.embed(self._unit_question)
        return self.model.p_speak(self.window.sequence.extend_temporarily(question))

    def speak(self, max_new_tokens: int) -> tuple[Utterance, list[int]]:
        """Generate the next slice of a reply.

        Returns:
            The slice, and the token ids that it adds after the last unit, markup included.
        """
        if not self.speaking:
            self.reply = []
        dialogue = self.model.dialogue
        header = dialogue.reply_header
        self._make_room(len(self._pending) + len(header) + max_new_tokens + 1)
        prefix = [*self._pending, *header]
        decoded = decode(self.model, self.window.sequence, prefix, max_new_tokens)
        self.reply += decoded.generated
        closing = dialogue.closing(finished=decoded.finished)
        added = [*header, *decoded.generated, *closing]
        last = self.window.units[-1]
        last.slots += decoded.slots
        last.text += added
        self._pending = [*decoded.unforwarded, *closing]
        self.speaking = not decoded.finished
        utterance = Utterance(
            text=dialogue.decode(decoded.generated),
            reply=dialogue.decode(self.reply),
            finished=decoded.finished,
            tokens=len(decoded.generated),
        )
        return utterance, added

    def continue_reply(self, other: StreamContext) -> None:
        """Take over the reply of a context with the same last unit and text."""
        self.reply, self.speaking = other.reply, other.speaking

    def append_text(self, ids: Sequence[int]) -> None:
        """Append text after the last unit, if there is one; it is run with the next unit."""
        if self.window.units:
            self.window.units[-1].text += ids
            self._pending += ids

    def open_branch(
        self, on_close: Callable[[Sequence[int]], None], memory: Memory | None = None
    ) -> Branch:
        """Open a branch; none may be open.

        Args:
            on_close: called once, when it closes, with the token ids that it leaves, if any.
            memory: records that the question may look back at; `None` for none.
        """

        def closed(kept: Sequence[int]) -> None:
            self.branch = None
            on_close(kept)

        self.branch = Branch(self.model, self.window, self._pending, closed, memory)
        return self.branch

    def close_branch(self) -> None:
        """Close the open branch, if there is one."""
        if self.branch is not None:
            self.branch.close()

    def move(self, cache: SlotCache) -> SlotCache:
        """Continue in another cache, at least as large; no branch may be open.

        Returns:
            The cache used so far, emptied.
        """
        return self.window.move(cache)

    def close(self) -> SlotCache:
        """Close the open branch and return the cache, emptied; the context cannot be used again."""
        self.close_branch()
        return self.window.close()

    def _tokens_with(self, units: Sequence[ContextUnit]) -> int:
        """Return how many tokens are run to append units."""
        new = sum(len(unit.encoded.tokens) + len(unit.text) for unit in units)
        return len(self._pending) + new + len(self._unit_question)

    def _add_text_slots(self, slots: list[int]) -> None:
        if slots:
            self.window.units[-1].slots += slots

    def _add_unit(self, unit: ContextUnit, position: int, slots: list[int]) -> None:
        encoded = unit.encoded
        added = WindowUnit(
            stream=encoded.stream,
            index=encoded.index,
            stamp=encoded.stamp,
            tokens=encoded.tokens,
            offsets=encoded.offsets,
            position=position,
            slots=slots,
            text=list(unit.text),
        )
        if unit.retain_audio:
            is_video = (encoded.tokens == self.model.dialogue.token("<|VIDEO|>")).tolist()
            added.retained = [
                slot for slot, video in zip(slots, is_video, strict=True) if not video
            ]
        self.window.units.append(added)

    def _make_room(self, tokens: int, units: int = 0) -> None:
        """Evict the oldest units until `units` more and `tokens` more tokens fit."""
        self.window.evict_beyond(self.window.size.units - units)
        if self.branch is not None and self.window.cache.free_count < tokens:
            self.branch.close()  # it has been open for too long; the next unit has priority
        self.window.make_room(tokens)
        if not self.window.units:  # a reply's pending end was evicted with its unit
            self._pending, self.speaking = [], False

    def _chain(
        self, parts: Sequence[list[int] | EncodedUnit]
    ) -> tuple[torch.Tensor, torch.Tensor, int]:
        """Return embeddings and positions of texts and units, one after another.

        Returns:
            (L, H) embeddings, (3, L) int64 positions relative to the next free one, and the number
            of positions by which that moves.
        """
        embeds, offsets, advance = [], [], 0
        for part in parts:
            if isinstance(part, EncodedUnit):
                embeds.append(part.embeds)
                offsets.append(part.offsets + advance)
                advance += part.advance
            elif part:
                embeds.append(self.model.embed(part))
                offsets.append(text_offsets(len(part), self.model.device) + advance)
                advance += len(part)
        return torch.cat(embeds), torch.cat(offsets, dim=1), advance


def allocate_cache(model: ThinkerModel, capacity: int) -> SlotCache:
    """Allocate a cache of `capacity` tokens.

    Raises:
        ContextError: the device has too little memory.
    """
    text = model.backbone.config.text_config
    try:
        return SlotCache(
            layers=text.num_hidden_layers,
            kv_heads=text.num_key_value_heads,
            head_dim=text.hidden_size // text.num_attention_heads,
            capacity=capacity,
            inv_freq=rotary_frequencies(model.backbone),
            dtype=model.embed_dtype,
            device=model.device,
        )
    except RuntimeError as error:  # torch's out-of-memory errors
        raise ContextError(
            f"the KV cache takes {capacity:,} tokens, and {model.device} has too little memory for "
            f"it: shorten the window (context_seconds). {error}"
        ) from error
