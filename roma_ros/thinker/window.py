"""The context window of a session: which units the KV cache holds, and at which positions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from roma_ros.thinker.encoding import AUDIO_TOKENS_PER_UNIT, MARKERS_PER_UNIT
from roma_ros.thinker.errors import ContextError
from roma_ros.thinker.sequence import TokenSequence
from roma_ros.thinker.slot_cache import SlotCache

__all__ = ["ANSWER_TOKENS", "QUESTION_TOKENS", "ContextWindow", "WindowSize", "WindowUnit"]

QUESTION_TOKENS = 256  # most tokens of a question on a branch
ANSWER_TOKENS = 128  # most tokens of its answer
TURN_TOKENS = 32  # chat markup around the two
TEXT_TOKENS_PER_UNIT = 8  # room for replies in the window, on average
UNITS_DURING_BRANCH = 16  # units that may arrive while a branch is open
AUDIO_UNIT_TOKENS = MARKERS_PER_UNIT + AUDIO_TOKENS_PER_UNIT
UNIT_POSITIONS = 27 + TEXT_TOKENS_PER_UNIT  # positions that a unit with audio and its text span


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSize:
    """Sizes from which a session's cache and its range of positions follow.

    Args:
        units: units that the window keeps, at one a second.
        opening_tokens: tokens of the turns before the first unit.
        spoken_units: units into which a spoken instruction is mixed; 0 without one.
        unit_question_tokens: tokens of the question that follows every unit if `speak_source` is
            `yes_no`; else 0.
        max_video_tokens: most video tokens that a unit can have.
        position_limit: positions stay below it.
        look_back: most units that a branch may bring back from the memory.

    Raises:
        ContextError: the window does not fit in `position_limit` positions.
    """

    units: int
    opening_tokens: int
    spoken_units: int
    unit_question_tokens: int
    max_video_tokens: int
    position_limit: int
    look_back: int = 0

    def __post_init__(self) -> None:
        span = 2 + max(AUDIO_TOKENS_PER_UNIT, self.max_video_tokens) + TEXT_TOKENS_PER_UNIT
        need = (
            self.opening_tokens
            + span
            + (self.units + self.spoken_units + self.look_back) * UNIT_POSITIONS
        )
        need += self.unit_question_tokens
        need += QUESTION_TOKENS + ANSWER_TOKENS
        if need > self.position_limit:
            excess = -(-(need - self.position_limit) // UNIT_POSITIONS)
            fits = f"at most {self.units - excess} s fit" if excess < self.units else "none fits"
            raise ContextError(
                f"context_seconds={self.units} with an opening of {self.opening_tokens} tokens "
                f"needs about {need:,} positions; the backbone was trained on "
                f"{self.position_limit:,}. With this opening {fits}"
            )

    @property
    def retained_tokens(self) -> int:
        """Most tokens that are never evicted: the opening, and a spoken instruction's audio."""
        return self.opening_tokens + self.spoken_units * AUDIO_UNIT_TOKENS

    @property
    def reserve(self) -> int:
        """Slots kept free so that a branch can always be opened and answered."""
        question = QUESTION_TOKENS + ANSWER_TOKENS + TURN_TOKENS
        looked_back = self.look_back * self._unit_slots
        return question + looked_back + self.retained_tokens + self.unit_question_tokens

    @property
    def capacity(self) -> int:
        """Slots of the cache, a multiple of `SlotCache.READ_STEP`."""
        return self._slots_for(self.units, self.reserve)

    def capacity_before_handover(self, units: int) -> int:
        """Return the slots of a cache for the first `units` of a window, without a branch."""
        return self._slots_for(units, reserve=0)

    @property
    def _unit_slots(self) -> int:
        """Slots of a unit with the text after it."""
        return AUDIO_UNIT_TOKENS + self.max_video_tokens + TEXT_TOKENS_PER_UNIT

    def _slots_for(self, units: int, reserve: int) -> int:
        units += UNITS_DURING_BRANCH
        tokens = self.retained_tokens + self._unit_slots * units + reserve
        return -(-tokens // SlotCache.READ_STEP) * SlotCache.READ_STEP


@dataclass(slots=True)
class WindowUnit:
    """One unit in the window.

    Attributes:
        stream, index: stream and index of the unit.
        stamp: end of the unit, ns on the sensor clock.
        tokens: (L,) int64 token ids of the unit, with placeholders.
        offsets: (3, L) int64 TMRoPE positions of its tokens, relative to `position`.
        position: TMRoPE position of its first token.
        slots: cache slots of its tokens and of the text that follows it.
        text: token ids of that text.
        retained: those of `slots` that outlive the unit: audio of a spoken instruction.
    """

    stream: int
    index: int
    stamp: int
    tokens: torch.Tensor
    offsets: torch.Tensor
    position: int
    slots: list[int]
    text: list[int] = field(default_factory=list)
    retained: list[int] = field(default_factory=list)


class ContextWindow:
    """An attention sink and the last units of a stream, in a cache of fixed capacity.

    The sink is the opening turns. Units are evicted whole, oldest first; the sink is then rotated
    to stand right before the oldest unit left, as if the stream had begun there. All other keys
    are rotated only when positions reach the end of the backbone's trained range.

    When the units with a spoken instruction are evicted, their audio becomes part of the sink.

    Args:
        sequence: empty sequence over an empty cache of `size.capacity` slots.
        size: limits of the window.

    Attributes:
        units: units in the window, oldest first.
        evicted: number of units evicted so far.
        sink: cache slots of the attention sink.
        sink_shift: positions by which the sink's keys are rotated from where they were computed.
        on_evict: called with the oldest unit before it is evicted; `None` for nothing.
    """

    def __init__(self, sequence: TokenSequence, size: WindowSize) -> None:
        self.sequence = sequence
        self.size = size
        self.units: deque[WindowUnit] = deque()
        self.evicted = 0
        self.sink: list[int] = []
        self.sink_shift = 0
        self.on_evict: Callable[[WindowUnit], None] | None = None
        self._sink_keys: list[torch.Tensor] = []
        self._sink_length = 0  # positions that it spans
        self._fork: TokenSequence | None = None

    @property
    def cache(self) -> SlotCache:
        """The cache of the sequence."""
        return self.sequence.cache

    def open_sink(self, embeds: torch.Tensor, offsets: torch.Tensor, advance: int) -> None:
        """Run the opening turns and make them the attention sink.

        Args:
            embeds: (L, H) input embeddings.
            offsets: (3, L) int64 TMRoPE positions, from 0.
            advance: number of positions that they span.
        """
        _, self.sink = self.sequence.extend(embeds, offsets, advance)
        self._sink_keys = self.cache.read_keys(self.sink)
        self._sink_length = advance

    def has_room_for(self, tokens: int) -> bool:
        """Return whether `tokens` fit in the cache without evicting a unit."""
        return self.cache.free_count - self._kept_free >= tokens

    def evict_beyond(self, units: int) -> None:
        """Evict the oldest units until at most `units` are left."""
        while len(self.units) > max(0, units):
            self._evict()

    def make_room(self, tokens: int) -> None:
        """Evict until `tokens` fit in the cache, then place the sink and keep positions in range.

        While no branch is open, `size.reserve` slots stay free for one.
        """
        while self.units and not self.has_room_for(tokens):
            self._evict()
        self._place_sink()
        # A unit advances by at most its longest axis, which its tokens bound.
        if self.sequence.position + tokens + self.size.reserve > self.size.position_limit:
            self._rebase()

    def fork(self) -> tuple[TokenSequence, list[int]]:
        """Return a copy of the sequence for a branch; one at a time, ended by `close_fork`.

        Units evicted meanwhile stay visible to the copy. It has a sink of its own, since the
        window's is rotated when units are evicted.

        Returns:
            The copy, and the slots that were allocated for its sink.
        """
        retained = self.retained_slots()
        copies = self.cache.duplicate(retained)
        self.cache.hold()
        self._fork = self.sequence.fork()
        self._fork.hide(retained)
        self._fork.show(copies)
        return self._fork, copies

    def first_position(self) -> int:
        """Return the position of the oldest unit; without units, the next free one."""
        return self.units[0].position if self.units else self.sequence.position

    def close_fork(self, slots: Sequence[int]) -> None:
        """Drop the copy that `fork` returned, and zero and free its `slots`."""
        self.cache.zero(slots)
        self.cache.release()
        self.cache.free(slots)
        self.cache.shrink()
        self._fork = None

    def retained_slots(self) -> list[int]:
        """Return the slots of the sink, and those in the window that will become part of it."""
        return [*self.sink, *(slot for unit in self.units for slot in unit.retained)]

    def move(self, cache: SlotCache) -> SlotCache:
        """Continue in another empty cache, at least as large, while there is no fork.

        Returns:
            The cache used so far, emptied.
        """
        previous = self.sequence.move(cache)
        previous.clear()
        return previous

    def close(self) -> SlotCache:
        """Empty the cache and return it; only `units` and `evicted` can be read afterwards."""
        cache = self.cache
        cache.clear()
        self._sink_keys = []
        del self.sequence
        return cache

    @property
    def _kept_free(self) -> int:
        """Slots that are kept free for a branch."""
        # A context that has not taken over yet has a smaller cache, and no branch.
        takes_branches = self.cache.capacity >= self.size.capacity
        return self.size.reserve if takes_branches and self._fork is None else 0

    def span(self, number: int) -> int:
        """Return the positions from a unit, counted from the oldest, to the one after it."""
        following = number + 1
        inside = following < len(self.units)
        end = self.units[following].position if inside else self.sequence.position
        return end - self.units[number].position

    def _evict(self) -> None:
        if self.on_evict is not None:
            self.on_evict(self.units[0])
        oldest = self.units.popleft()
        leaving = oldest.slots
        if oldest.retained:
            retained = set(oldest.retained)
            leaving = [slot for slot in leaving if slot not in retained]
            self._extend_sink(oldest.retained)
        self.sequence.hide(leaving)
        self.cache.free(leaving)
        self.evicted += 1

    def _extend_sink(self, slots: list[int]) -> None:
        """Move a piece of a spoken instruction to the sink; its keys stay where they are."""
        # Only such pieces have been evicted so far, so the sink has not been rotated yet.
        self.sink = [*self.sink, *slots]
        self._sink_keys = self.cache.read_keys(self.sink)
        self._sink_length = self.first_position() - self.sink_shift

    def _place_sink(self) -> None:
        """Rotate the sink to stand right before the oldest unit."""
        shift = self.first_position() - self._sink_length
        if shift != self.sink_shift:
            self.cache.rotate(self.sink, shift, keys=self._sink_keys)
            self.sink_shift = shift

    def _rebase(self) -> None:
        """Lower all positions, so that the sink starts at position 0 again."""
        shift = self.sink_shift
        sink = set(self.sink)
        self.cache.rotate([slot for slot in self.cache.slots_in_use() if slot not in sink], -shift)
        for unit in self.units:
            unit.position -= shift
        self.sequence.position -= shift
        if self._fork is not None:
            self._fork.position -= shift
        self._place_sink()
