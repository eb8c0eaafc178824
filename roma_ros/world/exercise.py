"""Exercises for training and evaluation: a scene, an instruction or question, expected output.

The instruction or question is given as text, or spoken in the scene itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from roma_ros.speech import say
from roma_ros.task import Task
from roma_ros.units import UNIT_RATE
from roma_ros.world.alert import COMMON_KINDS, AlertKind, WorldAlert, draw_alerts
from roma_ros.world.footage import FootageClip
from roma_ros.world.narration import NARRATION_INSTRUCTION, Segment, narrate
from roma_ros.world.plot import Plot
from roma_ros.world.questions import (
    SPOKEN_KINDS,
    QuestionKind,
    WorldQuestion,
    asked_again,
    draw_questions,
)
from roma_ros.world.scene import Scene, SpokenLine
from roma_ros.world.senses import Senses
from roma_ros.world.sight_scene import make_sight_scene
from roma_ros.world.splits import Purpose, Split, generator
from roma_ros.world.staging import make_scene
from roma_ros.world.unknown_words import unknown_alerts
from roma_ros.world.voices import draw_voice

__all__ = [
    "Exercise",
    "Subject",
    "TimedText",
    "alert_exercises",
    "alerts_on",
    "narration_exercise",
    "narration_on",
    "question_exercises",
    "questions_on",
    "sight_exercises",
]

PAUSE = 0.1  # seconds between a spoken sentence and the next sound
FIRST_ASKED = 2  # first unit of a text question: earlier, most scenes are empty
FIRST_ASKED_ALOUD = 4  # first unit of a spoken question: most take 2 to 4 seconds

Subject: TypeAlias = "WorldAlert | tuple[Segment, ...] | WorldQuestion"


@dataclass(frozen=True, slots=True)
class TimedText:
    """Text that is due, or was published, after a unit.

    Attributes:
        unit: index of the unit.
        text: the sentence, alert text or answer.
    """

    unit: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exercise:
    """One instruction or question on one scene, with the expected output.

    Attributes:
        id: unique name.
        scene: the scene, the spoken instruction or question included.
        subject: the alert, the segments of the narration, or the question.
        text: instruction or question as text.
        line: the same as it is spoken in the scene; `None` if it is given as text only.
    """

    id: str
    scene: Scene
    subject: Subject
    text: str
    line: SpokenLine | None = None

    @property
    def told_after(self) -> float:
        """End of the spoken instruction or question in seconds; 0 if it is text only."""
        if self.line is None:
            return 0.0
        return self.line.onset + len(say(self.line.text, self.line.voice)) / UNIT_RATE

    @property
    def task(self) -> Task:
        """Task of the public release that this is an exercise of."""
        if isinstance(self.subject, WorldAlert):
            return Task.ALERT
        return Task.QUESTION if isinstance(self.subject, WorldQuestion) else Task.NARRATION

    @property
    def labels(self) -> np.ndarray:
        """Units after which p(speak) should be high: bool (scene.seconds,)."""
        if isinstance(self.subject, WorldAlert):
            return self.subject.labels
        units = np.zeros(self.scene.seconds, bool)
        units[[reply.unit for reply in self.replies]] = True
        return units

    @property
    def unclear(self) -> np.ndarray:
        """Units that have no label, neither high nor low: bool (scene.seconds,)."""
        unclear = self.subject.unclear if isinstance(self.subject, WorldAlert) else None
        return np.zeros(self.scene.seconds, bool) if unclear is None else unclear

    @property
    def replies(self) -> tuple[TimedText, ...]:
        """Expected text; that of an alert is due when its event begins."""
        subject = self.subject
        if isinstance(subject, WorldAlert):
            report = subject.event.report
            return tuple(TimedText(window.first, report) for window in subject.windows)
        if isinstance(subject, WorldQuestion):
            return (TimedText(subject.unit, subject.answer),)
        return tuple(TimedText(segment.end, segment.text) for segment in subject)


def alert_exercises(
    seed: int,
    seconds: int,
    count: int,
    *,
    spoken: bool = False,
    kinds: Sequence[AlertKind] = COMMON_KINDS,
    plot: Plot = Plot.CROWD,
) -> tuple[Exercise, ...]:
    """Make alert exercises on one scene.

    Args:
        seed: seed of the scene and of the draw of the alerts.
        seconds: length of the scene in seconds; a spoken instruction is prepended to it.
        count: number of exercises; fewer are returned if the scene has not enough events.
        spoken: whether the instruction is spoken at the beginning instead of given as text.
        kinds: kinds of alert that may be drawn.
        plot: plot of the scene.

    Raises:
        SceneError: a seed or length out of range.
        SpeechError: espeak-ng is missing, and something is spoken.
    """
    return alerts_on(make_scene(seed, seconds, plot), count, spoken=spoken, kinds=kinds)


def alerts_on(
    scene: Scene,
    count: int,
    *,
    spoken: bool = False,
    kinds: Sequence[AlertKind] = COMMON_KINDS,
    unknown: int = 0,
) -> tuple[Exercise, ...]:
    """Make alert exercises on a given scene; the arguments are those of `alert_exercises`.

    Args:
        unknown: number of the exercises that are about unknown words, at most `count`.
    """
    exercises = []
    known = draw_alerts(scene, count - min(unknown, count), kinds)
    for index, alert in enumerate((*known, *unknown_alerts(scene, min(unknown, count)))):
        told, line = _instructed(scene, alert.instruction, index) if spoken else (scene, None)
        subject = alert
        if spoken:
            senses = Senses(told)
            labels, unclear = alert.event.happens(senses), alert.event.unclear(senses)
            subject = replace(alert, labels=labels, unclear=unclear)
        exercises.append(
            Exercise(
                id=f"alert-{scene.seed}-{index}",
                scene=told,
                subject=subject,
                text=alert.instruction,
                line=line,
            )
        )
    return tuple(exercises)


def sight_exercises(
    seed: int,
    seconds: int,
    count: int,
    footage: Sequence[FootageClip] = (),
    *,
    spoken: bool = False,
) -> tuple[Exercise, ...]:
    """Make alert exercises on sights of one scene, over footage if there is any.

    The truth is made (light, covers, frozen pictures and lamps) or computed (motion). Leave
    the units of `Exercise.unclear` out of scores. To measure on footage that was never trained on,
    give a seed of `Split.TEST` and the clips of `read_footage(folder, Split.TEST)`.

    Args:
        seed, seconds, count, spoken: as in `alert_exercises`.
        footage: clips; without, the scene is a rendered room.
    """
    scene = make_sight_scene(seed, seconds, footage, on_footage=1.0)
    return alerts_on(scene, count, spoken=spoken, kinds=(AlertKind.SIGHT,))


def narration_exercise(
    seed: int, seconds: int, *, spoken: bool = False, plot: Plot = Plot.SEQUENCE
) -> Exercise:
    """Make the narration exercise of a scene; the arguments are those of `alert_exercises`."""
    return narration_on(make_scene(seed, seconds, plot), spoken=spoken)


def narration_on(scene: Scene, *, spoken: bool = False) -> Exercise:
    """Make the narration exercise of a given scene."""
    line = None
    if spoken:
        scene, line = _instructed(scene, NARRATION_INSTRUCTION, 0)
    return Exercise(
        id=f"narration-{scene.seed}",
        scene=scene,
        subject=narrate(scene),
        text=NARRATION_INSTRUCTION,
        line=line,
    )


def question_exercises(
    seed: int,
    seconds: int,
    count: int,
    *,
    spoken: bool = False,
    kinds: Sequence[QuestionKind] | None = None,
    plot: Plot = Plot.CROWD,
) -> tuple[Exercise, ...]:
    """Make question exercises on one scene, each independent of the others.

    Args:
        seed: seed of the scene and of the draw of the questions.
        seconds: length of the scene in seconds. A spoken question ends shortly before the end of
            its unit, and its scene ends with that unit.
        count: number of exercises; fewer are returned if the scene has not enough to ask about.
        spoken: whether the question is spoken, without any other sound, instead of given as text.
        kinds: kinds of question that may be drawn; by default all that can be asked that way.
        plot: plot of the scene.

    Raises:
        SceneError: a seed or length out of range.
        SpeechError: espeak-ng is missing, and something is spoken.
    """
    scene = make_scene(seed, seconds, plot)
    return questions_on(scene, count, spoken=spoken, kinds=kinds)


def questions_on(
    scene: Scene,
    count: int,
    *,
    spoken: bool = False,
    kinds: Sequence[QuestionKind] | None = None,
) -> tuple[Exercise, ...]:
    """Make question exercises on a given scene; the arguments are those of `question_exercises`."""
    kinds = kinds or (SPOKEN_KINDS if spoken else tuple(QuestionKind))
    exercises = []
    first = FIRST_ASKED_ALOUD if spoken else FIRST_ASKED
    questions = draw_questions(scene, count, kinds, first=min(first, scene.seconds - 1))
    for index, question in enumerate(questions):
        asked = _asked_aloud(scene, question, index) if spoken else (scene, question, None)
        if asked is None:
            continue
        there, subject, line = asked
        exercises.append(
            Exercise(
                id=f"question-{scene.seed}-{index}",
                scene=there,
                subject=subject,
                text=question.text,
                line=line,
            )
        )
    return tuple(exercises)


def _line(scene: Scene, text: str, index: int) -> tuple[SpokenLine, float]:
    """Return a spoken line that starts within the first second, and its duration in seconds."""
    random = generator(scene.seed, Purpose.VOICES)
    voices = [draw_voice(random, Split.of(scene.seed)) for _ in range(index + 1)]
    line = SpokenLine(text, voices[index], round(random.random(), 3))
    return line, len(say(text, line.voice)) / UNIT_RATE


def _instructed(scene: Scene, instruction: str, index: int) -> tuple[Scene, SpokenLine]:
    """Return the scene with a silent stretch before it in which the instruction is spoken."""
    line, duration = _line(scene, instruction, index)
    return scene.delayed(math.ceil(line.onset + duration + PAUSE)).saying(line), line


def _asked_aloud(
    scene: Scene, question: WorldQuestion, index: int
) -> tuple[Scene, WorldQuestion, SpokenLine] | None:
    """Return the scene up to the end of a spoken question; `None` if the question does not fit."""
    line, duration = _line(scene, question.text, index)
    onset = question.unit + 1 - PAUSE - duration
    if onset < 0:
        return None
    there = scene.cut(question.unit + 1).hushed(onset, question.unit + 1)
    again = asked_again(question, there)
    if again is None:
        return None
    line = replace(line, onset=onset)
    return there.saying(line), again, line
