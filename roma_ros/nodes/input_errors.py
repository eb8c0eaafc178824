"""Bad input: counted, and said once in a while, but never a reason to stop."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

__all__ = ["Faults"]

LOG_PERIOD = 5.0  # seconds between two lines about the same kind of fault
RECENT = 10.0  # seconds that a fault shows in the diagnostics


class Faults:
    """Counts what was wrong with the input, by topic and kind. May be used from any thread.

    Args:
        log: writes a warning.

    Attributes:
        counts: number of faults by "topic: kind". Kinds are few: names of errors.
    """

    def __init__(self, log: Callable[[str], object]) -> None:
        self.counts: Counter[str] = Counter()
        self._log = log
        self._lock = threading.Lock()
        self._logged: dict[str, tuple[float, int]] = {}  # when, and the count then
        self._last = (0.0, "")

    def report(self, topic: str, kind: str, message: str) -> None:
        """Count a fault, and log it unless that kind was logged a moment ago."""
        key, now = f"{topic}: {kind}", time.monotonic()
        with self._lock:
            self.counts[key] += 1
            self._last = (now, f"{topic}: {message}")
            logged_at, logged_count = self._logged.get(key, (-LOG_PERIOD, 0))
            since = self.counts[key] - logged_count
            due = now - logged_at >= LOG_PERIOD
            if due:
                self._logged[key] = (now, self.counts[key])
        if due:
            self._log(f"{topic}: {message}" + (f" ({since} times)" if since > 1 else ""))

    @property
    def recent(self) -> str:
        """The last fault, if it was a moment ago; else empty."""
        when, message = self._last
        return message if time.monotonic() - when < RECENT else ""
