"""Palette and matplotlib style of every plot of the package.

The colours have a contrast of at least 3:1 against white (WCAG 2.1, 1.4.11) and stay apart for
readers with protanopia, deuteranopia or tritanopia.
"""

from __future__ import annotations

from typing import Any

__all__ = ["AMBER", "BLUE", "FAINT", "GREEN", "GRID", "INK", "PURPLE", "RED", "RED_TINT", "STYLE"]

INK = "#22262b"
"""Text, and the first of several lines."""
FAINT = "#6b7480"
"""Axis labels and reference lines."""
GRID = "#e4e7eb"
"""Grid lines and frames of axes."""
BLUE, RED, GREEN = "#0072b2", "#e0482b", "#009e73"
PURPLE, AMBER = "#882255", "#c08a00"
RED_TINT = "#fdecea"
"""Background of an area that is marked in RED."""

STYLE: dict[str, Any] = {
    "figure.facecolor": "white",
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "font.size": 9.0,
    "text.color": INK,
}
"""Argument of `matplotlib.rc_context`."""
