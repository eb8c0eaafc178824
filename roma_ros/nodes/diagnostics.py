"""How the node is, as diagnostic_msgs: inputs, units and thinker."""

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
RECENT = 10.0  # seconds that a lost unit shows as a warning
MINUTE = 60.0
MESSAGE = 500  # characters of a message that may name many watches
MOST_LOST = 0.05  # of a minute's video, sound or stamps, without a warning
MOST_RESETS = 3  # in `RECENT` seconds, without a warning
STALLED = 5.0  # seconds without a judged unit, or without a tick of the clock, that are an error
ARRIVING = 2.0  # seconds since an input's last message within which data arrives

ALL = "items_in"
LOSSES = (  # what counters of `AssemblerStats` say of a minute: part, whole, in words
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


class Stall:
    """Measures how long a value has stood still, in monotonic seconds."""

    def __init__(self) -> None:
        self._value: object = None
        self._since = time.monotonic()

    def update(self, value: object) -> float:
        """Take the value as it is now; returns the seconds since it was another."""
        now = time.monotonic()
        if value != self._value:
            self._value, self._since = value, now
        return now - self._since

    def restart(self) -> None:
        """Count from now on."""
        self._since = time.monotonic()


class RecentMinute:
    """How much counters have grown in the last minute. To be updated about once a second."""

    def __init__(self) -> None:
        self._snapshots: deque[tuple[float, Mapping[str, int]]] = deque(maxlen=256)

    def update(self, counts: Mapping[str, int]) -> None:
        """Take the counters as they are now; if one has fallen, they count anew."""
        now = time.monotonic()
        if self._snapshots:
            newest = self._snapshots[-1][1]
            if any(value < newest.get(name, 0) for name, value in counts.items()):
                self._snapshots.clear()
        self._snapshots.append((now, dict(counts)))
        while now - self._snapshots[0][0] > MINUTE:
            self._snapshots.popleft()

    def growth(self, name: str) -> int:
        """By how much a counter has grown."""
        if not self._snapshots:
            return 0
        oldest, newest = self._snapshots[0][1], self._snapshots[-1][1]
        return newest.get(name, 0) - oldest.get(name, 0)

    def share(self, part: str, whole: str) -> float:
        """Return what share one counter's growth is of another's over a full minute, 0 to 1.

        While less than a minute has been seen, the rest is taken to be as much and without fault,
        so that a single unit at the start is no alarm.
        """
        grown = self.growth(whole)
        if grown <= 0:
            return 0.0
        seen = self._snapshots[-1][0] - self._snapshots[0][0]
        return self.growth(part) / (grown * max(1.0, MINUTE / max(seen, 1e-3)))


class StreamHealth:
    """What has become of a node's stream of late. To be updated about once a second.

    Attributes:
        minute: growth of the counters of the assembler and of the assistant.
        unjudged_for: seconds that data has been arriving without a unit being judged.
    """

    def __init__(self) -> None:
        self._resets: deque[float] = deque(maxlen=10_000)
        self.minute = RecentMinute()
        self.unjudged_for = 0.0
        self._stall = Stall()

    def update(self, stats: AssemblerStats, status: AssistantStatus, *, arriving: bool) -> None:
        """Take the counters as they are now.

        Args:
            arriving: whether data arrives and is taken.
        """
        counts = {name: getattr(stats, name) for part in LOSSES for name in part[:2] if name != ALL}
        counts[ALL] = stats.frames_in + stats.audio_in
        counts["units_failed"] = status.units_failed
        counts["faults"] = status.faults
        self.minute.update(counts)
        if not arriving:
            self._stall.restart()
        self.unjudged_for = self._stall.update(status.units_processed)

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
        """What was filled, late or bad, as shares of the last minute's, 0 to 1."""
        return {words: self.minute.share(part, whole) for part, whole, words in LOSSES}


def is_arriving(monitors: Sequence[InputMonitor]) -> bool:
    """Whether data comes in on any of the inputs."""
    return any(monitor.count and monitor.age < ARRIVING for monitor in monitors)


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
    errors: InputErrors,
    waiting_lost: int,
    disabled: str = "",
    clocks: Sequence[SensorClockStatus] = (),
) -> DiagnosticStatus:
    """Rates, ages, delays and stamps of the inputs, and all that was wrong with them.

    Stamps that were aligned by a constant are no fault; stamps that cannot be used are.

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
    message = "; ".join(["data comes in", *aligned])
    return _status(f"{node}: inputs", DiagnosticStatus.OK, message, values)


def graph_status(node: str, problems: Sequence[str]) -> DiagnosticStatus:
    """Return whether the ROS graph around the node is as expected.

    Args:
        problems: what is not, one sentence each; see `graph_check.graph_problems`.
    """
    name = f"{node}: graph"
    values: dict[str, object] = {f"problem {n}": text for n, text in enumerate(problems, 1)}
    if problems:
        return _warning(name, "; ".join(problems)[:MESSAGE], values)
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
    """What became of the input: an error if no unit is judged, a warning if much of it was lost.

    Args:
        skew: of the last unit, audio end minus video end, seconds; `None` before the first.
        health: of the stream, of late.
    """
    shares = health.shares
    values: dict[str, object] = {
        "units made": stats.units,
        "units heard": status.units_processed,
        "units not judged": status.units_failed,
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
        "times aligned by arrival": stats.realigned,
        "audio-video skew [s]": "" if skew is None else skew,
    }
    values |= {f"{words} in a minute [%]": 100 * share for words, share in shares.items()}
    name = f"{node}: units"
    if health.resets > MOST_RESETS:
        message = (
            f"{health.resets} resets in {RECENT:.0f} s: each forgets the stream, so alerts are "
            "missed; find the client that calls ~/reset"
        )
        return _warning(name, message, values)
    if health.unjudged_for >= STALLED:
        why = f": {status.last_fault}" if health.minute.growth("faults") else ""
        message = f"no unit was judged for {health.unjudged_for:.0f} s while data arrives{why}"
        return _status(name, DiagnosticStatus.ERROR, message, values)
    troubles = []
    if unjudged := health.minute.growth("units_failed"):
        troubles.append(f"units not judged in a minute: {unjudged}; {status.last_fault}")
    troubles += [
        f"{words}: {math.ceil(100 * share)} % of a minute"
        for words, share in shares.items()
        if share > MOST_LOST
    ]
    if troubles:
        return _warning(name, "; ".join(troubles), values)
    message = "no unit yet" if not stats.units else f"{stats.units} units made"
    return _status(name, DiagnosticStatus.OK, message, values)


def watch_status(node: str, status: AssistantStatus) -> DiagnosticStatus:
    """What is watched for, and a warning if the model cannot know, see or hear some of it."""
    name = f"{node}: watches"
    values: dict[str, object] = {
        session.watch.id: session.watch.instruction
        for session in status.sessions
        if session.watch is not None
    }
    values |= {f"{watch}: warning": warning for watch, warning in status.warnings.items()}
    if status.warnings:
        message = "; ".join(f"{watch}: {warning}" for watch, warning in status.warnings.items())
        return _warning(name, message[:MESSAGE], values)
    return _status(name, DiagnosticStatus.OK, "known", values)


def clock_status(node: str, stands_still_for: float, now: int) -> DiagnosticStatus:
    """Whether the simulation's clock ticks; for a node with `use_sim_time`.

    Args:
        stands_still_for: seconds since /clock last moved ROS time.
        now: ROS time, ns; 0 before the first message.
    """
    name = f"{node}: clock"
    values: dict[str, object] = {
        "ROS time [s]": now / 1e9,
        "stands still for [s]": stands_still_for,
    }
    if not now:
        message = "use_sim_time is on and nothing comes on /clock; start the simulation or the bag"
        return _warning(name, message, values)
    if stands_still_for >= STALLED:
        message = f"use_sim_time is on and /clock has stood still for {stands_still_for:.0f} s"
        return _warning(name, message, values)
    return _status(name, DiagnosticStatus.OK, "/clock ticks", values)


def thinker_status(
    node: str, model: str, status: AssistantStatus, late: bool, faults: int = 0
) -> DiagnosticStatus:
    """Whether the model keeps up, and what it holds.

    Args:
        late: whether units were lost of late because it does not.
        faults: errors of the last minute.
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
        return _warning(name, "slower than the sensors: units are lost", values)
    return _status(name, DiagnosticStatus.OK, "keeps up", values)


def watch_storage_status(
    node: str, running: int, trouble: str, conflicts: Sequence[str]
) -> DiagnosticStatus:
    """Whether the watches would outlast a crash, and what could not be restored.

    Args:
        running: how many watches there are.
        trouble: why they are not stored; empty if they are.
        conflicts: one line each.
    """
    values: dict[str, object] = {"watches": running}
    values.update({f"conflict {n}": line for n, line in enumerate(conflicts[:MAX_CONFLICTS], 1)})
    if trouble:
        return _warning(f"{node}: watch storage", trouble, values)
    if conflicts:
        return _warning(f"{node}: watch storage", conflicts[0], values)
    return _status(f"{node}: watch storage", DiagnosticStatus.OK, f"{running} watches", values)


def journal_status(node: str, status: JournalStatus | None, trouble: str) -> DiagnosticStatus:
    """Whether events are written.

    Args:
        status: `None`: there is no journal.
        trouble: why there is none, although there should be.
    """
    name = f"{node}: journal"
    if trouble:
        return _status(name, DiagnosticStatus.ERROR, trouble, {})
    if status is None:
        return _status(name, DiagnosticStatus.OK, "switched off", {})
    values: dict[str, object] = {
        "events": status.newest,
        "events waiting": status.waiting,
        "events lost": status.lost,
        "events told before they were written": status.late,
    }
    if status.error:
        return _status(name, DiagnosticStatus.ERROR, f"not written: {status.error}", values)
    if status.lost:
        return _warning(name, f"{status.lost} events were never written", values)
    return _status(name, DiagnosticStatus.OK, "events are written", values)


def hook_statuses(node: str, stats: HookStats | None) -> list[DiagnosticStatus]:
    """What became of the events that go to hooks; nothing where there is no hook."""
    if stats is None:
        return []
    values: dict[str, object] = {
        "delivered": stats.delivered,
        "given up": stats.failed,
        "dropped": stats.dropped,
    }
    if stats.lost:
        return [_warning(f"{node}: hooks", f"{stats.lost} events were not delivered", values)]
    return [_status(f"{node}: hooks", DiagnosticStatus.OK, "all was delivered", values)]


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
