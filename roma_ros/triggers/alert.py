"""When an alert goes off: a run of high p(speak), once a run."""

from __future__ import annotations

from collections import deque

__all__ = ["MAX_WINDOW", "AlertTrigger"]

MAX_WINDOW = 60  # units


class AlertTrigger:
    """Goes off when the last `window` units all had p(speak) >= `threshold`.

    It goes off once a run (a stretch of units at or above the threshold), and again only when
    that run has ended and `cooldown` has passed since. A run that is under way when the cooldown
    ends makes it go off then. A NaN ends a run.

    The three settings may be set anew at any time; they hold from the next unit on, for the units
    already heard too.

    Args:
        threshold: in (0, 1] (paper, appendix: 0.2 to 0.975 by task).
        window: units in a row, 1 to 60 (paper, section 3.1: W of 1 to 5 by task).
        cooldown: seconds of silence after it went off, on the sensor clock.
    """

    def __init__(self, threshold: float, window: int = 1, cooldown: float = 0.0) -> None:
        self.threshold = threshold
        self.window = window
        self.cooldown = cooldown
        self._recent: deque[float] = deque(maxlen=MAX_WINDOW)
        self._run_over = True  # the run that set it off last is over
        self._went_off: int | None = None

    def update(self, p_speak: float, stamp: int) -> bool:
        """Take the next unit's p(speak) and its end (ns); return whether to go off now."""
        self._recent.append(p_speak)
        if not p_speak >= self.threshold:
            self._run_over = True
        if not (self._window_full() and self._run_over and self._cooled_down(stamp)):
            return False
        self._run_over = False
        self._went_off = stamp
        return True

    def _window_full(self) -> bool:
        last = list(self._recent)[-self.window :]
        return len(last) == self.window and all(p >= self.threshold for p in last)

    def _cooled_down(self, stamp: int) -> bool:
        return self._went_off is None or stamp - self._went_off >= self.cooldown * 1e9
