"""Summary of a run, printed at its end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from roma_ros.cli.source_time import SourceTime
from roma_ros.events import Alert, Answer, Event, Fault, Narration

if TYPE_CHECKING:  # playback imports torch, which takes seconds
    from roma_ros.cli.playback import Progress

__all__ = ["Summary"]

COUNTED = {Alert: "alert", Narration: "narration", Answer: "answer", Fault: "fault"}


class Summary:
    """Counter of a run's events."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def take(
        self,
        event: Event,
        seconds: float,  # noqa: ARG002  # all sinks are alike
        source: SourceTime | None = None,  # noqa: ARG002
    ) -> None:
        """Count an event."""
        if (name := COUNTED.get(type(event))) is not None:
            self._counts[name] += 1

    def text(self, progress: Progress) -> str:
        """Return two lines: amount and speed, and the events and problems."""
        speed = (
            f"{_count(progress.units, 'unit')}, {progress.seconds:.1f} s of the stream; "
            f"real-time factor {progress.real_time_factor:.3f}; "
            f"step p50 {progress.step_p50 * 1e3:.0f} ms, p99 {progress.step_p99 * 1e3:.0f} ms"
        )
        counts = [_count(self._counts[name], name) for name in ("alert", "narration", "answer")]
        problems = (
            (progress.failed, "unit", " FAILED"),
            (self._counts["fault"], "fault", ""),
            (progress.dropped, "unit", " skipped"),
            (progress.audio_only, "unit", " processed without video"),
            (progress.filled, "unit", " with a gap in video or audio"),
            (progress.damaged, "packet", " damaged"),
        )
        counts += [_count(number, name) + what for number, name, what in problems if number]
        return f"{speed}\n{', '.join(counts)}"


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
