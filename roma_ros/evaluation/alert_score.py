"""p(speak) of an alert -> what was found, and what was a false alarm. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from roma_ros.evaluation.bootstrap import ratio
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.triggers import AlertTrigger
from roma_ros.world.alert import Window, windows

__all__ = ["AlertCounts", "firings", "score_alert"]


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """Of one stream, or summed over many. Units last a second.

    Attributes:
        events: windows in which an event went on.
        found: events in whose window a firing starts.
        recurrences, recurrences_found: the same, of recurring events alone.
        firings: of the alarm.
        false_alarms: firings that start outside of every window.
        hits: units with an event in which the alarm is on.
        false_units: units without an event in which it is on.
        missed_units: units with an event in which it is off.
        units: of the stream.
    """

    events: Any = 0
    found: Any = 0
    recurrences: Any = 0
    recurrences_found: Any = 0
    firings: Any = 0
    false_alarms: Any = 0
    hits: Any = 0
    false_units: Any = 0
    missed_units: Any = 0
    units: Any = 0

    @property
    def recall(self) -> Any:
        return ratio(self.found, self.events)

    @property
    def recurrence_recall(self) -> Any:
        return ratio(self.recurrences_found, self.recurrences)

    @property
    def false_alarms_per_minute(self) -> Any:
        return ratio(60 * self.false_alarms, self.units)

    @property
    def false_seconds_per_minute(self) -> Any:
        return ratio(60 * self.false_units, self.units)

    @property
    def unit_f1(self) -> Any:
        return ratio(2 * self.hits, 2 * self.hits + self.false_units + self.missed_units)


def firings(p_speak: np.ndarray, triggers: TriggerSettings) -> tuple[Window, ...]:
    """Each time that the alarm is on.

    A firing starts at the unit at which `AlertTrigger` goes off, which is the last of the first
    `window` units of a run at or above the threshold, and ends with that run.
    """
    trigger = AlertTrigger(triggers.threshold, triggers.window)
    found = []
    first = None
    for unit, p in enumerate(p_speak.tolist()):
        if trigger.update(p, unit * 1_000_000_000):
            first = unit
        if first is not None and not p >= triggers.threshold:
            found.append(Window(first, unit - 1))
            first = None
    if first is not None:
        found.append(Window(first, len(p_speak) - 1))
    return tuple(found)


def score_alert(
    p_speak: np.ndarray, labels: np.ndarray, triggers: TriggerSettings, *, recurring: bool = False
) -> AlertCounts:
    """Count what an alarm does.

    Args:
        p_speak: (seconds,).
        labels: bool (seconds,), the units in which the event goes on.
        triggers: when the alarm goes off.
        recurring: whether these events count as recurrences too.
    """
    alarms, events = firings(p_speak, triggers), windows(labels)
    on = np.zeros(len(labels), bool)
    for alarm in alarms:
        on[alarm.first : alarm.last + 1] = True
    starts = [alarm.first for alarm in alarms]
    found = sum(any(event.first <= start <= event.last for start in starts) for event in events)
    return AlertCounts(
        events=len(events),
        found=found,
        recurrences=len(events) if recurring else 0,
        recurrences_found=found if recurring else 0,
        firings=len(alarms),
        false_alarms=sum(not labels[start] for start in starts),
        hits=int((on & labels).sum()),
        false_units=int((on & ~labels).sum()),
        missed_units=int((~on & labels).sum()),
        units=len(labels),
    )
