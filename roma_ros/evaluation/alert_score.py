"""Alert scores: event recall, false alarms and unit F1 from a series of p(speak). Free of torch.

Terms, with units of one second:

- event window: a run of units in which the event of the instruction goes on.
- alarm: a run of units from the one at which the trigger raises an alert to the last one of that
  run with p(speak) >= threshold (`alarm_windows`).
- found event: an event window in which an alarm starts.
- false alarm: an alarm that starts outside every event window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from roma_ros.evaluation.bootstrap import ratio
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.triggers import AlertTrigger
from roma_ros.world.alert import Window, windows

__all__ = ["AlertCounts", "alarm_windows", "score_alert"]


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """Counts of one stream, or summed over many; fields are numbers or arrays of the same shape.

    Attributes:
        events: event windows.
        found: event windows in which an alarm starts.
        recurrences, recurrences_found: `events` and `found` of recurring events alone.
        firings: alarms.
        false_alarms: alarms that start outside every event window.
        hits: units with an event in which the alarm is on (true positives).
        false_units: units without an event in which it is on (false positives).
        missed_units: units with an event in which it is off (false negatives).
        units: length of the stream in units.
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
        """Event recall, found / events."""
        return ratio(self.found, self.events)

    @property
    def recurrence_recall(self) -> Any:
        """Event recall of recurring events, recurrences_found / recurrences."""
        return ratio(self.recurrences_found, self.recurrences)

    @property
    def false_alarms_per_minute(self) -> Any:
        """False alarms per minute of stream, 60 * false_alarms / units."""
        return ratio(60 * self.false_alarms, self.units)

    @property
    def false_seconds_per_minute(self) -> Any:
        """Seconds of false alarm per minute of stream, 60 * false_units / units."""
        return ratio(60 * self.false_units, self.units)

    @property
    def unit_f1(self) -> Any:
        """F1 per unit, 2 TP / (2 TP + FP + FN)."""
        return ratio(2 * self.hits, 2 * self.hits + self.false_units + self.missed_units)


def alarm_windows(p_speak: np.ndarray, triggers: TriggerSettings) -> tuple[Window, ...]:
    """Return the runs of units in which the alarm is on.

    An alarm starts at the unit at which `AlertTrigger` triggers, which is the last of the first
    `window` units of a run at or above the threshold, and ends with that run.

    Args:
        p_speak: float (units,), p(speak) of every unit of a stream.
        triggers: threshold and window of the trigger.
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
    p_speak: np.ndarray,
    labels: np.ndarray,
    triggers: TriggerSettings,
    *,
    recurring: bool = False,
    within: range | None = None,
    unclear: np.ndarray | None = None,
) -> AlertCounts:
    """Compare the alarms of one stream with its event windows.

    Args:
        p_speak: float (units,), p(speak) of every unit.
        labels: bool (units,), the units in which the event goes on.
        triggers: threshold and window of the trigger.
        recurring: whether these events count as recurrences too.
        within: count only events and alarms that start in these units, and these units; `None`:
            all.
        unclear: bool (units,), the units in which it is not clear whether the event goes on;
            `None`: none. They count neither way. An event begins with the unclear units before it.
    """
    inside = range(len(labels)) if within is None else range(len(labels))[_slice(within)]
    alarms, events = alarm_windows(p_speak, triggers), windows(labels)
    clear = np.ones(len(labels), bool)
    if unclear is not None:
        clear = labels | ~unclear
        events = tuple(run for run in windows(labels | unclear) if _any(labels, run))
    on = np.zeros(len(labels), bool)
    for alarm in alarms:
        on[alarm.first : alarm.last + 1] = True
    starts = [alarm.first for alarm in alarms]
    events = tuple(event for event in events if event.first in inside)
    found = sum(any(event.first <= start <= event.last for start in starts) for event in events)
    here = slice(inside.start, inside.stop)
    on, labels, clear = on[here], labels[here], clear[here]
    fired = [start for start in starts if start in inside]
    return AlertCounts(
        events=len(events),
        found=found,
        recurrences=len(events) if recurring else 0,
        recurrences_found=found if recurring else 0,
        firings=len(fired),
        false_alarms=sum(
            bool(~labels[start - inside.start] & clear[start - inside.start]) for start in fired
        ),
        hits=int((on & labels).sum()),
        false_units=int((on & ~labels & clear).sum()),
        missed_units=int((~on & labels).sum()),
        units=len(labels),
    )


def _any(labels: np.ndarray, run: Window) -> bool:
    return bool(labels[run.first : run.last + 1].any())


def _slice(units: range) -> slice:
    return slice(max(units.start, 0), max(units.stop, 0))
