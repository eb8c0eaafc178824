"""Status of the assistant: counters, step times, and the size of each session."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from roma_ros.percentiles import p50_p99
from roma_ros.watch import Watch

__all__ = ["AssistantStatus", "SessionStatus", "StepTimes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatus:
    """Status of one session after its last unit.

    Attributes:
        watch: the session's watch; `None` for the session of a stream without a watch.
        p_speak: p(speak) of the last unit; `None` before the first, and without a speak head.
        speaking: whether a reply is unfinished.
        kv_length, kv_capacity: slots of the KV cache in use, and in total.
        memory_bytes: bytes of the KV cache.
        units_kept, evicted: units in sight, and units that are out of sight: evicted, or left
            behind by handovers.
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
    """Snapshot of the assistant's status; counters start when the assistant is made.

    Attributes:
        running: whether the worker thread runs.
        stream: number of the current stream; `None` before the first unit.
        unit, stamp: index of the last unit processed, and its end, ns on the sensor clock; `None`
            before the first.
        units_processed: units for which at least one session has computed p(speak).
        units_failed: units that failed in at least one session because of a fault.
        units_dropped: units that were dropped because of lag.
        units_audio_only: units that were processed without video because of lag.
        backlog: units that wait.
        lag: seconds that the oldest of them has waited; 0 if none waits.
        questions: questions that wait.
        faults: errors from which the assistant has recovered.
        last_fault: text of the last fault; empty if there was none.
        warnings: id of a watch -> what its instruction asks for that the model does not know, see
            or hear.
        step_last, step_p50, step_p99: seconds to process one unit in all sessions, encoders
            included, over the last 256 units; 0 before the first.
        sessions: status of the sessions that are open.
    """

    running: bool = False
    stream: int | None = None
    unit: int | None = None
    stamp: int | None = None
    units_processed: int = 0
    units_failed: int = 0
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
        """Bytes of all sessions' KV caches."""
        return sum(session.memory_bytes for session in self.sessions)


class StepTimes:
    """Durations of the last steps [s], a bounded window.

    Args:
        length: steps in the window.
    """

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
