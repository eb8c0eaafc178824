"""Diagnostics of the roma node: inputs, units, thinker, watches, journal, hooks and clock."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping, Sequence

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from roma_ros.assistant.status import AssistantStatus
from roma_ros.hooks import HookStats
from roma_ros.journal import JournalStatus
from roma_ros.machine import resident_bytes
from roma_ros.nodes.input_errors import InputErrors
from roma_ros.nodes.input_monitor import InputMonitor
from roma_ros.units import AssemblerStats, Modality, SensorClockStatus

__all__ = [
    "LagMemory",
    "RecentMinute",
    "Stall",
    "StreamHealth",
    "clock_status",
    "graph_status",
    "hook_statuses",
    "input_status",
    "is_arriving",
    "journal_status",
    "loading_status",
    "state_status",
    "thinker_status",
    "unit_status",
    "watch_storage_status",
]

MAX_CONFLICTS = 16  # lines
RECENT = 10.0  # s that a dropped unit shows as a warning
MINUTE = 60.0
MAX_MESSAGE = 500  # characters of a message that names watches
MAX_LOSS = 0.05  # share of a minute's video, audio or stamps lost without a warning
MAX_RESETS = 3  # in `RECENT` seconds, without a warning
STALLED = 5.0  # s without a processed unit, or a tick of the clock, that are an error
ARRIVING = 2.0  # s since an input's last message during which data counts as arriving

ALL = "items_in"
LOSSES = (  # ratios of counters of `AssemblerStats`: part, whole, description
    ("units_video_filled", "units", "units without new video"),
    ("units_audio_filled", "units", "units with missing sound"),
    ("frames_late", "frames_in", "frames too late"),
    ("frames_bad", "frames_in", "frames that cannot be decoded"),
    ("frames_duplicate", "frames_in", "frames with the stamp of another"),
    ("audio_late", "audio_in", "audio too late"),
    ("audio_overlap", "audio_in", "audio that overlaps"),
    ("audio_overflow", "audio_in", "audio in no order"),
    ("stamps_bad", ALL, "data with bad stamps"),
)


class LagMemory:
    """Detector of units that were dropped recently."""

    def __init__(self) -> None:
        self._lost = 0
        self._when: float | None = None

    def is_recent(self, lost: int) -> bool:
        """Return whether the number of dropped units has grown in the last `RECENT` seconds."""
        now = time.monotonic()
        if lost > self._lost:
            self._when = now
        self._lost = lost
        return self._when is not None and now - self._when < RECENT


class Stall:
    """Stopwatch of how long a value has not changed, in monotonic seconds."""

    def __init__(self) -> None:
        self._value: object = None
        self._since = time.monotonic()

    def update(self, value: object) -> float:
        """Take the current value; return the seconds since its last change."""
        now = time.monotonic()
        if value != self._value:
            self._value, self._since = value, now
        return now - self._since

    def restart(self) -> None:
        """Restart the count at zero."""
        self._since = time.monotonic()


class RecentMinute:
    """Growth of counters in the last minute. Update it about once a second."""

    def __init__(self) -> None:
        self._snapshots: deque[tuple[float, Mapping[str, int]]] = deque(maxlen=256)

    def update(self, counts: Mapping[str, int]) -> None:
        """Take the current counters; start over if one has decreased."""
        now = time.monotonic()
        if self._snapshots:
            newest = self._snapshots[-1][1]
            if any(value < newest.get(name, 0) for name, value in counts.items()):
                self._snapshots.clear()
        self._snapshots.append((now, dict(counts)))
        while now - self._snapshots[0][0] > MINUTE:
            self._snapshots.popleft()

    def growth(self, name: str) -> int:
        """Return by how much a counter has grown."""
        if not self._snapshots:
            return 0
        oldest, newest = self._snapshots[0][1], self._snapshots[-1][1]
        return newest.get(name, 0) - oldest.get(name, 0)

    def share(self, part: str, whole: str) -> float:
        """Return the growth of one counter as a share of another's over a full minute, 0 to 1.

        In the first minute the time that is missing counts as free of losses, so that a single
        unit at the start is no alarm.
        """
        grown = self.growth(whole)
        if grown <= 0:
            return 0.0
        seen = self._snapshots[-1][0] - self._snapshots[0][0]
        return self.growth(part) / (grown * max(1.0, MINUTE / max(seen, 1e-3)))


class StreamHealth:
    """Health of a node's stream in the last minute. Update it about once a second.

    Attributes:
        minute: growth of the counters of the assembler and of the assistant.
        unprocessed_for: how long data has been arriving without a unit being processed, s.
    """

    def __init__(self) -> None:
        self._resets: deque[float] = deque(maxlen=10_000)
        self.minute = RecentMinute()
        self.unprocessed_for = 0.0
        self._stall = Stall()

    def update(self, stats: AssemblerStats, status: AssistantStatus, *, arriving: bool) -> None:
        """Take the current counters.

        Args:
            stats: counters of the assembler.
            status: counters of the assistant.
            arriving: whether data arrives on an enabled input.
        """
        counts = {name: getattr(stats, name) for part in LOSSES for name in part[:2] if name != ALL}
        counts[ALL] = stats.frames_in + stats.audio_in
        counts["units_failed"] = status.units_failed
        counts["faults"] = status.faults
        self.minute.update(counts)
        if not arriving:
            self._stall.restart()
        self.unprocessed_for = self._stall.update(status.units_processed)

    def count_reset(self) -> None:
        """Count a reset of the stream that a client asked for."""
        self._resets.append(time.monotonic())

    @property
    def resets(self) -> int:
        """Resets by clients in the last `RECENT` seconds."""
        oldest = time.monotonic() - RECENT
        return sum(reset > oldest for reset in self._resets)

    @property
    def shares(self) -> dict[str, float]:
        """Share of the last minute's data that was filled, late or bad, 0 to 1, by description."""
        return {words: self.minute.share(part, whole) for part, whole, words in LOSSES}


def is_arriving(monitors: Sequence[InputMonitor]) -> bool:
    """Return whether data arrives on any input."""
    return any(monitor.count and monitor.age < ARRIVING for monitor in monitors)


def state_status(node: str, state: str, detail: str) -> DiagnosticStatus:
    """Return the status of a node that is not active: OK, or ERROR if there is a detail."""
    level = DiagnosticStatus.ERROR if detail else DiagnosticStatus.OK
    return _status(f"{node}: state", level, detail or state, {"state": state})


def loading_status(node: str, what: str) -> DiagnosticStatus:
    """Return the status of a node that loads its model."""
    return _status(f"{node}: state", DiagnosticStatus.WARN, what, {"state": "configuring"})


def input_status(
    node: str,
    monitors: Sequence[InputMonitor],
    errors: InputErrors,
    waiting_lost: int,
    disabled: str = "",
    clocks: Sequence[SensorClockStatus] = (),
) -> DiagnosticStatus:
    """Return the status of the inputs: rates, ages, delays, stamps and errors.

    Stamps that were aligned by a constant are OK; stamps that cannot be used are a warning.

    Args:
        node: name of the node.
        monitors: monitor of each input.
        errors: errors of the inputs.
        waiting_lost: number of messages that were dropped before they were decoded.
        disabled: which inputs are disabled, and by which service; empty: none.
        clocks: how the stamps of each sensor relate to the time of arrival.
    """
    values: dict[str, object] = {}
    for monitor in monitors:
        values[f"{monitor.topic} messages"] = monitor.count
        values[f"{monitor.topic} rate [Hz]"] = monitor.rate
        values[f"{monitor.topic} age [s]"] = monitor.age
        values[f"{monitor.topic} delay [s]"] = monitor.delay
    values["disabled"] = disabled
    values["messages lost before they were read"] = waiting_lost
    for clock in clocks:
        values.update(_clock_values(clock))
    values.update(errors.counts)
    silent = [monitor.topic for monitor in monitors if monitor.silent]
    if disabled:
        missing = f"; no data on {' and '.join(silent)}" if silent else ""
        return _warning(f"{node}: inputs", disabled + missing, values)
    if silent:
        return _warning(f"{node}: inputs", f"no data on {' and '.join(silent)}", values)
    unusable = [f"{_sensor(clock)}: {clock.fault}" for clock in clocks if clock.fault]
    if unusable:
        return _warning(f"{node}: inputs", "; ".join(unusable), values)
    if errors.recent:
        return _warning(f"{node}: inputs", errors.recent, values)
    aligned = [
        f"{_sensor(clock)} aligned by arrival ({clock.offset:+.3f} s)"
        for clock in clocks
        if clock.by_arrival
    ]
    message = "; ".join(["receiving data", *aligned])
    return _status(f"{node}: inputs", DiagnosticStatus.OK, message, values)


def graph_status(node: str, problems: Sequence[str]) -> DiagnosticStatus:
    """Return whether the ROS graph around the node is as expected.

    Args:
        problems: what is not, one sentence each; see `graph_check.graph_problems`.
    """
    name = f"{node}: graph"
    values: dict[str, object] = {f"problem {n}": text for n, text in enumerate(problems, 1)}
    if problems:
        return _warning(name, "; ".join(problems)[:MAX_MESSAGE], values)
    return _status(name, DiagnosticStatus.OK, "one publisher for each input", values)


def _sensor(clock: SensorClockStatus) -> str:
    return "camera" if clock.modality is Modality.VIDEO else "microphone"


def _clock_values(clock: SensorClockStatus) -> dict[str, object]:
    sensor = _sensor(clock)
    return {
        f"{sensor} aligned by": "arrival" if clock.by_arrival else "stamps",
        f"{sensor} stamp offset [s]": clock.offset,
        f"{sensor} latency [s]": "" if clock.latency is None else clock.latency,
        f"{sensor} clock drift [ppm]": "" if clock.drift is None else clock.drift,
        f"{sensor} lateness in use [s]": clock.lateness,
    }


def unit_status(
    node: str,
    stats: AssemblerStats,
    status: AssistantStatus,
    skew: float | None,
    health: StreamHealth,
) -> DiagnosticStatus:
    """Return the status of the units: ERROR if none is processed, WARN if much data is lost.

    Args:
        node: name of the node.
        stats: counters of the assembler.
        status: counters of the assistant.
        skew: audio end minus video end of the last unit, s; `None` before the first unit.
        health: health of the stream in the last minute.
    """
    shares = health.shares
    values: dict[str, object] = {
        "units made": stats.units,
        "units processed": status.units_processed,
        "units failed": status.units_failed,
        "units with video filled": stats.units_video_filled,
        "units with audio filled": stats.units_audio_filled,
        "units dropped": stats.units_dropped + status.units_dropped,
        "units processed without video": status.units_audio_only,
        "frames": stats.frames_in,
        "frames late": stats.frames_late,
        "frames bad": stats.frames_bad,
        "pieces of audio": stats.audio_in,
        "pieces of audio late": stats.audio_late,
        "pieces of audio overlapping": stats.audio_overlap,
        "gaps in audio": stats.audio_gaps,
        "stamps bad": stats.stamps_bad,
        "new streams": stats.new_streams,
        "times aligned by arrival": stats.realigned,
        "audio-video skew [s]": "" if skew is None else skew,
    }
    values |= {f"{words} in a minute [%]": 100 * share for words, share in shares.items()}
    name = f"{node}: units"
    if health.resets > MAX_RESETS:
        message = (
            f"{health.resets} resets in {RECENT:.0f} s: each forgets the stream, so alerts are "
            "missed; find the client that calls ~/reset"
        )
        return _warning(name, message, values)
    if health.unprocessed_for >= STALLED:
        why = f": {status.last_fault}" if health.minute.growth("faults") else ""
        message = (
            f"no unit was processed for {health.unprocessed_for:.0f} s while data arrives{why}"
        )
        return _status(name, DiagnosticStatus.ERROR, message, values)
    troubles = []
    if unjudged := health.minute.growth("units_failed"):
        troubles.append(f"units failed in a minute: {unjudged}; {status.last_fault}")
    troubles += [
        f"{words}: {math.ceil(100 * share)} % of a minute"
        for words, share in shares.items()
        if share > MAX_LOSS
    ]
    if troubles:
        return _warning(name, "; ".join(troubles), values)
    message = "no unit yet" if not stats.units else f"{stats.units} units made"
    return _status(name, DiagnosticStatus.OK, message, values)


def watch_status(node: str, status: AssistantStatus) -> DiagnosticStatus:
    """Return the status of the watches: WARN if the model was not trained for an instruction."""
    name = f"{node}: watches"
    values: dict[str, object] = {
        session.watch.id: session.watch.instruction
        for session in status.sessions
        if session.watch is not None
    }
    values |= {f"{watch}: warning": warning for watch, warning in status.warnings.items()}
    if status.warnings:
        message = "; ".join(f"{watch}: {warning}" for watch, warning in status.warnings.items())
        return _warning(name, message[:MAX_MESSAGE], values)
    return _status(name, DiagnosticStatus.OK, "known", values)


def clock_status(node: str, stands_still_for: float, now: int) -> DiagnosticStatus:
    """Return the status of the simulation's clock, for a node with `use_sim_time`.

    Args:
        node: name of the node.
        stands_still_for: time since /clock last changed ROS time, s.
        now: ROS time, ns; 0 before the first message.
    """
    name = f"{node}: clock"
    values: dict[str, object] = {
        "ROS time [s]": now / 1e9,
        "stands still for [s]": stands_still_for,
    }
    if not now:
        message = "use_sim_time is true, but /clock has no messages; start the simulation or bag"
        return _warning(name, message, values)
    if stands_still_for >= STALLED:
        message = f"use_sim_time is true, but /clock has not changed for {stands_still_for:.0f} s"
        return _warning(name, message, values)
    return _status(name, DiagnosticStatus.OK, "/clock ticks", values)


def thinker_status(
    node: str, model: str, status: AssistantStatus, late: bool, faults: int = 0
) -> DiagnosticStatus:
    """Return the status of the model: whether it keeps up, and its memory.

    Args:
        node: name of the node.
        model: name of the checkpoint.
        status: counters of the assistant.
        late: whether units were dropped recently because the model is too slow.
        faults: number of faults in the last minute.
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
        "process memory [MiB]": resident_bytes() / 2**20,
        "faults": status.faults,
        "last fault": status.last_fault,
    }
    name = f"{node}: thinker"
    if faults:
        return _warning(name, f"faults in a minute: {faults}; {status.last_fault}", values)
    if late or status.lag > 1.0:
        return _warning(name, "slower than the sensors: units are dropped", values)
    return _status(name, DiagnosticStatus.OK, "keeps up", values)


def watch_storage_status(
    node: str, running: int, storage_error: str, conflicts: Sequence[str]
) -> DiagnosticStatus:
    """Return the status of the file that the watches are stored in.

    Args:
        node: name of the node.
        running: number of running watches.
        storage_error: why the watches are not stored; empty if they are.
        conflicts: one line for each watch that could not be restored as it was.
    """
    values: dict[str, object] = {"watches": running}
    values.update({f"conflict {n}": line for n, line in enumerate(conflicts[:MAX_CONFLICTS], 1)})
    if storage_error:
        return _warning(f"{node}: watch storage", storage_error, values)
    if conflicts:
        return _warning(f"{node}: watch storage", conflicts[0], values)
    return _status(f"{node}: watch storage", DiagnosticStatus.OK, f"{running} watches", values)


def journal_status(node: str, status: JournalStatus | None, error: str) -> DiagnosticStatus:
    """Return the status of the event journal.

    Args:
        node: name of the node.
        status: status of the journal; `None`: there is no journal.
        error: why the journal cannot be opened; empty: no error.
    """
    name = f"{node}: journal"
    if error:
        return _status(name, DiagnosticStatus.ERROR, error, {})
    if status is None:
        return _status(name, DiagnosticStatus.OK, "disabled", {})
    values: dict[str, object] = {
        "events": status.newest,
        "events waiting": status.waiting,
        "events lost": status.lost,
        "events published before they were written": status.late,
    }
    if status.error:
        return _status(name, DiagnosticStatus.ERROR, f"not written: {status.error}", values)
    if status.lost:
        return _warning(name, f"{status.lost} events were never written", values)
    return _status(name, DiagnosticStatus.OK, "events are written", values)


def hook_statuses(node: str, stats: HookStats | None) -> list[DiagnosticStatus]:
    """Return the status of the hooks; empty without hooks."""
    if stats is None:
        return []
    values: dict[str, object] = {
        "delivered": stats.delivered,
        "given up": stats.failed,
        "dropped": stats.dropped,
    }
    if stats.lost:
        return [_warning(f"{node}: hooks", f"{stats.lost} events were not delivered", values)]
    return [_status(f"{node}: hooks", DiagnosticStatus.OK, "all events delivered", values)]


def _warning(name: str, message: str, values: Mapping[str, object]) -> DiagnosticStatus:
    return _status(name, DiagnosticStatus.WARN, message, values)


def _status(
    name: str, level: bytes, message: str, values: Mapping[str, object]
) -> DiagnosticStatus:
    return DiagnosticStatus(
        name=name,
        level=level,
        message=message,
        hardware_id="roma",
        values=[KeyValue(key=key, value=_text(value)) for key, value in values.items()],
    )


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
