"""What is measured: how many streams, of which worlds, and when an alarm goes off."""

from __future__ import annotations

from dataclasses import dataclass, field

from roma_ros.evaluation.errors import EvaluationError
from roma_ros.triggers import MAX_WINDOW
from roma_ros.watch import DEFAULT_THRESHOLD, DEFAULT_WINDOW
from roma_ros.world import Split

__all__ = ["Protocol", "TriggerSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSettings:
    """When to speak; the defaults are the assistant's. There is no cooldown.

    Args:
        threshold: p(speak) at or above it counts towards an alert, in (0, 1].
        window: so many units in a row raise an alert, 1 to 60. Most events of the small world
            last one unit.
        narration_threshold: p(speak) at or above it begins a narration, in (0, 1].

    Raises:
        EvaluationError: one of them is out of its range; the message names it.
    """

    threshold: float = DEFAULT_THRESHOLD
    window: int = DEFAULT_WINDOW
    narration_threshold: float = DEFAULT_THRESHOLD

    def __post_init__(self) -> None:
        for name in ("threshold", "narration_threshold"):
            if not 0 < (value := getattr(self, name)) <= 1:
                raise EvaluationError(f"{name} is {value}; expected above 0 and at most 1")
        if not 1 <= self.window <= MAX_WINDOW:
            raise EvaluationError(f"window is {self.window}; expected 1 to {MAX_WINDOW} units")


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Which streams of the test split are followed, and how.

    Args:
        streams: of each task, at least; in as many worlds.
        seconds: length of a world, 5 to 60. A spoken instruction comes before that, and a spoken
            question ends its stream.
        seed: number of the first world in the test split. The worlds after it are used in order.
        alerts_per_world: instructions that are followed on one world, a stream each.
        questions_per_world: questions in text that are asked on branches of one stream.
        triggers: when to speak.

    Raises:
        EvaluationError: one of them is out of its range; the message names it.
    """

    streams: int = 500
    seconds: int = 20
    seed: int = 0
    alerts_per_world: int = 2
    questions_per_world: int = 8
    triggers: TriggerSettings = field(default_factory=TriggerSettings)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("streams", 1, 1_000_000),
            ("seconds", 5, 60),
            ("seed", 0, len(Split.TEST.value) // 2),
            ("alerts_per_world", 1, 16),
            ("questions_per_world", 1, 64),
        ):
            if not low <= (value := getattr(self, name)) <= high:
                raise EvaluationError(f"{name} is {value}; expected {low} to {high:,}")
