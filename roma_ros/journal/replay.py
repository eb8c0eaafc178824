"""Replay of recorded p(speak) under other thresholds, windows and cooldowns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from roma_ros.events import SpeakProbability
from roma_ros.journal.record import Header, Line, Record
from roma_ros.triggers import AlertTrigger, NarrationTrigger
from roma_ros.watch import DEFAULT_COOLDOWN, DEFAULT_WINDOW, Watch, WatchKind

__all__ = ["RecordedUnit", "RecordedWatch", "ReplaySettings", "recorded_watches"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySettings:
    """Settings of a watch to try; `None`: as recorded.

    Attributes:
        threshold, window, cooldown: as in `Watch`.
    """

    threshold: float | None = None
    window: int | None = None
    cooldown: float | None = None


@dataclass(frozen=True, slots=True)
class RecordedUnit:
    """Recorded p(speak) of one unit.

    Attributes:
        event: the recorded event.
        seconds: END of the unit from the beginning of the source or stream; `None` if unknown.
        stream: number of the stream within the file; restarts of the node count too.
    """

    event: SpeakProbability
    seconds: float | None
    stream: int


@dataclass(slots=True)
class RecordedWatch:
    """Recorded units of one watch in a file of events.

    Attributes:
        watch: id of the watch.
        settings: the watch in the last header; `None` if no header has it.
        units: units in order.
    """

    watch: str
    settings: Watch | None = None
    units: list[RecordedUnit] = field(default_factory=list)

    @property
    def kind(self) -> WatchKind:
        """Kind of the watch; an alert if no header has it."""
        return self.settings.kind if self.settings else WatchKind.ALERT

    @property
    def window(self) -> int:
        """Recorded window; the default if no header has it."""
        return self.settings.window if self.settings else DEFAULT_WINDOW

    @property
    def cooldown(self) -> float:
        """Recorded cooldown [s]; the default if no header has it."""
        return self.settings.cooldown if self.settings else DEFAULT_COOLDOWN

    @property
    def recorded(self) -> list[RecordedUnit]:
        """Units at which the watch triggered when it was recorded."""
        return [unit for unit in self.units if unit.event.triggered]

    def replay(self, settings: ReplaySettings) -> list[RecordedUnit]:
        """Return the units at which the watch triggers under other settings.

        The trigger is reset at each stream, as in the node. p(speak) stays as recorded, although
        more or fewer replies would have changed the session.
        """
        triggered = []
        trigger: AlertTrigger | NarrationTrigger | None = None
        stream = -1
        for unit in self.units:
            if trigger is None or unit.stream != stream:
                trigger, stream = self._trigger(settings), unit.stream
            if settings.threshold is None:
                trigger.threshold = unit.event.threshold
            if trigger.update(unit.event.p_speak, unit.event.stamp):
                triggered.append(unit)
        return triggered

    def _trigger(self, settings: ReplaySettings) -> AlertTrigger | NarrationTrigger:
        threshold = 1.0 if settings.threshold is None else settings.threshold
        if self.kind is WatchKind.NARRATION:
            return NarrationTrigger(threshold)
        return AlertTrigger(
            threshold,
            self.window if settings.window is None else settings.window,
            self.cooldown if settings.cooldown is None else settings.cooldown,
        )


def recorded_watches(lines: Iterable[Line]) -> list[RecordedWatch]:
    """Return recorded p(speak) of each watch, in the order of their first units."""
    found: dict[str, RecordedWatch] = {}
    settings: dict[str, Watch] = {}
    header: Header | None = None
    stream = 0
    number: int | None = None
    complete = True
    for line in lines:
        if isinstance(line, Header):
            complete = "speak_probability" in str(line.settings.get("kinds", "speak_probability"))
            settings |= {watch.id: watch for watch in line.watches}
            if line != header:  # a new start; one that is the same begins a file of a journal
                header, number = line, None
        elif isinstance(line, Record) and isinstance(event := line.event, SpeakProbability):
            if not (event.watch and complete):
                continue  # a journal keeps those that triggered even if it does not keep all
            if event.stream != number:
                stream, number = stream + 1, event.stream
            found.setdefault(event.watch, RecordedWatch(event.watch)).units.append(
                RecordedUnit(event, line.seconds, stream)
            )
    for recording in found.values():
        recording.settings = settings.get(recording.watch)
    return list(found.values())
