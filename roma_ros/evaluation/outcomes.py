"""Recorded outcome of each stream: p(speak), text and times. All scores derive from these.

Free of torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from roma_ros.world import AlertKind, QuestionKind, TimedText

__all__ = ["AlertOutcome", "AnswerOutcome", "NarrationOutcome", "Outcomes"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlertOutcome:
    """Outcome of one alert instruction on one stream of U units.

    Attributes:
        world: seed of the world.
        kind: modality of the event.
        spoken: whether the instruction is spoken in the stream instead of given as text.
        recurring: whether the instruction says `every time`, or its event happens more than once.
        labels: bool (U,), the units in which the event goes on.
        modality: bool (U,), the units in which anything of that modality is present: any figure,
            any touch, any sound, or any figure and any sound.
        p_speak: float (U,), in [0, 1].
        step_seconds: float (U,), computation time of each unit in seconds: encoding and one
            session's step.
    """

    world: int
    kind: AlertKind
    spoken: bool
    recurring: bool
    labels: np.ndarray
    modality: np.ndarray
    p_speak: np.ndarray
    step_seconds: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NarrationOutcome:
    """Outcome of the narration of one stream of U units.

    Attributes:
        world: seed of the world.
        due: expected sentences: the unit in which a segment ends, and its sentence.
        published: the units at which the watch triggered, and the text that was decoded.
        p_speak, step_seconds: as in `AlertOutcome`.
        speak_seconds: float (U,), computation time of decoding text after each unit, in seconds.
    """

    world: int
    due: tuple[TimedText, ...]
    published: tuple[TimedText, ...]
    p_speak: np.ndarray
    step_seconds: np.ndarray
    speak_seconds: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Units after which p(speak) should be high: bool (U,)."""
        labels = np.zeros(len(self.p_speak), bool)
        labels[[saying.unit for saying in self.due]] = True
        return labels


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOutcome:
    """Outcome of one question.

    Attributes:
        world: seed of the world.
        kind: kind of the question.
        spoken: whether the question is spoken in the stream instead of given as text.
        question: its text.
        right: the expected answer.
        got: the decoded answer.
        seconds: computation time of the answer in seconds.
    """

    world: int
    kind: QuestionKind
    spoken: bool
    question: str
    right: str
    got: str
    seconds: float


@dataclass(slots=True)
class Outcomes:
    """Outcomes of all streams, in the order in which their cases were run."""

    alerts: list[AlertOutcome] = field(default_factory=list)
    narrations: list[NarrationOutcome] = field(default_factory=list)
    answers: list[AnswerOutcome] = field(default_factory=list)

    def add(self, other: Outcomes) -> None:
        """Append the outcomes of other streams."""
        self.alerts += other.alerts
        self.narrations += other.narrations
        self.answers += other.answers
