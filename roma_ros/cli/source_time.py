"""When something happened, in a run of several sources."""

from __future__ import annotations

from dataclasses import dataclass

from roma_ros.cli.text import clock, one_line

__all__ = ["SourceTime"]


@dataclass(frozen=True, slots=True)
class SourceTime:
    """A source of several, and a time in it.

    Attributes:
        source: its name, as a path or an address without a password.
        seconds: from that source's beginning.
    """

    source: str
    seconds: float

    def __str__(self) -> str:
        return f"{one_line(self.source)} {clock(self.seconds)}"
