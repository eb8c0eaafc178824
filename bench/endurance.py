"""Memory and step time of a session, early and late in a stream."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import psutil

from roma_ros.speed import Spread, bench_unit
from roma_ros.thinker import RomaThinker

__all__ = ["Endurance", "measure_endurance"]

SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Endurance:
    """State of a session after a number of units.

    Attributes:
        unit: number of processed units; step times are those of the last 500.
        step: time of backbone and speak head in seconds.
        cache_mb, process_mb: KV cache, and resident memory of the process, in MB.
    """

    unit: int
    step: Spread
    cache_mb: float
    process_mb: float


def measure_endurance(
    thinker: RomaThinker, *, at: tuple[int, ...] = (1_000, 10_000), context_seconds: int = 60
) -> list[Endurance]:
    """Step encoded units up to max(at); encoders are stateless, so each unit is encoded once."""
    encoded = [thinker.encode(bench_unit(index, height=240, width=320)) for index in range(20)]
    process = psutil.Process()
    ages, seconds = [], []
    with thinker.open_session(
        "alert me when you hear a beep", context_seconds=context_seconds
    ) as session:
        for unit in count(1):
            timings = session.step(encoded[unit % 20]).timings
            seconds.append(timings.backbone + timings.head)
            if unit in at:
                ages.append(
                    Endurance(
                        unit,
                        Spread.of(seconds[-SAMPLE:]),
                        round(session.memory_bytes / 1e6, 2),
                        round(process.memory_info().rss / 1e6, 1),
                    )
                )
            if unit >= max(at):
                return ages
            seconds = seconds[-SAMPLE:]
    raise AssertionError("unreachable")
