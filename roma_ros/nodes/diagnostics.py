"""How the node is, as diagnostic_msgs: inputs, units and thinker."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from roma_ros.nodes.faults import Faults
from roma_ros.nodes.input_monitor import InputMonitor
from roma_ros.status import AssistantStatus
from roma_ros.units import AssemblerStats

__all__ = [
    "LagMemory",
    "input_status",
    "loading_status",
    "state_status",
    "thinker_status",
    "unit_status",
]

RECENT = 10.0  # seconds that a lost unit shows as a warning


class LagMemory:
    """Remembers for a while that units were lost."""

    def __init__(self) -> None:
        self._lost = 0
        self._when: float | None = None

    def is_recent(self, lost: int) -> bool:
        """Whether the number of lost units has grown of late."""
        now = time.monotonic()
        if lost > self._lost:
            self._when = now
        self._lost = lost
        return self._when is not None and now - self._when < RECENT


def state_status(node: str, state: str, detail: str) -> DiagnosticStatus:
    """For a node that is not active: that it is not, and why, if that is known."""
    level = DiagnosticStatus.ERROR if detail else DiagnosticStatus.OK
    return _status(f"{node}: state", level, detail or state, {"state": state})


def loading_status(node: str, what: str) -> DiagnosticStatus:
    """For a node that loads its model: it cannot see or hear yet."""
    return _status(f"{node}: state", DiagnosticStatus.WARN, what, {"state": "configuring"})


def input_status(
    node: str,
    monitors: Sequence[InputMonitor],
    faults: Faults,
    waiting_lost: int,
    disabled: str = "",
) -> DiagnosticStatus:
    """Rates, ages and delays of the inputs, and all that was wrong with them.

    Args:
        disabled: which inputs are switched off, and by what; empty if none is.
    """
    values: dict[str, object] = {}
    for monitor in monitors:
        values[f"{monitor.topic} messages"] = monitor.count
        values[f"{monitor.topic} rate [Hz]"] = monitor.rate
        values[f"{monitor.topic} age [s]"] = monitor.age
        values[f"{monitor.topic} delay [s]"] = monitor.delay
    values["disabled"] = disabled
    values["messages lost before they were read"] = waiting_lost
    values.update(faults.counts)
    silent = [monitor.topic for monitor in monitors if monitor.silent]
    if disabled:
        missing = f"; no data on {' and '.join(silent)}" if silent else ""
        return _warning(f"{node}: inputs", disabled + missing, values)
    if silent:
        return _warning(f"{node}: inputs", f"no data on {' and '.join(silent)}", values)
    if faults.recent:
        return _warning(f"{node}: inputs", faults.recent, values)
    return _status(f"{node}: inputs", DiagnosticStatus.OK, "data comes in", values)


def unit_status(
    node: str, stats: AssemblerStats, status: AssistantStatus, skew: float | None
) -> DiagnosticStatus:
    """What became of the input.

    Args:
        skew: of the last unit, audio end minus video end, seconds; `None` before the first.
    """
    values: dict[str, object] = {
        "units made": stats.units,
        "units heard": status.units_heard,
        "units with video filled": stats.units_video_filled,
        "units with audio filled": stats.units_audio_filled,
        "units dropped": stats.units_dropped + status.units_dropped,
        "units heard without video": status.units_audio_only,
        "frames": stats.frames_in,
        "frames late": stats.frames_late,
        "frames bad": stats.frames_bad,
        "pieces of audio": stats.audio_in,
        "pieces of audio late": stats.audio_late,
        "pieces of audio overlapping": stats.audio_overlap,
        "gaps in audio": stats.audio_gaps,
        "stamps bad": stats.stamps_bad,
        "new streams": stats.new_streams,
        "audio-video skew [s]": "" if skew is None else skew,
    }
    message = "no unit yet" if not stats.units else f"{stats.units} units made"
    return _status(f"{node}: units", DiagnosticStatus.OK, message, values)


def thinker_status(node: str, model: str, status: AssistantStatus, late: bool) -> DiagnosticStatus:
    """Whether the model keeps up, and what it holds.

    Args:
        late: whether units were lost of late because it does not.
    """
    values: dict[str, object] = {
        "model": model,
        "watches": sum(session.watch is not None for session in status.sessions),
        "step p50 [s]": status.step_p50,
        "step p99 [s]": status.step_p99,
        "backlog [units]": status.backlog,
        "lag [s]": status.lag,
        "questions waiting": status.questions,
        "kv length [tokens]": sum(session.kv_length for session in status.sessions),
        "kv capacity [tokens]": sum(session.kv_capacity for session in status.sessions),
        "kv memory [MiB]": status.memory_bytes / 2**20,
        "process memory [MiB]": _resident_bytes() / 2**20,
        "faults": status.faults,
    }
    name = f"{node}: thinker"
    if late or status.lag > 1.0:
        return _warning(name, "slower than the sensors: units are lost", values)
    return _status(name, DiagnosticStatus.OK, "keeps up", values)


def _resident_bytes() -> int:
    """Memory of this process that is in RAM (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _warning(name: str, message: str, values: dict[str, object]) -> DiagnosticStatus:
    return _status(name, DiagnosticStatus.WARN, message, values)


def _status(name: str, level: bytes, message: str, values: dict[str, object]) -> DiagnosticStatus:
    return DiagnosticStatus(
        name=name,
        level=level,
        message=message,
        hardware_id="roma",
        values=[KeyValue(key=key, value=_text(value)) for key, value in values.items()],
    )


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
