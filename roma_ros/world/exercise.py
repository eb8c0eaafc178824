"""Exercises: a scene, what is asked of whom watches it, and what is right. For training and tests.

An instruction or question is given as text, or spoken in the scene itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from roma_ros.speech import say
from roma_ros.units import UNIT_RATE
from roma_ros.world.alert import AlertKind, WorldAlert, draw_alerts
from roma_ros.world.narration import NARRATION_INSTRUCTION, Segment, narrate
from roma_ros.world.plot import Plot
from roma_ros.world.questions import (
    SPOKEN_KINDS,
    QuestionKind,
    WorldQuestion,
    asked_again,
    draw_questions,
)
from roma_ros.world.samples import Sample, SampleAnswer, SampleQuery, Task
from roma_ros.world.scene import Scene, SpokenLine
from roma_ros.world.senses import Senses
from roma_ros.world.splits import Purpose, Split, generator
from roma_ros.world.staging import make_scene
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
]

PAUSE = 0.1  # seconds between a spoken sentence and what comes next
FIRST_ASKED = 2  # the first unit after which there is something to ask, in most scenes
FIRST_ASKED_ALOUD = 4  # most questions take 2 to 4 seconds
ALERT_WORD = "alert"  # what an alert's answers say in the release's samples

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
    """One instruction or question on one scene.

    Attributes:
        id: its name.
        scene: what is seen and heard, with what is spoken to the robot.
        subject: what is asked: an alert, the segments of a narration, or a question.
        text: the instruction or question.
        line: the same as it is spoken in the scene; `None`: it is given as text only.
    """

    id: str
    scene: Scene
    subject: Subject
    text: str
    line: SpokenLine | None = None

    @property
    def told_after(self) -> float:
        """Seconds until what is spoken has been said; 0 where nothing is."""
        if self.line is None:
            return 0.0
        return self.line.onset + len(say(self.line.text, self.line.voice)) / UNIT_RATE

    @property
    def task(self) -> Task:
        if isinstance(self.subject, WorldAlert):
            return Task.ALERT
        return Task.QUESTION if isinstance(self.subject, WorldQuestion) else Task.NARRATION

    @property
    def labels(self) -> np.ndarray:
        """The units after which p(speak) is to be high: bool (scene.seconds,)."""
        if isinstance(self.subject, WorldAlert):
            return self.subject.labels
        units = np.zeros(self.scene.seconds, bool)
        units[[reply.unit for reply in self.replies]] = True
        return units

    @property
    def replies(self) -> tuple[TimedText, ...]:
        """What is to be said in words; an alert is put in words when its event begins."""
        subject = self.subject
        if isinstance(subject, WorldAlert):
            report = subject.event.report
            return tuple(TimedText(window.first, report) for window in subject.windows)
        if isinstance(subject, WorldQuestion):
            return (TimedText(subject.unit, subject.answer),)
        return tuple(TimedText(segment.end, segment.text) for segment in subject)

    def sample(self, video: str, audio: str | None) -> Sample:
        """The exercise as a sample of the public release.

        Args:
            video: path of the scene as a video file, without what is spoken to the robot.
            audio: path of what is spoken; `None` if it is text only.
        """
        begins, duration = 0.0, 0.0
        if self.line is not None:
            begins = self.line.onset
            duration = self.told_after - begins
        elif isinstance(self.subject, WorldQuestion):
            begins = self.subject.unit + 1.0
        if isinstance(self.subject, WorldAlert):
            due = [TimedText(unit, ALERT_WORD) for unit in np.flatnonzero(self.labels).tolist()]
        else:
            due = list(self.replies)
        return Sample(
            task=self.task,
            id=self.id,
            video=(video,),
            queries=(SampleQuery(text=self.text, audio=audio, time=begins, duration=duration),),
            answers=tuple(SampleAnswer(reply.text, reply.unit + 1.0) for reply in due),
        )


def alert_exercises(
    seed: int,
    seconds: int,
    count: int,
    *,
    spoken: bool = False,
    kinds: Sequence[AlertKind] = tuple(AlertKind),
    plot: Plot = Plot.CROWD,
) -> tuple[Exercise, ...]:
    """Several alerts on one scene.

    Args:
        seed: of the scene and of what is drawn.
        seconds: length; a spoken instruction comes before that.
        count: of the exercises; there are fewer if the scene has too little in it.
        spoken: the instruction is spoken, at the beginning, or else text.
        kinds: of alerts.
        plot: of the scene.
    """
    return alerts_on(make_scene(seed, seconds, plot), count, spoken=spoken, kinds=kinds)


def alerts_on(
    scene: Scene,
    count: int,
    *,
    spoken: bool = False,
    kinds: Sequence[AlertKind] = tuple(AlertKind),
) -> tuple[Exercise, ...]:
    """Several alerts on a scene that is there already; as `alert_exercises` otherwise."""
    exercises = []
    for index, alert in enumerate(draw_alerts(scene, count, kinds)):
        told, line = _instructed(scene, alert.instruction, index) if spoken else (scene, None)
        subject = replace(alert, labels=alert.event.happens(Senses(told))) if spoken else alert
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


def narration_exercise(
    seed: int, seconds: int, *, spoken: bool = False, plot: Plot = Plot.SEQUENCE
) -> Exercise:
    """The narration of a scene; the arguments are as for `alert_exercises`."""
    return narration_on(make_scene(seed, seconds, plot), spoken=spoken)


def narration_on(scene: Scene, *, spoken: bool = False) -> Exercise:
    """The narration of a scene that is there already."""
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
    """Several questions on one scene, each by itself.

    Args:
        seed: of the scene and of what is drawn.
        seconds: length of the scene; a spoken question is over shortly before the end of the last
            unit that it may look back on, and its scene ends there.
        count: of the exercises; there are fewer if the scene has too little in it.
        spoken: the question is spoken, while no other sound is heard, or else text.
        kinds: of questions; all that can be asked that way if there are none.
        plot: of the scene.
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
    """Several questions on a scene that is there already; as `question_exercises` otherwise."""
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
    """A sentence for a scene, begun within its first second, and how long it takes (s)."""
    random = generator(scene.seed, Purpose.VOICES)
    voices = [draw_voice(random, Split.of(scene.seed)) for _ in range(index + 1)]
    line = SpokenLine(text, voices[index], round(random.random(), 3))
    return line, len(say(text, line.voice)) / UNIT_RATE


def _instructed(scene: Scene, instruction: str, index: int) -> tuple[Scene, SpokenLine]:
    """The scene after a silent stretch in which the instruction is spoken."""
    line, duration = _line(scene, instruction, index)
    return scene.delayed(math.ceil(line.onset + duration + PAUSE)).saying(line), line


def _asked_aloud(
    scene: Scene, question: WorldQuestion, index: int
) -> tuple[Scene, WorldQuestion, SpokenLine] | None:
    """The scene up to the unit in which somebody has just asked; `None` if that does not fit."""
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
