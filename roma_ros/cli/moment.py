"""A point in time on the command line, and whether an event comes before it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime

from roma_ros.journal import Record

__all__ = ["Moment", "wall_ns"]

_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def wall_ns(record: Record) -> int:
    """When an event happened by the computer's clock, or else by the sensors', ns."""
    return record.event.stamp if record.wall_ns is None else record.wall_ns


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time.

    Attributes:
        seconds: from the beginning of the source or stream; `None`: `wall` tells.
        wall: Unix time, ns.
    """

    seconds: float | None = None
    wall: int = 0

    @classmethod
    def parse(cls, text: str) -> Moment:
        """Read "12.5" (seconds of the source), "10m" (ago; s, m, h, d), or an ISO 8601 date.

        A date without a zone is in local time.

        Raises:
            ValueError: it is none of these.
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
                f"{text[:40]!r} is no time; expected seconds of the source such as 12.5, a time "
                "ago such as 90s, 10m, 2h or 1d, or a date such as 2026-11-27T18:30"
            ) from None

    def is_after(self, record: Record) -> bool:
        """Whether an event comes before this moment."""
        if self.seconds is None:
            return wall_ns(record) < self.wall
        return record.seconds is not None and record.seconds < self.seconds
