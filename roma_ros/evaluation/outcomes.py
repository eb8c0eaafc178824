"""What became of each stream: the raw material of every figure. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from roma_ros.world import AlertKind, QuestionKind

__all__ = ["AlertOutcome", "AnswerOutcome", "NarrationOutcome", "Outcomes", "Saying"]


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said, or should be, after a unit."""

    unit: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlertOutcome:
    """One alert instruction on one stream.

    Attributes:
        world: seed of the world.
        kind: what it takes to notice the event.
        spoken: the instruction was heard, not read.
        recurring: it says `every time`, or its event happens more than once.
        labels: bool (seconds,), the units in which the event goes on.
        modality: bool (seconds,), the units in which anything of the kind that is asked for is
            there: any figure, any touch, any sound, or any figure and any sound.
        p_speak: float (seconds,).
        step_seconds: float (seconds,), the work of each unit: encoding and one session's step.
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
    """The narration of one stream.

    Attributes:
        world: seed of the world.
        due: what should be said: the unit in which a segment is over, and its sentence.
        said: the units that triggered, and what was said.
        p_speak, step_seconds: as an alert's.
        speak_seconds: float (seconds,), the work of speaking after each unit.
    """

    world: int
    due: tuple[Saying, ...]
    said: tuple[Saying, ...]
    p_speak: np.ndarray
    step_seconds: np.ndarray
    speak_seconds: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """The units after which it is time to speak: bool (seconds,)."""
        labels = np.zeros(len(self.p_speak), bool)
        labels[[saying.unit for saying in self.due]] = True
        return labels


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOutcome:
    """One question.

    Attributes:
        world: seed of the world.
        kind: what is asked for.
        spoken: the question was heard, not read.
        question, right, got: in words.
        seconds: from the question to the whole answer.
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
    """All of them, in the order of the worlds."""

    alerts: list[AlertOutcome] = field(default_factory=list)
    narrations: list[NarrationOutcome] = field(default_factory=list)
    answers: list[AnswerOutcome] = field(default_factory=list)

    def add(self, other: Outcomes) -> None:
        self.alerts += other.alerts
        self.narrations += other.narrations
        self.answers += other.answers
