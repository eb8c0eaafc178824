"""What other thresholds would have done with p(speak) as it was recorded."""

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
    """Settings of a watch to try; `None`: as it was recorded.

    Attributes:
        threshold, window, cooldown: as in `Watch`.
    """

    threshold: float | None = None
    window: int | None = None
    cooldown: float | None = None


@dataclass(frozen=True, slots=True)
class RecordedUnit:
    """p(speak) of a unit, as it was recorded.

    Attributes:
        event: what was recorded.
        seconds: END of the unit from the beginning of the source or stream; `None` if not known.
        stream: counts streams and starts of the node, so that no two of a file are the same.
    """

    event: SpeakProbability
    seconds: float | None
    stream: int


@dataclass(slots=True)
class RecordedWatch:
    """All units of one watch in a file of events.

    Attributes:
        watch: its id.
        settings: as the last header has it; `None` if no header tells of it.
        units: in their order.
    """

    watch: str
    settings: Watch | None = None
    units: list[RecordedUnit] = field(default_factory=list)

    @property
    def kind(self) -> WatchKind:
        """An alert, unless a header says otherwise."""
        return self.settings.kind if self.settings else WatchKind.ALERT

    @property
    def window(self) -> int:
        """Window that was recorded, as far as it is known."""
        return self.settings.window if self.settings else DEFAULT_WINDOW

    @property
    def cooldown(self) -> float:
        """Cooldown that was recorded, as far as it is known, s."""
        return self.settings.cooldown if self.settings else DEFAULT_COOLDOWN

    @property
    def recorded(self) -> list[RecordedUnit]:
        """The units that made the watch speak up when they were recorded."""
        return [unit for unit in self.units if unit.event.triggered]

    def replay(self, settings: ReplaySettings) -> list[RecordedUnit]:
        """The units that would have made the watch speak up under other settings.

        Each new stream begins without a past, as in the node. p(speak) is as it was recorded:
        what a watch would have said more, or less, is not in its session.
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
    """p(speak) of each watch of a file of events, in the order of their first units."""
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
