"""What has come in during the demo, so that it can be judged."""

from __future__ import annotations

import time
from collections import Counter, defaultdict

from roma_ros.msg import Alert, SpeakProbability
from roma_ros.nodes.client import Message
from roma_ros.nodes.stamps import stamp_of

__all__ = ["Tally"]


class Tally:
    """Counts messages by watch.

    Attributes:
        units: indices of the units whose p(speak) came.
        delays: from the end of each unit until its p(speak) came, s.
        alerts, narrations: how many came.
    """

    def __init__(self) -> None:
        self.units: dict[str, set[int]] = defaultdict(set)
        self.delays: dict[str, list[float]] = defaultdict(list)
        self.alerts: Counter[str] = Counter()
        self.narrations: Counter[str] = Counter()

    def add(self, message: Message) -> None:
        if isinstance(message, SpeakProbability):
            self.units[message.watch].add(message.unit)
            self.delays[message.watch].append(
                (time.time_ns() - stamp_of(message.header.stamp)) / 1e9
            )
        elif isinstance(message, Alert):
            self.alerts[message.watch] += 1
        else:
            self.narrations[message.watch] += 1

    def missing(self, watch: str, units: int) -> list[int]:
        """Which of the first so many units had no p(speak)."""
        return sorted(set(range(units)) - self.units[watch])

    def is_complete(self, watches: list[str], units: int) -> bool:
        """Whether p(speak) of each unit came for every watch."""
        return not any(self.missing(watch, units) for watch in watches)
