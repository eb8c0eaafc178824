"""Units that wait to be processed, and the lag policy that applies when too many do.

First stop of a unit: `Assistant.submit` puts it here, the worker takes it.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from roma_ros.events import LagPolicy
from roma_ros.units import MultimodalUnit

__all__ = ["Backlog", "Losses"]


@dataclass(frozen=True, slots=True)
class Losses:
    """Counts of units that were dropped, and of units that were processed without video."""

    dropped: int = 0
    audio_only: int = 0

    def __bool__(self) -> bool:
        return bool(self.dropped or self.audio_only)

    def __add__(self, other: Losses) -> Losses:
        return Losses(self.dropped + other.dropped, self.audio_only + other.audio_only)


class Backlog:
    """Bounded queue of units. Not thread-safe: the caller locks it.

    Args:
        limit: units that may wait; at least 1.
        policy: what to do with units that are late.

    Attributes:
        total: losses since the backlog was made.
    """

    def __init__(self, limit: int, policy: LagPolicy) -> None:
        self.limit = limit
        self.policy = policy
        self.total = Losses()
        self._waiting: deque[tuple[float, MultimodalUnit]] = deque()
        self._unreported = Losses()
        self._episode = Losses()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def age(self) -> float:
        """Seconds that the oldest unit has waited; 0 if none waits."""
        return time.monotonic() - self._waiting[0][0] if self._waiting else 0.0

    def put(self, unit: MultimodalUnit) -> None:
        """Add a unit; drop the oldest if more than `limit` wait."""
        self._waiting.append((time.monotonic(), unit))
        if len(self._waiting) > self.limit:
            self._waiting.popleft()
            self._lose(Losses(dropped=1))

    def take(self) -> MultimodalUnit:
        """Remove and return the oldest unit, without its video if the policy says so."""
        _, unit = self._waiting.popleft()
        late = bool(self._waiting)
        both = unit.frames is not None and unit.audio is not None
        if late and both and self.policy is LagPolicy.AUDIO_ONLY:
            self._lose(Losses(audio_only=1))
            return unit.audio_only()
        return unit

    def clear(self) -> None:
        """Remove all units that wait, without counting them as lost."""
        self._waiting.clear()

    def report(self) -> tuple[Losses, bool] | None:
        """Return what is to be reported about lag, after a unit was taken.

        Returns:
            The losses since the last report and false; once nothing was lost and nothing waits any
            more, the losses of the whole lag and true; `None` if there is nothing to report.
        """
        if self._unreported:
            losses, self._unreported = self._unreported, Losses()
            return losses, False
        if self._episode and not self._waiting:
            whole, self._episode = self._episode, Losses()
            return whole, True
        return None

    def _lose(self, losses: Losses) -> None:
        self.total += losses
        self._unreported += losses
        self._episode += losses
