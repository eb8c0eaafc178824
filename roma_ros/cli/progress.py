"""How a run is getting on, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Progress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a playback has come.

    Attributes:
        units: judged by at least one session.
        unjudged: units that a fault kept from at least one session.
        last_fault: what went wrong last, in words; empty if nothing did.
        seconds: of the stream, from its beginning to the end of the last unit made.
        busy: seconds that the model has worked.
        step_p50, step_p99: seconds to hear one unit.
        backlog, dropped, audio_only: units that wait, were skipped, or were heard without video.
        filled: units of which picture or sound was missing and had to be filled, besides those at
            the source's end.
    """

    units: int = 0
    unjudged: int = 0
    last_fault: str = ""
    seconds: float = 0.0
    busy: float = 0.0
    step_p50: float = 0.0
    step_p99: float = 0.0
    backlog: int = 0
    dropped: int = 0
    audio_only: int = 0
    filled: int = 0

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of the stream; below 1 the model keeps up."""
        return self.busy / self.units if self.units else 0.0
