"""The stream that every measurement uses: that of `roma bench`."""

from __future__ import annotations

from roma_ros.speed import bench_unit

__all__ = ["bench_unit"]
