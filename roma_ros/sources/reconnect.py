"""Waits before a lost device or stream is opened again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from roma_ros.sources.errors import SourceError

__all__ = ["Reconnect", "ReconnectTimer"]

HEALTHY = 5.0  # seconds of work after which the next loss counts as a new one


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """Settings for opening a lost device or stream again.

    Attributes:
        first_wait: wait before the first try, s; each further wait is twice as long.
        longest_wait: upper bound of the waits, s.
        give_up_after: outage after which it is not tried again, s; `math.inf`: never give up.

    Raises:
        SourceError: a value out of its range.
    """

    first_wait: float = 0.5
    longest_wait: float = 10.0
    give_up_after: float = math.inf

    def __post_init__(self) -> None:
        if not 0 < self.first_wait <= self.longest_wait < math.inf:
            raise SourceError(
                f"first_wait is {self.first_wait} s and longest_wait {self.longest_wait} s; "
                "expected 0 < first_wait <= longest_wait"
            )
        if not self.give_up_after >= 0:
            raise SourceError(f"give_up_after is {self.give_up_after} s; expected 0 or more")


class ReconnectTimer:
    """Waits between the tries to open one device or stream: longer and longer while it is lost.

    The waits become short again when it has worked for 5 s, so that a device that comes and goes
    is tried no faster than one that stays away.

    Args:
        config: how to try again; `None`: not at all.
        now: returns the time, s.

    Attributes:
        tries: waits since the device was lost.
    """

    def __init__(
        self, config: Reconnect | None, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.tries = 0
        self._config = config or Reconnect(give_up_after=0)
        self._now = now
        self._wait = self._config.first_wait
        self._away_before = 0.0  # in losses before this one, from which it has not recovered
        self._lost_at: float | None = None
        self._works_since: float | None = None

    @property
    def outage(self) -> float:
        """Time since the device was lost, s; 0 while it works."""
        return 0.0 if self._lost_at is None else self._now() - self._lost_at

    @property
    def away(self) -> float:
        """Total time that the device was lost since it last worked for 5 s, s."""
        return self._away_before + self.outage

    def works(self) -> None:
        """Report that the device has given something; call it each time."""
        now = self._now()
        if self._lost_at is not None or self._works_since is None:
            self._away_before, self._lost_at, self._works_since = self.away, None, now
        if now - self._works_since >= HEALTHY:
            self._away_before, self._wait, self.tries = 0.0, self._config.first_wait, 0

    def next_wait(self) -> float | None:
        """Report that the device is lost, and return the wait before the next try.

        Returns:
            Seconds; `None`: give up.
        """
        self._lost_at = self._now() if self._lost_at is None else self._lost_at
        left = self._config.give_up_after - self.away
        if left <= 0:
            return None
        wait, self._wait = self._wait, min(2 * self._wait, self._config.longest_wait)
        self.tries += 1
        return min(wait, left)

    def final_message(self, reason: str) -> str:
        """Return the message of the error once it has given up: the reason and the tries."""
        if not self.tries:
            return reason
        return f"{reason}; tried {self.tries} times in {self.away:.0f} s"
