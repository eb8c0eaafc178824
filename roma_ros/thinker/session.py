"""State of one stream under one instruction."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from roma_ros.thinker.branch import Branch
from roma_ros.thinker.context_policy import ContextLength, ContextPolicy
from roma_ros.thinker.decoding import Utterance
from roma_ros.thinker.encoding import EncodedUnit, PhaseTimings
from roma_ros.thinker.errors import BranchError, SessionClosedError, ThinkerError
from roma_ros.thinker.model import ThinkerModel
from roma_ros.thinker.slot_cache import SlotCache
from roma_ros.thinker.spoken_instruction import split_into_units, synthesize_instruction
from roma_ros.thinker.stream_context import ContextUnit, StreamContext, allocate_cache
from roma_ros.thinker.window import WindowSize
from roma_ros.thinker.yes_no import CONDITION_HOLDS
from roma_ros.units import UNIT_RATE, MultimodalUnit

__all__ = ["StreamSession", "TranscriptEntry", "UnitStep"]

UNITS_PER_PASS = 2  # of a next context: cheaper than two passes, and not much dearer than one


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
    """Streaming state of one stream, in KV caches of fixed capacity.

    The cache holds the opening turns (system prompt and instruction) and the last units with the
    replies between them. When the window is full, `context_policy` decides:

    - `evict`: the oldest unit is evicted whole, with the replies that follow it. The opening turns
      stay as an attention sink. When the units with a spoken instruction are evicted, their audio
      is kept with the opening turns, and only their video is forgotten.
    - `handover`: a second context opens early enough to hold the last `handover_overlap` seconds
      when the first is full, and the session continues in it. Nothing is ever evicted, so each
      context is a stream as a checkpoint was trained on, from its beginning. The second context
      gets the same units and texts, two units at a time in one pass; a spoken instruction precedes
      them, as units without video.

    `RomaThinker.open_session` opens it; use it as a context manager, from one thread.

    Args:
        model: weights.
        instruction: what to watch for, part of the opening turns; `None` for none.
        context_seconds: seconds of units that the window keeps, at least 1; `None`: the longest
            window that the checkpoint was trained for, else 60.
        context_policy: `evict` or `handover`; `None` or "auto": what the checkpoint was trained
            for.
        handover_overlap: seconds in sight right after a handover, from 1 s to half of the window;
            `None` for half of it.
        spoken: the instruction as audio, (n,) float32 mono at 16 kHz, at most 90 s.
        yes_no_question: question after each unit if `speak_source` is `yes_no`.
        position_limit: TMRoPE positions stay below it; `None`: the backbone's trained range.

    Attributes:
        window: most units that are in sight.
        overlap: units in sight right after a handover; 0 if units are evicted.

    Raises:
        ContextError: the window or the overlap is out of range, or the window does not fit the
            position limit or the device's memory.
        SpeechError: the instruction has to be synthesised, and espeak-ng is missing.
        UnitShapeError: `spoken` is not finite mono audio of at most 90 s.
    """

    def __init__(
        self,
        model: ThinkerModel,
        instruction: str | None = None,
        *,
        context_seconds: float | None = None,
        context_policy: ContextPolicy | str | None = None,
        handover_overlap: float | None = None,
        spoken: npt.NDArray[np.float32] | None = None,
        yes_no_question: str | None = None,
        position_limit: int | None = None,
    ) -> None:
        length = ContextLength.of(
            model.context_seconds if context_seconds is None else context_seconds,
            ContextPolicy.of(context_policy) or model.context_policy,
            handover_overlap,
        )
        self.model = model
        self.instruction = instruction
        self.window, self.overlap = length.units, length.overlap
        if spoken is None and instruction is not None and model.takes_spoken_instructions:
            spoken = synthesize_instruction(instruction)
        self._spoken = tuple(split_into_units(spoken)) if spoken is not None else ()
        self._unmixed = deque(self._spoken)
        self._speech: list[EncodedUnit] = []
        self._opening = model.dialogue.opening(instruction if spoken is None else None)
        self._unit_question = self._question_after_units(yes_no_question)
        text = model.backbone.config.text_config
        self._size = WindowSize(
            units=self.window,
            opening_tokens=len(self._opening),
            spoken_units=len(self._spoken),
            unit_question_tokens=len(self._unit_question),
            max_video_tokens=model.max_video_tokens,
            position_limit=position_limit or text.max_position_embeddings,
        )
        # All memory is allocated now: a context that has not taken over holds fewer units.
        caches = [allocate_cache(model, self._size.capacity)]
        if self.overlap:
            smaller = self._size.capacity_before_handover(self.overlap)
            caches.append(allocate_cache(model, smaller))
        self._memory_bytes = sum(cache.memory_bytes for cache in caches)
        self._kv_capacity = sum(cache.capacity for cache in caches)
        self._spare = caches[1] if self.overlap else None  # cache of the next context
        self._context = self._open_context(caches[0])
        self._next: StreamContext | None = None
        self._waiting: list[ContextUnit] = []  # units that the next context has not got yet
        self._previous: StreamContext | None = None  # its branch was open at the handover
        self._branch: Branch | None = None
        self._processed = 0
        self._closed = False

    def __enter__(self) -> StreamSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the caches and close an open branch; the session cannot be used any more."""
        if not self._closed:
            if self._branch is not None:
                self._branch.close()
            self._closed = True
            self._context.close()
            self._next = self._spare = None
            self._waiting = []

    @property
    def speaking(self) -> bool:
        """Whether a reply was paused by its token budget; `speak` continues it."""
        return self._context.speaking

    @property
    def units_kept(self) -> int:
        """Number of units in sight."""
        return self._context.units_kept

    @property
    def evicted(self) -> int:
        """Number of units that are out of sight, evicted or left behind by handovers."""
        return self._processed - self.units_kept

    @property
    def kv_length(self) -> int:
        """Number of tokens in the caches; 0 after `close`."""
        return 0 if self._closed else sum(context.window.cache.used for context in self._contexts())

    @property
    def kv_capacity(self) -> int:
        """Most tokens that fit in the caches; 0 after `close`."""
        return 0 if self._closed else self._kv_capacity

    @property
    def memory_bytes(self) -> int:
        """Bytes of the caches, constant while the session is open; 0 after `close`."""
        return 0 if self._closed else self._memory_bytes

    @property
    def opening(self) -> tuple[int, ...]:
        """Token ids of the opening turns."""
        return tuple(self._opening)

    def transcript(self) -> tuple[TranscriptEntry, ...]:
        """Return the units in sight with the text after each, oldest first."""
        return tuple(
            TranscriptEntry(unit.stream, unit.index, tuple(unit.text))
            for unit in self._context.window.units
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
        added = ContextUnit(encoded)
        if self._unmixed:
            mixed = self.model.mix_audio(encoded, self._unmixed[0])
            added = ContextUnit(mixed, retain_audio=True)
        start = self.model.clock()
        if self.overlap:
            self._make_room(added)  # the copy of a cache: little beside a unit
        hidden = self._context.append([added])
        if self._unmixed:
            self._unmixed.popleft()
        self._processed += 1
        done = self.model.clock()
        p_speak = self._context.p_speak(hidden)
        judged = self.model.clock()
        prepared = judged
        if self.overlap:
            self._prepare_handover(encoded)
            prepared = self.model.clock()
        return UnitStep(
            stream=encoded.stream,
            index=encoded.index,
            stamp=encoded.stamp,
            p_speak=p_speak,
            timings=added.encoded.timings.with_backbone(
                done - start, judged - done, prepared - judged
            ),
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
        if not self._context.units_kept:
            raise ThinkerError("there is nothing to speak about: step a unit first")
        utterance, text = self._context.speak(max_new_tokens)
        self._append_to_next(text)
        return utterance

    def stop_speaking(self) -> None:
        """Discard the rest of a paused reply."""
        self._context.speaking = False

    def branch(self) -> Branch:
        """Open a branch to answer a question beside the stream; one at a time.

        It may stay open across a handover, until the next one at the latest.

        Raises:
            BranchError: another branch of this session is open.
            SessionClosedError: the session is closed.
        """
        self._check_open()
        if self._branch is not None:
            raise BranchError("this session has an open branch; close it before opening another")
        self._branch = self._context.open_branch(self._branch_closed)
        return self._branch

    def _branch_closed(self, kept: Sequence[int]) -> None:
        """Append the token ids that a branch leaves, if any, to the last unit."""
        self._branch = None
        if self._previous is not None:
            previous, self._previous = self._previous, None
            self._take_cache(previous)
        if kept:
            text = [*kept, *self.model.dialogue.closing(finished=True)]
            self._context.append_text(text)
            self._append_to_next(text)

    def _append_to_next(self, text: Sequence[int]) -> None:
        """Append text to the next context as well, after the unit that it follows."""
        if self._waiting:
            self._waiting[-1].text += text
        elif self._next is not None:
            self._next.append_text(text)

    def _make_room(self, unit: ContextUnit) -> None:
        """Hand over if a unit does not fit; without a next context the unit's room is evicted."""
        if self._previous is not None and not self._context.has_room_for(unit):
            self._previous.close_branch()  # which moves this context to the larger cache
        if (self._next or self._waiting) and not self._context.has_room_for(unit):
            self._hand_over()

    def _hand_over(self) -> None:
        """Continue in the next context."""
        following = self._next or self._open_next()
        self._catch_up(following)
        previous, self._context, self._next = self._context, following, None
        following.continue_reply(previous)
        if previous.branch is None:
            self._take_cache(previous)
        else:
            self._previous = previous

    def _prepare_handover(self, unit: EncodedUnit) -> None:
        """Open the next context, or let it process the units that wait, if it is time."""
        units, first = self._context.units_kept, self.window - self.overlap
        if units > first:
            self._waiting.append(ContextUnit(unit))
        if self._next is not None:
            if len(self._waiting) >= UNITS_PER_PASS or units >= self.window:
                self._catch_up(self._next)
        elif units >= first and self._spare is not None:
            self._open_next()  # in a step without a pass: the opening can cost as much as one

    def _open_next(self) -> StreamContext:
        """Open the next context in the spare cache."""
        if self._spare is None:
            raise RuntimeError("the cache of the next context is in use")
        if self._spoken and not self._speech:
            self._speech = [self.model.encode(_audio_unit(piece)) for piece in self._spoken]
        self._next, self._spare = self._open_context(self._spare), None
        return self._next

    def _open_context(self, cache: SlotCache) -> StreamContext:
        """Open a context; all but the first begin with the whole spoken instruction."""
        with torch.inference_mode():
            return StreamContext(
                self.model,
                self._size,
                cache,
                opening=self._opening,
                speech=self._speech,
                unit_question=self._unit_question,
            )

    def _catch_up(self, following: StreamContext) -> None:
        """Let the next context process the units that wait, in one pass."""
        if self._waiting:
            following.append(self._waiting)
            self._waiting = []

    def _take_cache(self, previous: StreamContext) -> None:
        """Move to the cache of the context before the handover; the smaller one is spare."""
        self._spare = self._context.move(previous.close())

    def _contexts(self) -> list[StreamContext]:
        contexts = (self._context, self._next, self._previous)
        return [context for context in contexts if context is not None]

    def _question_after_units(self, question: str | None) -> list[int]:
        """Return ids of the question after each unit and its answer's header; mostly none."""
        if self.model.yes_no is None or (self.instruction is None and question is None):
            return []
        question = question or CONDITION_HOLDS.format(instruction=self.instruction)
        return self.model.dialogue.question(question)

    def _check_open(self) -> None:
        if self._closed:
            raise SessionClosedError("this session is closed; open another with open_session()")


def _audio_unit(samples: npt.NDArray[np.float32]) -> MultimodalUnit:
    """Return a unit without video from at most 16,000 samples."""
    audio = np.zeros(UNIT_RATE, np.float32)
    audio[: len(samples)] = samples
    return MultimodalUnit(stream=0, index=0, start=0, frames=None, audio=audio)
