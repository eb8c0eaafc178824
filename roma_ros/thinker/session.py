"""One stream's state under one instruction: what it has seen, heard and said."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from roma_ros.thinker.branch import ANSWER_TOKENS, QUESTION_TOKENS, Branch
from roma_ros.thinker.decoding import Utterance, decode
from roma_ros.thinker.encoding import EncodedUnit, PhaseTimings
from roma_ros.thinker.errors import ContextError, SessionClosedError, ThinkerError
from roma_ros.thinker.qwen_omni import rotary_frequencies, text_model
from roma_ros.thinker.sequence import Strand
from roma_ros.thinker.slot_cache import SlotCache
from roma_ros.thinker.spoken_instruction import read_out, spread_over_units
from roma_ros.thinker.yes_no import CONDITION_HOLDS
from roma_ros.units import MultimodalUnit

if TYPE_CHECKING:
    from roma_ros.thinker.thinker import RomaThinker

__all__ = ["StreamSession", "TranscriptEntry", "UnitStep"]

TEXT_TOKENS_PER_UNIT = 8  # room for replies in the window, on average
UNITS_DURING_BRANCH = 16  # units that may arrive while an answer is being decoded
SOUND_TOKENS = 4 + 25  # of a unit: its markers and its sound
SOUND_POSITIONS = 27  # that a unit with sound uses up


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStep:
    """What one unit came to.

    Attributes:
        stream, index: the unit's.
        stamp: the unit's end, ns on the sensor clock.
        p_speak: probability in [0, 1] that now is the time to speak; `None` if nothing decides,
            or if `yes_no` does and there is no instruction to ask about.
        timings: seconds by phase; the encoders' are those of the unit, shared by all sessions but
            those that hear a spoken instruction in it.
    """

    stream: int
    index: int
    stamp: int
    p_speak: float | None
    timings: PhaseTimings


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """A unit that is still in sight, and the text tokens that follow it."""

    stream: int
    index: int
    text: tuple[int, ...]


@dataclass(slots=True)
class _Kept:
    """A unit in the window with the text after it."""

    stream: int
    index: int
    position: int
    slots: list[int]
    text: list[int] = field(default_factory=list)
    # Those of its slots that hold a piece of a spoken instruction.
    lasting: list[int] = field(default_factory=list)


class StreamSession:
    """Streaming state over a key-value cache of fixed capacity.

    The cache holds an attention sink, which is the opening turns, and a window of the last units
    with the replies among them. Old units leave whole, and the sink is turned to stand right
    before the oldest unit kept, as if the stream had begun there; the window's own keys are turned
    only when positions reach the end of the backbone's trained range.

    A spoken instruction lasts as a written one does: when the first units leave, the sound of
    those that it was laid over stays behind with the sink, and only what was seen then is
    forgotten.

    Use as a context manager, from one thread.

    Args:
        thinker: the weights.
        instruction: what to watch for, part of the opening turns.
        context_seconds: units kept, at one a second; at least 1. `None`: `thinker`'s default.
        spoken, yes_no_question: see `RomaThinker.open_session`.
        position_limit: positions stay below it; `None` is the backbone's trained range.
    """

    def __init__(
        self,
        thinker: RomaThinker,
        instruction: str | None = None,
        *,
        context_seconds: float | None = None,
        spoken: npt.NDArray[np.float32] | None = None,
        yes_no_question: str | None = None,
        position_limit: int | None = None,
    ) -> None:
        if context_seconds is None:
            context_seconds = thinker.context_seconds
        if not context_seconds >= 1:
            raise ContextError(f"context_seconds is {context_seconds}; expected at least 1")
        self.thinker = thinker
        self.instruction = instruction
        self.window = int(context_seconds)
        self.evicted = 0
        if spoken is None and instruction is not None and thinker.hears_instructions:
            spoken = read_out(instruction)
        self._unsaid = spread_over_units(spoken) if spoken is not None else deque()
        self._spoken_units = len(self._unsaid)
        self._opening = thinker.dialogue.opening(instruction if spoken is None else None)
        self._yes_no = self._question_each_unit(yes_no_question)
        text = thinker.backbone.config.text_config
        self._position_limit = position_limit or text.max_position_embeddings
        self._check_span()
        self._lasting = len(self._opening) + self._spoken_units * SOUND_TOKENS
        self._reserve = QUESTION_TOKENS + ANSWER_TOKENS + 32 + self._lasting + len(self._yes_no)
        self._cache = self._allocate()
        self._strand = Strand(text_model(thinker.backbone), self._cache)
        self._window: deque[_Kept] = deque()
        self._pending: list[int] = []  # text not yet run through the backbone
        self._reply: list[int] = []
        self._speaking = False
        self._branch: Branch | None = None
        self._closed = False
        self._open_sink()

    def __enter__(self) -> StreamSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the cache; the session cannot be used any more."""
        if not self._closed:
            if self._branch is not None:
                self._branch.close()
            self._closed = True
            del self._cache, self._strand

    @property
    def speaking(self) -> bool:
        """A reply is paused by its budget; `speak` goes on with it."""
        return self._speaking

    @property
    def units_kept(self) -> int:
        return len(self._window)

    @property
    def kv_length(self) -> int:
        """Tokens that the cache holds."""
        return 0 if self._closed else self._cache.used

    @property
    def kv_capacity(self) -> int:
        return 0 if self._closed else self._cache.capacity

    @property
    def memory_bytes(self) -> int:
        """Bytes of the cache, constant from the session's first second to its last."""
        return 0 if self._closed else self._cache.memory_bytes

    @property
    def opening(self) -> tuple[int, ...]:
        """Token ids of the opening turns."""
        return tuple(self._opening)

    def transcript(self) -> tuple[TranscriptEntry, ...]:
        """The units in sight and the text after each, oldest first; bounded by the window."""
        return tuple(
            TranscriptEntry(kept.stream, kept.index, tuple(kept.text)) for kept in self._window
        )

    @torch.inference_mode()
    def step(self, unit: MultimodalUnit | EncodedUnit) -> UnitStep:
        """See and hear one unit, and judge whether now is the time to speak.

        Raises:
            UnitShapeError: the unit cannot be taken; the session is as before.
            SessionClosedError: the session is closed.
        """
        self._check_open()
        encoded = unit if isinstance(unit, EncodedUnit) else self.thinker.encode(unit)
        if self._unsaid:
            encoded = self.thinker.lay_over(encoded, self._unsaid[0])
        start = self.thinker.clock()
        self._make_room(len(self._pending) + len(encoded.tokens) + len(self._yes_no), units=1)
        text = len(self._pending)
        embeds, offsets = encoded.embeds, encoded.offsets
        if text:
            embeds = torch.cat([self.thinker.embed(self._pending), embeds])
            offsets = torch.cat([_text_offsets(text, offsets.device), offsets + text], dim=1)
        position = self._strand.position + text
        hidden, slots = self._strand.extend(embeds, offsets, text + encoded.advance)
        if text:
            self._window[-1].slots += slots[:text]
            self._pending = []
        kept = _Kept(encoded.stream, encoded.index, position, slots[text:])
        if self._unsaid:
            self._unsaid.popleft()
            kept.lasting = self._sound_of(encoded, kept.slots)
        self._window.append(kept)
        done = self.thinker.clock()
        p_speak = self._judge(hidden)
        return UnitStep(
            stream=encoded.stream,
            index=encoded.index,
            stamp=encoded.stamp,
            p_speak=p_speak,
            timings=encoded.timings.with_backbone(done - start, self.thinker.clock() - done),
        )

    @torch.inference_mode()
    def speak(self, max_new_tokens: int = 25) -> Utterance:
        """Begin a reply, or go on with one that its budget has paused.

        Args:
            max_new_tokens: the budget of this second (paper, A.5: 25).

        Raises:
            ThinkerError: no unit has been seen yet.
            SessionClosedError: the session is closed.
        """
        self._check_open()
        if not self._window:
            raise ThinkerError("there is nothing to speak about: step a unit first")
        if not self._speaking:
            self._reply = []
        header = self.thinker.dialogue.reply_header
        self._make_room(len(self._pending) + len(header) + max_new_tokens + 1)
        decoded = decode(self.thinker, self._strand, [*self._pending, *header], max_new_tokens)
        self._reply += decoded.spoken
        closing = self.thinker.dialogue.closing(finished=decoded.finished)
        kept = self._window[-1]
        kept.slots += decoded.slots
        kept.text += [*header, *decoded.spoken, *closing]
        self._pending = [*decoded.unforwarded, *closing]
        self._speaking = not decoded.finished
        dialogue = self.thinker.dialogue
        return Utterance(
            text=dialogue.decode(decoded.spoken),
            reply=dialogue.decode(self._reply),
            finished=decoded.finished,
            tokens=len(decoded.spoken),
        )

    def keep(self, question: Sequence[int], answer: Sequence[int]) -> None:
        """Let a branch's question and answer stand in the stream, before its next unit."""
        text = [*question, *answer, *self.thinker.dialogue.closing(finished=True)]
        self._window[-1].text += text
        self._pending += text

    def stop_speaking(self) -> None:
        """Give up the rest of a paused reply."""
        self._speaking = False

    def branch(self) -> Branch:
        """A line of thought beside the stream, for a question; one at a time.

        Raises:
            BranchError: another branch of this session is open.
        """
        self._check_open()
        return Branch(self)

    def _question_each_unit(self, question: str | None) -> list[int]:
        """Ids of what is asked after each unit, with the header of its answer; mostly nothing."""
        if self.thinker.yes_no is None or (self.instruction is None and question is None):
            return []
        question = question or CONDITION_HOLDS.format(instruction=self.instruction)
        return self.thinker.dialogue.question(question)

    def _judge(self, hidden: tuple[torch.Tensor, ...]) -> float | None:
        """p(speak) from the states at a unit's end, or by a question that nobody remembers."""
        if self.thinker.yes_no is None:
            return self.thinker.p_speak(hidden)
        if not self._yes_no:
            return None
        return self.thinker.p_speak(self._strand.aside(self.thinker.embed(self._yes_no)))

    def _sound_of(self, unit: EncodedUnit, slots: Sequence[int]) -> list[int]:
        """The slots of a unit without those of its frames."""
        frames = (unit.tokens == self.thinker.dialogue.token("<|VIDEO|>")).tolist()
        return [slot for slot, is_frame in zip(slots, frames, strict=True) if not is_frame]

    def _check_open(self) -> None:
        if self._closed:
            raise SessionClosedError("this session is closed; open another with open_session()")

    def _check_span(self) -> None:
        thinker = self.thinker
        side = thinker.features.patch_size * thinker.features.merge_size
        span = 2 + max(25, thinker.config.max_pixels // side**2) + TEXT_TOKENS_PER_UNIT
        units = self.window + self._spoken_units
        need = len(self._opening) + span + units * (SOUND_POSITIONS + TEXT_TOKENS_PER_UNIT)
        need += len(self._yes_no)
        if need + QUESTION_TOKENS + ANSWER_TOKENS > self._position_limit:
            raise ContextError(
                f"context_seconds={self.window} with an opening of {len(self._opening)} tokens "
                f"needs about {need} positions; the backbone was trained on "
                f"{self._position_limit}. Shorten one of them"
            )

    def _allocate(self) -> SlotCache:
        backbone = self.thinker.backbone
        text = backbone.config.text_config
        unit = self.thinker.max_tokens_per_unit + TEXT_TOKENS_PER_UNIT
        capacity = self._lasting + unit * (self.window + UNITS_DURING_BRANCH) + self._reserve
        return SlotCache(
            layers=text.num_hidden_layers,
            kv_heads=text.num_key_value_heads,
            head_dim=text.hidden_size // text.num_attention_heads,
            capacity=-(-capacity // SlotCache.READ_STEP) * SlotCache.READ_STEP,
            inv_freq=rotary_frequencies(backbone),
            dtype=self.thinker.embed_dtype,
            device=self.thinker.device,
        )

    @torch.inference_mode()
    def _open_sink(self) -> None:
        length = len(self._opening)
        offsets = _text_offsets(length, self.thinker.device)
        _, self._sink = self._strand.extend(self.thinker.embed(self._opening), offsets, length)
        self._sink_keys = self._cache.read_keys(self._sink)
        self._sink_length = length  # positions that it spans
        self._sink_shift = 0

    def _make_room(self, tokens: int, units: int = 0) -> None:
        """Let the oldest units go until `tokens` fit, and positions stay in range."""
        while self._window and len(self._window) + units > self.window:
            self._evict()
        if self._branch is not None and self._cache.free_count < tokens:
            self._branch.close()  # it has been open for too long; hearing goes first
        while self._window and self._cache.free_count - self._held_back() < tokens:
            self._evict()
        self._place_sink()
        # A unit advances by at most its longest axis, which its tokens bound.
        if self._strand.position + tokens + self._reserve > self._position_limit:
            self._rebase()

    def _held_back(self) -> int:
        """Slots kept free so that a question can always be asked."""
        return 0 if self._branch is not None else self._reserve

    def _evict(self) -> None:
        oldest = self._window.popleft()
        leaving = oldest.slots
        if oldest.lasting:
            stays = set(oldest.lasting)
            leaving = [slot for slot in leaving if slot not in stays]
            self._extend_sink(oldest.lasting)
        self._strand.forget(leaving)
        self._cache.free(leaving)
        self.evicted += 1
        if not self._window:  # the reply that was to be closed has left with its unit
            self._pending, self._speaking = [], False

    def _extend_sink(self, slots: list[int]) -> None:
        """Let a piece of the spoken instruction stay, where it stands."""
        # Nothing but such pieces has left so far, so the sink is where it was and as it was.
        self._sink = [*self._sink, *slots]
        self._sink_keys = self._cache.read_keys(self._sink)
        self._sink_length = self._first_position() - self._sink_shift

    def _place_sink(self) -> None:
        """Turn the sink to stand right before the oldest unit."""
        shift = self._first_position() - self._sink_length
        if shift != self._sink_shift:
            self._cache.rotate(self._sink, shift, keys=self._sink_keys)
            self._sink_shift = shift

    def _lasting_slots(self) -> list[int]:
        """The sink, and what of the window will be part of it."""
        return [*self._sink, *(slot for kept in self._window for slot in kept.lasting)]

    def _first_position(self) -> int:
        return self._window[0].position if self._window else self._strand.position

    def _rebase(self) -> None:
        """Move every position down, so that the window stands at the range's beginning."""
        shift = self._sink_shift
        sink = set(self._sink)
        self._cache.rotate([slot for slot in self._cache.slots_in_use() if slot not in sink], -shift)
        for kept in self._window:
            kept.position -= shift
        self._strand.position -= shift
        if self._branch is not None:
            self._branch.strand.position -= shift
        self._place_sink()


def _text_offsets(length: int, device: torch.device) -> torch.Tensor:
    """(3, length) positions of text: the same on all three axes."""
    return torch.arange(length, device=device).expand(3, -1)
