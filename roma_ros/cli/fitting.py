"""Text cut or broken so that it fits a width on a page, whatever letters it is made of."""

from __future__ import annotations

import textwrap

from matplotlib.figure import Figure

from roma_ros.cli.text import shortened

__all__ = ["fitted", "wrapped"]

MOST, FEWEST, STEP = 120, 10, 5  # letters in a line that are tried


def fitted(text: str, inches: float, *, size: float, weight: str = "normal") -> str:
    """One line, cut to the width; `size` in points."""
    for letters in range(MOST, FEWEST, -STEP):
        line = shortened(text, letters)
        if _width(line, size, weight) <= inches:
            return line
    return shortened(text, FEWEST)


def wrapped(text: str, inches: float, *, size: float, lines: int) -> tuple[str, ...]:
    """One line to `lines` lines of at most the width, the last one cut; `size` in points."""
    broken = [""]
    for letters in range(MOST, FEWEST, -STEP):
        broken = textwrap.wrap(text, letters, max_lines=lines, placeholder=" …") or [""]
        if all(_width(line, size, "normal") <= inches for line in broken):
            break
    return tuple(broken)


def _width(line: str, size: float, weight: str) -> float:
    """Inches, in matplotlib's current font."""
    dots_per_inch = 72.0
    text = Figure(dpi=dots_per_inch).text(0, 0, line, fontsize=size, fontweight=weight)
    return float(text.get_window_extent().width) / dots_per_inch
