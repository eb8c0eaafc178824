"""Time per unit by phase, in a session with a full context window."""

from __future__ import annotations

from dataclasses import asdict, fields

from roma_ros.speed import Spread, bench_unit
from roma_ros.thinker import PhaseTimings, RomaThinker

__all__ = ["measure_phases"]


def measure_phases(
    thinker: RomaThinker, *, units: int = 200, context_seconds: int = 60
) -> dict[str, Spread]:
    """Return p50 and p99 of each phase in seconds, over units of 1280x720 video and sound."""
    stream = [bench_unit(index) for index in range(20)]
    with thinker.open_session("alert me when you hear a beep", context_seconds=60) as session:
        for index in range(context_seconds + 5):
            session.step(stream[index % 20])
        timings = [session.step(stream[index % 20]).timings for index in range(units)]
    spreads = {
        phase.name: Spread.of([asdict(timing)[phase.name] for timing in timings])
        for phase in fields(PhaseTimings)
    }
    return {**spreads, "total": Spread.of([timing.total for timing in timings])}
