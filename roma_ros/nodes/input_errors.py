"""Counts and throttled log lines of bad input."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

__all__ = ["InputErrors"]

LOG_PERIOD = 5.0  # s between two log lines about the same kind of error
RECENT = 10.0  # s that an error shows in the diagnostics


class InputErrors:
    """Errors of the input, counted by topic and kind. Thread-safe.

    Args:
        log: called with each log line.

    Attributes:
        counts: number of errors by "topic: kind", where a kind is the name of an exception.
    """

    def __init__(self, log: Callable[[str], object]) -> None:
        self.counts: Counter[str] = Counter()
        self._log = log
        self._lock = threading.Lock()
        self._logged: dict[str, tuple[float, int]] = {}  # time of the last line, count at that time
        self._last = (0.0, "")

    def report(self, topic: str, kind: str, message: str) -> None:
        """Count an error, and log it unless its kind was logged less than `LOG_PERIOD` ago.

        Args:
            topic: name of the topic or service.
            kind: name of the exception.
            message: description of the error.
        """
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
        """The last error, if it is less than `RECENT` old; else empty."""
        when, message = self._last
        return message if time.monotonic() - when < RECENT else ""
