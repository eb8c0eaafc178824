"""Which worlds are shown, and what is asked of whom follows them. Needs no torch."""

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

__all__ = ["Programme", "Showing", "modality", "programme"]

ATTEMPTS = 50  # worlds that are tried, since some have nothing to ask about


class Programme(enum.Enum):
    """A kind of showing."""

    CROWD = "alerts and questions in text"  # on the same worlds: each unit is encoded once
    SPOKEN_ALERT = "an alert by a spoken instruction"
    NARRATION = "a narration"
    SPOKEN_QUESTION = "a spoken question"


@dataclass(frozen=True, slots=True)
class Showing:
    """One scene, and all that is asked about it: a session for each alert or narration, one for
    all questions.
    """

    scene: Scene
    exercises: tuple[Exercise, ...]

    @classmethod
    def of(cls, programme: Programme, number: int, protocol: Protocol) -> Showing:
        """The showing `number` of a programme, 0 to `protocol.streams` - 1.

        A world that has nothing to ask about is replaced by another, of those that no other
        showing is of.

        Raises:
            EvaluationError: many worlds in a row have nothing to ask about.
        """
        for attempt in range(ATTEMPTS):
            seed = Split.TEST.seed(protocol.seed + number + attempt * protocol.streams)
            exercises = _exercises(programme, seed, protocol)
            if exercises:
                return cls(exercises[0].scene, exercises)
        raise EvaluationError(
            f"{ATTEMPTS} worlds of {protocol.seconds} s in a row have nothing for "
            f"{programme.value}; expected longer worlds"
        )


def programme(protocol: Protocol) -> Iterator[tuple[Programme, int]]:
    """All showings, by kind and number, the kinds taking turns."""
    for number in range(protocol.streams):
        for kind in Programme:
            yield kind, number


def modality(kind: AlertKind, scene: Scene) -> np.ndarray:
    """The units in which anything of the kind that is asked for is there: bool (seconds,)."""
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
    return _units(scene, [touch.seen_in for touch in senses.touches])


def _exercises(programme: Programme, seed: int, protocol: Protocol) -> tuple[Exercise, ...]:
    seconds = protocol.seconds
    if programme is Programme.NARRATION:
        return (narration_exercise(seed, seconds),)
    if programme is Programme.SPOKEN_ALERT:
        return alert_exercises(seed, seconds, 1, spoken=True)
    if programme is Programme.SPOKEN_QUESTION:
        return question_exercises(seed, seconds, 1, spoken=True)
    alerts = alert_exercises(seed, seconds, protocol.alerts_per_world)
    questions = question_exercises(seed, seconds, protocol.questions_per_world)
    return (*alerts, *questions) if alerts and questions else ()


def _units(scene: Scene, spans: list[range]) -> np.ndarray:
    units = np.zeros(scene.seconds, bool)
    for span in spans:
        units[list(scene.clip(span))] = True
    return units
