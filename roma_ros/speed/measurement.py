"""Seconds per unit and per token, and memory, of a thinker on this machine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch

from roma_ros.machine import peak_resident_bytes
from roma_ros.speed.spread import Spread
from roma_ros.speed.stream import bench_unit
from roma_ros.thinker import EncodedUnit, PhaseTimings, RomaThinker, StreamSession

__all__ = ["Measurement", "MemoryUse", "MissingTimingsError", "measure"]

INSTRUCTION = "alert me when you hear a beep"
QUESTION = "what did you see?"
DIFFERENT_UNITS = 4  # frames are made beforehand, and take memory
TOKENS_PER_BRANCH = 24


class MissingTimingsError(RuntimeError):
    """The model fell silent before a token could be timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Bytes.

    Attributes:
        weights: of all parameters and buffers, as they are stored.
        cache: of one session.
        process_peak: the most that the process has had, in main memory.
        device_peak: the most that torch had in the GPU's memory; 0 without one.
    """

    weights: int
    cache: int
    process_peak: int
    device_peak: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What was measured.

    Attributes:
        phases: of a unit, by the names of `PhaseTimings`, and `total`.
        token: one more token of an answer.
        video_tokens, unit_tokens: of one unit.
        seen_tokens: that the backbone attended to when the window was full.
        opening_tokens: of the system prompt and the instruction.
        window: units in sight.
        cores_used: processor seconds in a second of measuring, on average. Well below 1 on a CPU,
            the machine was busy with something else, and the durations are not the model's own.
        memory: see `MemoryUse`.
    """

    phases: dict[str, Spread]
    token: Spread
    video_tokens: int
    unit_tokens: int
    seen_tokens: int
    opening_tokens: int
    window: int
    cores_used: float
    memory: MemoryUse

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of the stream, under one watch."""
        return self.phases["total"].p50 / 1e3


def measure(
    thinker: RomaThinker,
    *,
    units: int = 20,
    context_seconds: int | None = None,
    tokens: int = 48,
    on_progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Measurement:
    """Measure `units` units of 1280x720 video and sound in a session whose window is full.

    Args:
        context_seconds: of the window; `None`: the checkpoint's default.
        tokens: timed, of answers on branches.
        on_progress: told what is going on, how much of it is done, and of how much.

    Raises:
        ContextError: the window is longer than the backbone's range.
        MissingTimingsError: no token could be timed.
    """
    stream = [bench_unit(index) for index in range(DIFFERENT_UNITS)]
    if thinker.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(thinker.device)
    with thinker.open_session(INSTRUCTION, context_seconds=context_seconds) as session:
        sample = thinker.encode(stream[0])
        # Encoded once: what a full window costs does not depend on what is in it. One unit more
        # than fits, so that the oldest has left once.
        for index in range(session.window + 1):
            session.step(sample)
            on_progress("filling the window", index + 1, session.window + 1)
        session.step(stream[0])
        begin, worked = time.perf_counter(), time.process_time()
        timings = []
        for index in range(units):
            timings.append(session.step(stream[index % DIFFERENT_UNITS]).timings)
            on_progress("units", index + 1, units)
        token = _tokens(thinker, session, tokens, on_progress)
        cores_used = (time.process_time() - worked) / (time.perf_counter() - begin)
        return Measurement(
            phases=_phases(timings),
            token=token,
            video_tokens=_video_tokens(thinker, sample),
            unit_tokens=len(sample.tokens),
            seen_tokens=session.kv_length,
            opening_tokens=len(session.opening),
            window=session.window,
            cores_used=round(cores_used, 2),
            memory=MemoryUse(
                weights=_weights(thinker),
                cache=session.memory_bytes,
                process_peak=peak_resident_bytes(),
                device_peak=_device_peak(thinker),
            ),
        )


def _phases(timings: list[PhaseTimings]) -> dict[str, Spread]:
    by_phase = {
        phase.name: Spread.of([getattr(timing, phase.name) for timing in timings])
        for phase in fields(PhaseTimings)
    }
    return {**by_phase, "total": Spread.of([timing.total for timing in timings])}


def _tokens(
    thinker: RomaThinker,
    session: StreamSession,
    wanted: int,
    on_progress: Callable[[str, int, int], None],
) -> Spread:
    """Time single tokens; the first of an answer, with the question before it, does not count."""
    seconds: list[float] = []
    for attempt in itertools.count():
        if len(seconds) >= wanted or attempt > wanted:
            break
        with session.branch() as branch:
            branch.begin(QUESTION)
            finished = branch.decode(1).finished
            for _ in range(TOKENS_PER_BRANCH):
                if finished or len(seconds) >= wanted:
                    break
                begin = thinker.clock()
                finished = branch.decode(1).finished
                seconds.append(thinker.clock() - begin)
                on_progress("tokens", len(seconds), wanted)
    if not seconds:
        raise MissingTimingsError(
            f"{thinker.name} ends every answer at its first token; "
            "--model-config measures the same sizes with weights that do not"
        )
    return Spread.of(seconds)


def _video_tokens(thinker: RomaThinker, unit: EncodedUnit) -> int:
    return int((unit.tokens == thinker.dialogue.token("<|VIDEO|>")).sum())


def _weights(thinker: RomaThinker) -> int:
    """Statistics of quantised blocks, which bitsandbytes keeps beside its weights, included."""
    total = 0
    for part in (thinker.backbone, thinker.speak_head):
        if part is None:
            continue
        total += sum(buffer.nbytes for buffer in part.buffers())
        for parameter in part.parameters():
            total += parameter.nbytes + _statistics(parameter)
    return total


def _statistics(parameter: torch.Tensor) -> int:
    rows = getattr(parameter, "SCB", None)  # INT8: one scale a row
    if isinstance(rows, torch.Tensor):
        return rows.nbytes
    state = getattr(parameter, "quant_state", None)  # NF4: scales of blocks, themselves quantised
    total = 0
    while state is not None:
        total += sum(
            value.nbytes
            for name in ("absmax", "code", "offset")
            if isinstance(value := getattr(state, name, None), torch.Tensor)
        )
        state = getattr(state, "state2", None)
    return total


def _device_peak(thinker: RomaThinker) -> int:
    if thinker.device.type != "cuda":
        return 0
    return int(torch.cuda.max_memory_allocated(thinker.device))
