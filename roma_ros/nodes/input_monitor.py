"""What comes in on a topic, how often, and why nothing does."""

from __future__ import annotations

import math
import time
from collections import deque

__all__ = ["SILENCE", "InputMonitor"]

RATE_SECONDS = 5.0  # over which the rate is taken
SILENCE = 5.0  # seconds without a message that are worth a warning


class InputMonitor:
    """Arrivals on one topic, by the monotonic clock.

    Args:
        topic: its full name.
        message_type: as ROS writes it, such as sensor_msgs/msg/Image.

    Attributes:
        count: messages so far.
        delay: how long after its stamp the last message came, seconds of ROS time.
    """

    def __init__(self, topic: str, message_type: str) -> None:
        self.topic = topic
        self.message_type = message_type
        self.count = 0
        self.delay = 0.0
        self._began = self._last = time.monotonic()
        self._warned = -math.inf
        self._arrivals: deque[float] = deque(maxlen=4096)

    def arrived(self, delay: float) -> None:
        """A message came in, `delay` seconds after its stamp."""
        self.count += 1
        self.delay = delay
        self._last = time.monotonic()
        self._arrivals.append(self._last)

    @property
    def age(self) -> float:
        """Seconds since the last message, or since the beginning."""
        return time.monotonic() - self._last

    @property
    def silent(self) -> bool:
        """Whether nothing has come for so long that something must be wrong."""
        return self.age > SILENCE

    def warning_is_due(self, period: float) -> bool:
        """Whether it was not said within `period` seconds that it is silent; it is now."""
        now = time.monotonic()
        due = now - self._warned >= period
        self._warned = now if due else self._warned
        return due

    @property
    def rate(self) -> float:
        """Messages a second of late."""
        now = time.monotonic()
        while (first := self._first()) is not None and first < now - RATE_SECONDS:
            self._arrivals.popleft()
        return len(self._arrivals) / max(min(RATE_SECONDS, now - self._began), 1e-3)

    def _first(self) -> float | None:
        return self._arrivals[0] if self._arrivals else None
