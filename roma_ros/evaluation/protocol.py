"""Settings of an evaluation: number and length of streams, seeds, thresholds of the triggers."""

from __future__ import annotations

from dataclasses import dataclass, field

from roma_ros.evaluation.errors import EvaluationError
from roma_ros.triggers import MAX_WINDOW
from roma_ros.watch import DEFAULT_THRESHOLD, DEFAULT_WINDOW
from roma_ros.world import Split

__all__ = ["Protocol", "TriggerSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSettings:
    """Thresholds of the triggers; the defaults are the assistant's. There is no cooldown.

    Args:
        threshold: p(speak) from which a unit counts towards an alert, in (0, 1].
        window: consecutive units at or above the threshold that raise an alert, 1 to 60. Most
            events of the synthetic world last one unit.
        narration_threshold: p(speak) from which a narration starts, in (0, 1].

    Raises:
        EvaluationError: a value is out of its range; the message names it.
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
    """Streams of the test split that are evaluated, and how.

    Args:
        streams: number of cases of each kind, each on a world of its own.
        seconds: length of a world in seconds, 5 to 60. A spoken instruction is prepended, and a
            spoken question ends its stream.
        seed: number of the first world in the test split; the next worlds are used in order.
        alerts_per_world: alert instructions per world, one stream each, 1 to 16.
        questions_per_world: text questions per world, asked on branches of one stream, 1 to 64.
        triggers: thresholds of the triggers.

    Raises:
        EvaluationError: a value is out of its range; the message names it.
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
