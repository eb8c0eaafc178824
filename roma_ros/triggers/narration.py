"""When a narration begins: at every unit whose p(speak) is high enough."""

from __future__ import annotations

__all__ = ["NarrationTrigger"]


class NarrationTrigger:
    """Goes off at each unit with p(speak) >= `threshold`; no window (paper, section 3.1).

    `threshold` may be set anew at any time.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def update(self, p_speak: float, _stamp: int) -> bool:
        """Take the next unit's p(speak), and its end (ns); return whether to go off now."""
        return p_speak >= self.threshold
