"""Lanes: straight tracks across the stage on which figures move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roma_ros.world.scene import CHANGE, Waypoint

__all__ = ["LANES", "Lane", "sliding"]

LANES = (1 / 6, 1 / 2, 5 / 6)
"""Positions of the lanes on the stage. Figures keep to theirs, so that only pairs touch."""
OUTSIDE = 0.3  # distance beyond the stage at which a slide starts


@dataclass(frozen=True, slots=True)
class Lane:
    """Straight track across the stage.

    Attributes:
        across: distance from the top of the stage, or from its left if `upright`, 0 to 1.
        upright: whether the track is vertical.
    """

    across: float
    upright: bool

    def at(self, time: float, along: float) -> Waypoint:
        """Return the waypoint at a time (s) and a position along the lane (0 to 1)."""
        x, y = (self.across, along) if self.upright else (along, self.across)
        return Waypoint(time, x, y)


def sliding(path: tuple[Waypoint, ...], appears: float, leaves: float) -> tuple[Waypoint, ...]:
    """Return a path extended by a slide in from outside the stage and a slide out."""
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
    """Return the nearest point outside the stage."""
    x, y = point.x, point.y
    return min(
        (x, Waypoint(time, -OUTSIDE, y)),
        (1 - x, Waypoint(time, 1 + OUTSIDE, y)),
        (y, Waypoint(time, x, -OUTSIDE)),
        (1 - y, Waypoint(time, x, 1 + OUTSIDE)),
        key=lambda way: way[0],
    )[1]
