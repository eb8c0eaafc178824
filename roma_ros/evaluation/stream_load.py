"""Step times and memory of the sessions on one stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from roma_ros.evaluation.stream_outcomes import StreamLoad
from roma_ros.evaluation.stream_protocol import EvalSection
from roma_ros.evaluation.stream_sessions import WholeSession
from roma_ros.machine import resident_bytes
from roma_ros.thinker import EncodedUnit

__all__ = ["LoadRecorder"]


@dataclass(slots=True)
class LoadRecorder:
    """Step times and memory while a stream runs."""

    section: EvalSection
    name: str
    seconds: list[float] = field(default_factory=list)
    cache: list[int] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)

    def add(self, unit: EncodedUnit, sessions: Sequence[WholeSession]) -> None:
        """Record a unit that all sessions have processed."""
        steps = sum(session.step_seconds for session in sessions)
        self.seconds.append(unit.timings.total + steps)
        self.cache.append(sum(session.session.memory_bytes for session in sessions))
        self.resident.append(resident_bytes())

    def outcome(self) -> StreamLoad:
        """Return what was recorded."""
        return StreamLoad(
            section=self.section,
            stream=self.name,
            unit_seconds=np.array(self.seconds),
            cache_bytes=np.array(self.cache),
            resident_bytes=np.array(self.resident),
        )
