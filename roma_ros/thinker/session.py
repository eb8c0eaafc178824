"""State of one stream under one instruction."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from roma_ros.thinker.branch import Branch
from roma_ros.thinker.decoding import Utterance, decode
from roma_ros.thinker.encoding import EncodedUnit, PhaseTimings
from roma_ros.thinker.errors import BranchError, ContextError, SessionClosedError, ThinkerError
from roma_ros.thinker.model import ThinkerModel
from roma_ros.thinker.qwen_omni import rotary_frequencies, text_model
from roma_ros.thinker.sequence import TokenSequence, text_offsets
from roma_ros.thinker.slot_cache import SlotCache
from roma_ros.thinker.spoken_instruction import split_into_units, synthesize_instruction
from roma_ros.thinker.window import ContextWindow, WindowSize, WindowUnit
from roma_ros.thinker.yes_no import CONDITION_HOLDS
from roma_ros.units import MultimodalUnit

__all__ = ["StreamSession", "TranscriptEntry", "UnitStep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStep:
    """Result of one unit.

    Attributes:
        stream, index: stream and index of the unit.
        stamp: end of the unit, ns on the sensor clock.
        p_speak: probability in [0, 1] that now is the time to speak; `None` for a checkpoint
            without a speak source, or with `yes_no` and no instruction to ask about.
        timings: seconds by phase. Encoder times are those of the unit, which all sessions share,
            unless a spoken instruction is mixed into it.
    """

    stream: int
    index: int
    stamp: int
    p_speak: float | None
    timings: PhaseTimings


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """A unit in the window and the text that follows it.

    Attributes:
        stream, index: stream and index of the unit.
        text: token ids of the text.
    """

    stream: int
    index: int
    text: tuple[int, ...]


class StreamSession:
    """Streaming state of one stream over a KV cache of fixed capacity.

    The cache holds the opening turns (system prompt and instruction) as an attention sink, and a
    window of the last units with the replies between them. When the window is full, the oldest
    unit is evicted whole, with the replies that follow it.

    A spoken instruction stays as long as a written one: when its units are evicted, their audio is
    kept with the opening turns, and only their video is forgotten.

    `RomaThinker.open_session` opens it; use it as a context manager, from one thread.

    Args:
        model: weights.
        instruction: what to watch for, part of the opening turns; `None` for none.
        context_seconds: seconds of units that the window keeps, at least 1; `None`: the longest
            window that the checkpoint was trained for, else 60.
        spoken: the instruction as audio, (n,) float32 mono at 16 kHz, at most 90 s.
        yes_no_question: question after each unit if `speak_source` is `yes_no`.
        position_limit: TMRoPE positions stay below it; `None`: the backbone's trained range.

    Attributes:
        window: number of units that the window keeps.

    Raises:
        ContextError: the window is below 1 s, or does not fit the position limit.
        SpeechError: the instruction has to be synthesised, and espeak-ng is missing.
        UnitShapeError: `spoken` is not finite mono audio of at most 90 s.
    """

    def __init__(
        self,
        model: ThinkerModel,
        instruction: str | None = None,
        *,
        context_seconds: float | None = None,
        spoken: npt.NDArray[np.float32] | None = None,
        yes_no_question: str | None = None,
        position_limit: int | None = None,
    ) -> None:
        if context_seconds is None:
            context_seconds = model.context_seconds
        if not context_seconds >= 1:
            raise ContextError(f"context_seconds is {context_seconds}; expected at least 1")
        self.model = model
        self.instruction = instruction
        self.window = int(context_seconds)
        if spoken is None and instruction is not None and model.takes_spoken_instructions:
            spoken = synthesize_instruction(instruction)
        self._unmixed = split_into_units(spoken) if spoken is not None else deque()
        self._opening = model.dialogue.opening(instruction if spoken is None else None)
        self._unit_question = self._question_after_units(yes_no_question)
        text = model.backbone.config.text_config
        size = WindowSize(
            units=self.window,
            opening_tokens=len(self._opening),
            spoken_units=len(self._unmixed),
            unit_question_tokens=len(self._unit_question),
            max_video_tokens=model.max_video_tokens,
            position_limit=position_limit or text.max_position_embeddings,
        )
        sequence = TokenSequence(text_model(model.backbone), _allocate(model, size.capacity))
        self._window = ContextWindow(sequence, size)
        self._pending: list[int] = []  # text not yet run through the backbone
        self._reply: list[int] = []
        self._speaking = False
        self._branch: Branch | None = None
        self._closed = False
        with torch.inference_mode():
            self._window.open_sink(model.embed(self._opening))

    def __enter__(self) -> StreamSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the cache and close an open branch; the session cannot be used any more."""
        if not self._closed:
            if self._branch is not None:
                self._branch.close()
            self._closed = True
            self._window.free_cache()

    @property
    def speaking(self) -> bool:
        """Whether a reply was paused by its token budget; `speak` continues it."""
        return self._speaking

    @property
    def units_kept(self) -> int:
        """Number of units in the window."""
        return len(self._window.units)

    @property
    def evicted(self) -> int:
        """Number of units evicted from the window so far."""
        return self._window.evicted

    @property
    def kv_length(self) -> int:
        """Number of tokens in the cache; 0 after `close`."""
        return 0 if self._closed else self._window.cache.used

    @property
    def kv_capacity(self) -> int:
        """Most tokens that fit in the cache; 0 after `close`."""
        return 0 if self._closed else self._window.cache.capacity

    @property
    def memory_bytes(self) -> int:
        """Bytes of the cache, constant while the session is open; 0 after `close`."""
        return 0 if self._closed else self._window.cache.memory_bytes

    @property
    def opening(self) -> tuple[int, ...]:
        """Token ids of the opening turns."""
        return tuple(self._opening)

    def transcript(self) -> tuple[TranscriptEntry, ...]:
        """Return the units in the window with the text after each, oldest first."""
        return tuple(
            TranscriptEntry(unit.stream, unit.index, tuple(unit.text))
            for unit in self._window.units
        )

    @torch.inference_mode()
    def step(self, unit: MultimodalUnit | EncodedUnit) -> UnitStep:
        """Process one unit and compute p(speak).

        Args:
            unit: unit of the stream; `RomaThinker.encode` it once where several sessions follow
                the same stream.

        Raises:
            UnitShapeError: the unit cannot be encoded; the session is unchanged.
            SessionClosedError: the session is closed.
        """
        self._check_open()
        encoded = unit if isinstance(unit, EncodedUnit) else self.model.encode(unit)
        if self._unmixed:
            encoded = self.model.mix_audio(encoded, self._unmixed[0])
        start = self.model.clock()
        new_tokens = len(self._pending) + len(encoded.tokens) + len(self._unit_question)
        self._make_room(new_tokens, units=1)
        text = len(self._pending)
        embeds, offsets = encoded.embeds, encoded.offsets
        if text:
            embeds = torch.cat([self.model.embed(self._pending), embeds])
            offsets = torch.cat([text_offsets(text, offsets.device), offsets + text], dim=1)
        sequence, units = self._window.sequence, self._window.units
        position = sequence.position + text
        hidden, slots = sequence.extend(embeds, offsets, text + encoded.advance)
        if text:
            units[-1].slots += slots[:text]
            self._pending = []
        added = WindowUnit(encoded.stream, encoded.index, position, slots[text:])
        if self._unmixed:
            self._unmixed.popleft()
            added.retained = self._audio_slots(encoded, added.slots)
        units.append(added)
        done = self.model.clock()
        p_speak = self._p_speak(hidden)
        return UnitStep(
            stream=encoded.stream,
            index=encoded.index,
            stamp=encoded.stamp,
            p_speak=p_speak,
            timings=encoded.timings.with_backbone(done - start, self.model.clock() - done),
        )

    @torch.inference_mode()
    def speak(self, max_new_tokens: int = 25) -> Utterance:
        """Start a reply after the last unit, or continue one that its budget has paused.

        Args:
            max_new_tokens: most tokens of this slice (paper, A.5: 25 a second).

        Raises:
            ThinkerError: no unit has been processed yet.
            SessionClosedError: the session is closed.
        """
        self._check_open()
        if not self._window.units:
            raise ThinkerError("there is nothing to speak about: step a unit first")
        if not self._speaking:
            self._reply = []
        dialogue = self.model.dialogue
        header = dialogue.reply_header
        self._make_room(len(self._pending) + len(header) + max_new_tokens + 1)
        prefix = [*self._pending, *header]
        decoded = decode(self.model, self._window.sequence, prefix, max_new_tokens)
        self._reply += decoded.generated
        closing = dialogue.closing(finished=decoded.finished)
        last = self._window.units[-1]
        last.slots += decoded.slots
        last.text += [*header, *decoded.generated, *closing]
        self._pending = [*decoded.unforwarded, *closing]
        self._speaking = not decoded.finished
        return Utterance(
            text=dialogue.decode(decoded.generated),
            reply=dialogue.decode(self._reply),
            finished=decoded.finished,
            tokens=len(decoded.generated),
        )

    def stop_speaking(self) -> None:
        """Discard the rest of a paused reply."""
        self._speaking = False

    def branch(self) -> Branch:
        """Open a branch to answer a question beside the stream; one at a time.

        Raises:
            BranchError: another branch of this session is open.
            SessionClosedError: the session is closed.
        """
        self._check_open()
        if self._branch is not None:
            raise BranchError("this session has an open branch; close it before opening another")
        self._branch = Branch(self.model, self._window, self._pending, self._branch_closed)
        return self._branch

    def _branch_closed(self, kept: Sequence[int]) -> None:
        """Append the token ids that a branch leaves, if any, to the last unit."""
        self._branch = None
        if kept and self._window.units:
            text = [*kept, *self.model.dialogue.closing(finished=True)]
            self._window.units[-1].text += text
            self._pending += text

    def _question_after_units(self, question: str | None) -> list[int]:
        """Return ids of the question after each unit and its answer's header; mostly none."""
        if self.model.yes_no is None or (self.instruction is None and question is None):
            return []
        question = question or CONDITION_HOLDS.format(instruction=self.instruction)
        return self.model.dialogue.question(question)

    def _p_speak(self, hidden: tuple[torch.Tensor, ...]) -> float | None:
        """Return p(speak) from the states at a unit's end, or by the question after it."""
        if self.model.yes_no is None:
            return self.model.p_speak(hidden)
        if not self._unit_question:
            return None
        question = self.model.embed(self._unit_question)
        return self.model.p_speak(self._window.sequence.extend_temporarily(question))

    def _audio_slots(self, unit: EncodedUnit, slots: Sequence[int]) -> list[int]:
        """Return the slots of a unit without those of its video."""
        is_video = (unit.tokens == self.model.dialogue.token("<|VIDEO|>")).tolist()
        return [slot for slot, video in zip(slots, is_video, strict=True) if not video]

    def _check_open(self) -> None:
        if self._closed:
            raise SessionClosedError("this session is closed; open another with open_session()")

    def _make_room(self, tokens: int, units: int = 0) -> None:
        """Evict the oldest units until `units` more and `tokens` more tokens fit."""
        self._window.evict_beyond(self.window - units)
        if self._branch is not None and self._window.cache.free_count < tokens:
            self._branch.close()  # it has been open for too long; the next unit has priority
        self._window.make_room(tokens)
        if not self._window.units:  # a reply's pending end was evicted with its unit
            self._pending, self._speaking = [], False


def _allocate(model: ThinkerModel, capacity: int) -> SlotCache:
    text = model.backbone.config.text_config
    return SlotCache(
        layers=text.num_hidden_layers,
        kv_heads=text.num_key_value_heads,
        head_dim=text.hidden_size // text.num_attention_heads,
        capacity=capacity,
        inv_freq=rotary_frequencies(model.backbone),
        dtype=model.embed_dtype,
        device=model.device,
    )
