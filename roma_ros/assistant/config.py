"""Limits of the assistant: watches, questions, backlog, lengths of replies and answers."""

from __future__ import annotations

from dataclasses import dataclass

from roma_ros.events import LagPolicy
from roma_ros.thinker.context_policy import ContextPolicy
from roma_ros.thinker.window import ANSWER_TOKENS

__all__ = ["AssistantConfig", "AssistantConfigError"]

OPTIONAL = ("context_seconds", "handover_overlap", "opening_seconds")


class AssistantConfigError(ValueError):
    """Raised when a setting of the assistant is out of its range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantConfig:
    """Limits of the assistant.

    Args:
        context_seconds: units in each session's context window, one per second; at least 1.
            `None`: as many as the checkpoint was trained for.
        context_policy: what a session does when its window is full; `None`: what the checkpoint
            was trained for.
        handover_overlap: seconds in sight right after a handover, from 1 s to half of the window;
            `None` for half of it.
        memory_megabytes: most megabytes of host memory of each session for units that left its
            window, at which questions look back; 0 for none.
        max_tokens_per_unit: tokens of a reply that a watch may decode between two units (paper,
            A.5: 25).
        reply_tokens: tokens after which a reply is cut.
        answer_tokens: tokens after which an answer is cut, at most 128.
        max_watches: watches, hence sessions, at a time.
        max_questions: questions that may wait.
        first_unit_timeout: seconds that a question waits for its session's first unit.
        opening_seconds: seconds that sessions may be opened for before a unit; at least one is, and
            the others follow with the next units, so that many new watches hold no unit up.
            `None`: all are opened before the unit, for streams that wait.
        max_backlog: units that may wait.
        lag_policy: what to do with units while the model is slower than the sensors.
        has_video, has_audio: whether the stream has them; an instruction that needs a missing one
            gets a warning.
        strict: refuse an instruction or question that would get a warning.

    Raises:
        AssistantConfigError: one of them is out of its range; the message names it.
    """

    context_seconds: float | None = None
    context_policy: ContextPolicy | None = None
    handover_overlap: float | None = None
    memory_megabytes: float = 0
    max_tokens_per_unit: int = 25
    reply_tokens: int = 250
    answer_tokens: int = 64
    max_watches: int = 8
    max_questions: int = 8
    first_unit_timeout: float = 5.0
    opening_seconds: float | None = None
    max_backlog: int = 2
    lag_policy: LagPolicy = LagPolicy.DROP_OLDEST
    has_video: bool = True
    has_audio: bool = True
    strict: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (
            ("context_seconds", 1, 86_400),
            ("handover_overlap", 1, 43_200),
            ("memory_megabytes", 0, 1_000_000),
            ("max_tokens_per_unit", 1, 1_000),
            ("reply_tokens", 1, 10_000),
            ("answer_tokens", 1, ANSWER_TOKENS),
            ("max_watches", 1, 64),
            ("max_questions", 1, 1_000),
            ("first_unit_timeout", 0, 3_600),
            ("opening_seconds", 0, 60),
            ("max_backlog", 1, 60),
        ):
            value = getattr(self, name)
            if value is None and name in OPTIONAL:
                continue
            if not low <= value <= high:
                raise AssistantConfigError(f"{name} is {value}; expected {low} to {high}")
