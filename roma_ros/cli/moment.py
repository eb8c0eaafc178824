"""Points in time on the command line, and their order with events."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime

from roma_ros.journal import Record
from roma_ros.watch import quoted

__all__ = ["Moment", "wall_ns"]

_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def wall_ns(record: Record) -> int:
    """Return the time of an event by the wall clock, or else by the sensor clock, ns."""
    return record.event.stamp if record.wall_ns is None else record.wall_ns


@dataclass(frozen=True, slots=True)
class Moment:
    """Point in time.

    Attributes:
        seconds: seconds from the beginning of the source or stream; `None`: `wall` is the time.
        wall: Unix time, ns.
    """

    seconds: float | None = None
    wall: int = 0

    @classmethod
    def parse(cls, text: str) -> Moment:
        """Parse "12.5" (seconds of the source), "10m" (ago; s, m, h, d), or an ISO 8601 date.

        A date without a time zone is in local time.

        Raises:
            ValueError: another form.
        """
        if found := _AGO.fullmatch(text):
            return cls(wall=time.time_ns() - round(float(found[1]) * _UNITS[found[2]] * 1e9))
        try:
            return cls(seconds=float(text))
        except ValueError:
            pass
        try:
            date = datetime.fromisoformat(text.replace("Z", "+00:00"))
            return cls(wall=round(date.timestamp() * 1e9))
        except (ValueError, OverflowError, OSError):
            raise ValueError(
                f"{quoted(text)} is no time; expected seconds of the source such as 12.5, a time "
                "ago such as 90s, 10m, 2h or 1d, or a date such as 2026-11-27T18:30"
            ) from None

    def is_after(self, record: Record) -> bool:
        """Return whether this moment is after an event."""
        if self.seconds is None:
            return wall_ns(record) < self.wall
        return record.seconds is not None and record.seconds < self.seconds
