"""Synthetic stream of every measurement: moving stripes and a tone of changing pitch."""

from __future__ import annotations

import numpy as np

from roma_ros.units import MultimodalUnit

__all__ = ["bench_unit"]


def bench_unit(index: int, *, height: int = 720, width: int = 1280) -> MultimodalUnit:
    """Return a unit with two frames and one second of audio.

    Args:
        index: index of the unit; the same index gives the same unit.
        height, width: size of the frames in pixels.
    """
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    frames = [
        np.stack([np.sin((x + y * k) / 40 + index + 0.5 * half) for k in range(3)], -1)
        for half in range(2)
    ]
    time = np.arange(16_000) / 16_000
    tone = 0.2 * np.sin(2 * np.pi * (300 + 20 * (index % 10)) * time)
    return MultimodalUnit(
        stream=0,
        index=index,
        start=index * 1_000_000_000,
        frames=(127 + 120 * np.stack(frames)).astype(np.uint8),
        audio=tone.astype(np.float32),
    )
