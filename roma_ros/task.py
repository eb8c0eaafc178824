"""The three tasks: alerts, narration and questions."""

from __future__ import annotations

import enum

__all__ = ["Task"]


class Task(enum.Enum):
    """Task of an exercise or sample; the values are the names in the public release."""

    ALERT = "proactive_gate"
    NARRATION = "narration"
    QUESTION = "turn-taking"
