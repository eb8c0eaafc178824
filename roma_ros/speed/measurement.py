"""Measurement of seconds per unit, seconds per token and memory of a thinker."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch

from roma_ros.machine import peak_resident_bytes
from roma_ros.speed.spread import Spread
from roma_ros.speed.stream import bench_unit
from roma_ros.thinker import (
    ContextPolicy,
    EncodedUnit,
    PhaseTimings,
    RomaThinker,
    StreamSession,
)

__all__ = ["Measurement", "MemoryUse", "MissingTimingsError", "measure"]

INSTRUCTION = "alert me when you hear a beep"
QUESTION = "what did you see?"
DIFFERENT_UNITS = 4  # rendered before the measurement, and kept in memory
TOKENS_PER_BRANCH = 24


class MissingTimingsError(RuntimeError):
    """Raised when the model ended every answer before a token could be timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Memory in bytes.

    Attributes:
        weights: all parameters and buffers, as they are stored.
        cache: KV cache of one session.
        process_peak: peak of the process in main memory.
        device_peak: peak of torch in GPU memory; 0 without a GPU.
    """

    weights: int
    cache: int
    process_peak: int
    device_peak: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Result of `measure`.

    Attributes:
        phases: durations of a unit's phases, by the names of `PhaseTimings`, and `total`.
        token: durations of one token of an answer.
        video_tokens, unit_tokens: video tokens and all tokens of a unit.
        seen_tokens: tokens that the backbone attended to when the window was full.
        opening_tokens: tokens of system prompt and instruction.
        window: most units in the window.
        policy: what the session did when its window was full.
        cores_used: average processor seconds in a second of measuring. Well below 1 on a CPU, the
            machine was busy with something else, and the durations are too long.
        memory: memory in bytes.
    """

    phases: dict[str, Spread]
    token: Spread
    video_tokens: int
    unit_tokens: int
    seen_tokens: int
    opening_tokens: int
    window: int
    policy: ContextPolicy
    cores_used: float
    memory: MemoryUse

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of the stream under one watch (mean)."""
        return self.phases["total"].mean / 1e3


def measure(
    thinker: RomaThinker,
    *,
    units: int = 20,
    context_seconds: int | None = None,
    context_policy: ContextPolicy | str | None = None,
    tokens: int = 48,
    on_progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Measurement:
    """Measure units of 1280x720 video and audio in a session whose window is full.

    Args:
        thinker: model to measure.
        units: number of units to time.
        context_seconds: length of the window in seconds; `None` for the checkpoint's default.
        context_policy: what to do when it is full; `None` for the checkpoint's default.
        tokens: number of tokens to time, of answers on branches.
        on_progress: called with the name of the stage, the steps done and their total.

    Raises:
        ContextError: the window exceeds the backbone's range of positions.
        MissingTimingsError: no token could be timed.
    """
    stream = [bench_unit(index) for index in range(DIFFERENT_UNITS)]
    if thinker.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(thinker.device)
    with thinker.open_session(
        INSTRUCTION, context_seconds=context_seconds, context_policy=context_policy
    ) as session:
        sample = thinker.encode(stream[0])
        # Encoded once: the cost of a full window does not depend on its content. One unit more
        # than fits, so that one was evicted, or a handover was made.
        for index in range(session.window + 1):
            session.step(sample)
            on_progress("filling the window", index + 1, session.window + 1)
        session.step(stream[0])
        seen = len(session.opening) + session.window * len(sample.tokens)
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
            seen_tokens=seen,
            opening_tokens=len(session.opening),
            window=session.window,
            policy=ContextPolicy.HANDOVER if session.overlap else ContextPolicy.EVICT,
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
    """Time single tokens; the first one of each answer runs the question too, and is left out."""
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
    """Return the bytes of all weights, with the statistics that bitsandbytes adds."""
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
