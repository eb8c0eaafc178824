"""How the assistant is doing, as numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from roma_ros.percentiles import p50_p99
from roma_ros.watch import Watch

__all__ = ["AssistantStatus", "SessionStatus", "StepTimes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatus:
    """One session after its last unit.

    Attributes:
        watch: whose session it is; `None` for a stream without a watch.
        p_speak: of the last unit; `None` before the first, and without a speak head.
        speaking: whether a reply is unfinished.
        kv_length, kv_capacity: slots of the cache in use, and in all.
        memory_bytes: of the cache.
        units_kept, evicted: units in the window, and units that have left it.
    """

    watch: Watch | None
    p_speak: float | None
    speaking: bool
    kv_length: int
    kv_capacity: int
    memory_bytes: int
    units_kept: int
    evicted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantStatus:
    """A snapshot; counters run since the assistant was made.

    Attributes:
        running: whether a worker thread is at work.
        stream: number of the current stream; `None` before the first unit.
        unit, stamp: index of the last unit heard, and its end in ns; `None` before the first.
        units_heard: units that at least one session has judged.
        units_unjudged: units that a fault kept from at least one session.
        units_dropped: units that were skipped because the assistant was late.
        units_audio_only: units that were heard without video because the assistant was late.
        backlog: units that wait.
        lag: seconds that the oldest of them has waited; 0 if none does.
        questions: questions that wait.
        faults: errors that were mended.
        last_fault: the last of them, in words; empty if there was none.
        warnings: by the id of a watch, what its instruction asks for that the model cannot know,
            see or hear.
        step_last, step_p50, step_p99: seconds to hear one unit in all sessions, encoders
            included, over the last units; 0 before the first.
        sessions: the sessions that are open.
    """

    running: bool = False
    stream: int | None = None
    unit: int | None = None
    stamp: int | None = None
    units_heard: int = 0
    units_unjudged: int = 0
    units_dropped: int = 0
    units_audio_only: int = 0
    backlog: int = 0
    lag: float = 0.0
    questions: int = 0
    faults: int = 0
    last_fault: str = ""
    warnings: Mapping[str, str] = field(default_factory=dict)
    step_last: float = 0.0
    step_p50: float = 0.0
    step_p99: float = 0.0
    sessions: tuple[SessionStatus, ...] = ()

    @property
    def memory_bytes(self) -> int:
        """Of all sessions' caches."""
        return sum(session.memory_bytes for session in self.sessions)


class StepTimes:
    """Durations of the last steps, seconds; a bounded window."""

    def __init__(self, length: int = 256) -> None:
        self._seconds: deque[float] = deque(maxlen=length)

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)

    @property
    def last(self) -> float:
        return self._seconds[-1] if self._seconds else 0.0

    def p50_p99(self) -> tuple[float, float]:
        """Percentiles of the steps in the window [s]; zeros before the first."""
        return p50_p99(self._seconds) if self._seconds else (0.0, 0.0)
