"""Summaries of measured seconds: those of `roma bench`."""

from __future__ import annotations

from roma_ros.speed import Spread

__all__ = ["Spread"]
