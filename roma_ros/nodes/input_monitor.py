"""Rate and age of the messages on an input topic, and description of its publishers."""

from __future__ import annotations

import math
import time
from collections import deque

__all__ = ["SILENCE", "InputMonitor"]

RATE_SECONDS = 5.0  # s over which the rate is measured
SILENCE = 5.0  # s without a message until a warning


class InputMonitor:
    """Statistics of the messages on one topic, by the monotonic clock.

    Args:
        topic: full name of the topic.
        message_type: name of the message type, such as sensor_msgs/msg/Image.

    Attributes:
        count: number of messages so far.
        delay: ROS time of the last message's arrival minus its stamp, s.
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
        """Count a message that arrived `delay` seconds after its stamp."""
        self.count += 1
        self.delay = delay
        self._last = time.monotonic()
        self._arrivals.append(self._last)

    @property
    def age(self) -> float:
        """Seconds since the last message; before the first, since the start."""
        return time.monotonic() - self._last

    @property
    def silent(self) -> bool:
        """Whether there has been no message for `SILENCE` seconds."""
        return self.age > SILENCE

    def warning_is_due(self, period: float) -> bool:
        """Return whether the last warning is `period` seconds ago; if so, count one as logged."""
        now = time.monotonic()
        due = now - self._warned >= period
        self._warned = now if due else self._warned
        return due

    @property
    def rate(self) -> float:
        """Messages per second over the last `RATE_SECONDS`."""
        now = time.monotonic()
        while (first := self._first()) is not None and first < now - RATE_SECONDS:
            self._arrivals.popleft()
        return len(self._arrivals) / max(min(RATE_SECONDS, now - self._began), 1e-3)

    def _first(self) -> float | None:
        return self._arrivals[0] if self._arrivals else None
