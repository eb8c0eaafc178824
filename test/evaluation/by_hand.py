"""Outcomes made by hand."""

from __future__ import annotations

import numpy as np

from roma_ros.evaluation.outcomes import AlertOutcome, AnswerOutcome, NarrationOutcome
from roma_ros.world import AlertKind, QuestionKind, TimedText


def units(text: str) -> np.ndarray:
    """bool, true where there is an `x`."""
    return np.array([letter == "x" for letter in text])


def alert(
    p_speak: str | list[float],
    labels: str,
    modality: str | None = None,
    *,
    world: int = 1,
    kind: AlertKind = AlertKind.VISUAL,
    spoken: bool = False,
    recurring: bool = False,
) -> AlertOutcome:
    series = units(p_speak) * 0.8 + 0.1 if isinstance(p_speak, str) else np.array(p_speak)
    return AlertOutcome(
        world=world,
        kind=kind,
        spoken=spoken,
        recurring=recurring,
        labels=units(labels),
        modality=units(modality or labels),
        p_speak=series,
        step_seconds=np.full(len(labels), 0.02),
    )


def narration(due: dict[int, str], said: dict[int, str], seconds: int = 8) -> NarrationOutcome:
    p_speak = np.full(seconds, 0.1)
    p_speak[list(said)] = 0.9
    return NarrationOutcome(
        world=1,
        due=tuple(TimedText(unit, text) for unit, text in due.items()),
        published=tuple(TimedText(unit, text) for unit, text in said.items()),
        p_speak=p_speak,
        step_seconds=np.full(seconds, 0.04),
        speak_seconds=np.zeros(seconds),
    )


def answer(
    right: str, got: str, kind: QuestionKind = QuestionKind.SEEN_NOW, *, spoken: bool = False
) -> AnswerOutcome:
    return AnswerOutcome(
        world=1, kind=kind, spoken=spoken, question="?", right=right, got=got, seconds=0.01
    )
