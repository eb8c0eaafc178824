"""Triggers: decide from a series of p(speak) at which units a watch triggers.

Plain Python: no torch, no ROS.
"""

from __future__ import annotations

from collections import deque

__all__ = ["MAX_WINDOW", "AlertTrigger", "NarrationTrigger"]

MAX_WINDOW = 60  # units


class AlertTrigger:
    """Trigger when the last `window` units all have p(speak) >= `threshold`.

    A run is a stretch of units at or above the threshold. The alert triggers once per run, and
    again only when that run has ended and `cooldown` has passed since. If the cooldown ends within
    a later run, the alert triggers then. A NaN ends a run.

    The three settings may be set at any time. They hold from the next unit on, and count the units
    before it too.

    Args:
        threshold: p(speak) in (0, 1] (paper, appendix: 0.2 to 0.975 by task).
        window: units in a row, 1 to 60 (paper, section 3.1: W of 1 to 5 by task).
        cooldown: seconds after an alert in which none is raised, on the sensor clock.
    """

    def __init__(self, threshold: float, window: int = 1, cooldown: float = 0.0) -> None:
        self.threshold = threshold
        self.window = window
        self.cooldown = cooldown
        self._recent: deque[float] = deque(maxlen=MAX_WINDOW)
        self._armed = True  # the run that triggered last has ended
        self._last_triggered: int | None = None

    def update(self, p_speak: float, stamp: int) -> bool:
        """Add a unit; return whether the alert triggers at it.

        Args:
            p_speak: of the unit.
            stamp: end of the unit, ns on the sensor clock.
        """
        self._recent.append(p_speak)
        if not p_speak >= self.threshold:
            self._armed = True
        if not (self._armed and self._window_is_high() and self._cooled_down(stamp)):
            return False
        self._armed = False
        self._last_triggered = stamp
        return True

    def _window_is_high(self) -> bool:
        last = list(self._recent)[-self.window :]
        return len(last) == self.window and all(p >= self.threshold for p in last)

    def _cooled_down(self, stamp: int) -> bool:
        last = self._last_triggered
        return last is None or stamp - last >= self.cooldown * 1e9


class NarrationTrigger:
    """Trigger at each unit with p(speak) >= `threshold`; no window (paper, section 3.1).

    Args:
        threshold: p(speak) in (0, 1]; may be set at any time.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def update(self, p_speak: float, _stamp: int) -> bool:
        """Add a unit; return whether the narration triggers at it.

        Args:
            p_speak: of the unit.
        """
        return p_speak >= self.threshold
