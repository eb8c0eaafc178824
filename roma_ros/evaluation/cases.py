"""Test cases of an evaluation: scenes of the test split with their exercises. Free of torch."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from roma_ros.evaluation.errors import EvaluationError
from roma_ros.evaluation.protocol import Protocol
from roma_ros.world import (
    AlertKind,
    Exercise,
    Scene,
    Senses,
    Split,
    alert_exercises,
    narration_exercise,
    question_exercises,
)
from roma_ros.world.scene import units_seeing

__all__ = ["Case", "CaseKind", "modality", "schedule"]

ATTEMPTS = 50  # worlds tried for one case, since some scenes have no alert or question


class CaseKind(enum.Enum):
    """Kind of a case; the value is its description in messages."""

    CROWD = "alerts and questions in text"  # on the same worlds: each unit is encoded once
    SPOKEN_ALERT = "an alert by a spoken instruction"
    NARRATION = "a narration"
    SPOKEN_QUESTION = "a spoken question"


@dataclass(frozen=True, slots=True)
class Case:
    """One scene with its exercises: one session per alert or narration, one for all questions.

    Attributes:
        scene: the scene that is rendered.
        exercises: alerts and questions, or one narration, on that scene.
    """

    scene: Scene
    exercises: tuple[Exercise, ...]

    @classmethod
    def of(cls, kind: CaseKind, number: int, protocol: Protocol) -> Case:
        """Make one case.

        A world without a possible exercise is replaced by one that no other case uses.

        Args:
            kind: kind of the case.
            number: number of the case within its kind, 0 to `protocol.streams` - 1.
            protocol: seed, length and number of exercises.

        Raises:
            EvaluationError: `ATTEMPTS` worlds in a row have no exercise of that kind.
        """
        for attempt in range(ATTEMPTS):
            seed = Split.TEST.seed(protocol.seed + number + attempt * protocol.streams)
            exercises = _exercises(kind, seed, protocol)
            if exercises:
                return cls(exercises[0].scene, exercises)
        raise EvaluationError(
            f"{ATTEMPTS} worlds of {protocol.seconds} s in a row have nothing for "
            f"{kind.value}; expected longer worlds"
        )


def schedule(protocol: Protocol) -> Iterator[tuple[CaseKind, int]]:
    """Yield kind and number of every case of a protocol, kinds interleaved."""
    for number in range(protocol.streams):
        for kind in CaseKind:
            yield kind, number


def modality(kind: AlertKind, scene: Scene) -> np.ndarray:
    """Return the units in which anything of an alert's modality is present: bool (seconds,).

    That is any figure (visual), any sound (audio), both (joint), any touch (touch)
    or any event of light, lamps and camera (sight). The oracle
    baseline of `metrics` raises an alert in these units.
    """
    senses = Senses(scene)
    figures = _units(scene, [figure.seen_in for figure in senses.figures])
    sounds = _units(scene, [sound.heard_in for sound in senses.sounds])
    if kind is AlertKind.VISUAL:
        return figures
    if kind is AlertKind.AUDIO:
        return sounds
    if kind is AlertKind.JOINT:
        both: np.ndarray = figures & sounds
        return both
    if kind is AlertKind.SIGHT:
        return _units(scene, [units_seeing(e.begins, e.ends) for e in scene.sights])
    return _units(scene, [touch.seen_in for touch in senses.touches])


def _exercises(kind: CaseKind, seed: int, protocol: Protocol) -> tuple[Exercise, ...]:
    seconds = protocol.seconds
    if kind is CaseKind.NARRATION:
        return (narration_exercise(seed, seconds),)
    if kind is CaseKind.SPOKEN_ALERT:
        return alert_exercises(seed, seconds, 1, spoken=True)
    if kind is CaseKind.SPOKEN_QUESTION:
        return question_exercises(seed, seconds, 1, spoken=True)
    alerts = alert_exercises(seed, seconds, protocol.alerts_per_world)
    questions = question_exercises(seed, seconds, protocol.questions_per_world)
    return (*alerts, *questions) if alerts and questions else ()


def _units(scene: Scene, spans: list[range]) -> np.ndarray:
    units = np.zeros(scene.seconds, bool)
    for span in spans:
        units[list(scene.clip(span))] = True
    return units
