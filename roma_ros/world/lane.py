"""Ways over the stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roma_ros.world.scene import CHANGE, Waypoint

__all__ = ["LANES", "Lane", "sliding"]

LANES = (1 / 6, 1 / 2, 5 / 6)
"""Where lanes are. Figures keep to theirs, so that they touch only on purpose."""
OUTSIDE = 0.3  # how far beyond the stage a slide begins


@dataclass(frozen=True, slots=True)
class Lane:
    """A straight way over the stage, `across` from its top, or from its left if `upright`."""

    across: float
    upright: bool

    def at(self, time: float, along: float) -> Waypoint:
        x, y = (self.across, along) if self.upright else (along, self.across)
        return Waypoint(time, x, y)


def sliding(path: tuple[Waypoint, ...], appears: float, leaves: float) -> tuple[Waypoint, ...]:
    """The path with a way in from outside of the stage before it and a way out after it."""
    arrived, departs = _on(path, appears + CHANGE), _on(path, leaves - CHANGE)
    between = (point for point in path if arrived.time < point.time < departs.time)
    return (
        _outside(arrived, appears),
        arrived,
        *between,
        departs,
        _outside(departs, leaves),
    )


def _on(path: tuple[Waypoint, ...], time: float) -> Waypoint:
    times = [point.time for point in path]
    x = np.interp(time, times, [point.x for point in path])
    y = np.interp(time, times, [point.y for point in path])
    return Waypoint(time, float(x), float(y))


def _outside(point: Waypoint, time: float) -> Waypoint:
    """Off the stage, by the shortest way from a point."""
    x, y = point.x, point.y
    return min(
        (x, Waypoint(time, -OUTSIDE, y)),
        (1 - x, Waypoint(time, 1 + OUTSIDE, y)),
        (y, Waypoint(time, x, -OUTSIDE)),
        (1 - y, Waypoint(time, x, 1 + OUTSIDE)),
        key=lambda way: way[0],
    )[1]
