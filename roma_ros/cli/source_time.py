"""Time of an event in one of several sources."""

from __future__ import annotations

from dataclasses import dataclass

from roma_ros.cli.text import clock, one_line

__all__ = ["SourceTime"]


@dataclass(frozen=True, slots=True)
class SourceTime:
    """One of several sources, and a time in it.

    Attributes:
        source: name of the source: a path, or an address without its password.
        seconds: time from that source's beginning, s.
    """

    source: str
    seconds: float

    def __str__(self) -> str:
        return f"{one_line(self.source)} {clock(self.seconds)}"
