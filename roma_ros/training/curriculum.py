"""What is learnt when: lessons from the small world, short ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Dataset

from roma_ros.training.example import Exchange, StreamExample
from roma_ros.world import (
    Exercise,
    Plot,
    Split,
    Task,
    WorldRenderer,
    alert_exercises,
    dense_questions,
    draw_questions,
    make_scene,
    narration_exercise,
    question_exercises,
)

__all__ = ["Lesson", "Lessons", "Mix"]

STREAMS_PER_WORLD = 4  # instructions on one world, hard negatives among them


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Shares of the kinds of lesson, and the lengths of their streams.

    Args:
        questions, alerts, narrations: shares; they need not add up to 1.
        spoken: share of the instructions and questions that are spoken instead of written.
        seconds: shortest and longest stream.
        questions_per_stream: asked on branches of a question lesson.
        dense: whether a question on the present is asked after every unit of any lesson.
        alert_weight, narration_weight: of a unit where it is time to speak.
    """

    questions: float = 1.0
    alerts: float = 0.0
    narrations: float = 0.0
    spoken: float = 0.0
    seconds: tuple[int, int] = (2, 20)
    questions_per_stream: int = 12
    dense: bool = True
    alert_weight: float = 1.0
    narration_weight: float = 1.5

    def __post_init__(self) -> None:
        if not min(self.questions, self.alerts, self.narrations) >= 0 or not self.total > 0:
            raise ValueError(f"{self}: shares must not be negative, nor all of them 0")
        if not 0 <= self.spoken <= 1:
            raise ValueError(f"spoken is {self.spoken}; expected a share from 0 to 1")
        if not 1 <= self.seconds[0] <= self.seconds[1]:
            raise ValueError(f"seconds is {self.seconds}; expected shortest and longest, from 1")

    @property
    def total(self) -> float:
        return self.questions + self.alerts + self.narrations


@dataclass(frozen=True, slots=True)
class Lesson:
    """So many streams of one mix."""

    mix: Mix
    streams: int


class Lessons(Dataset[StreamExample]):
    """Streams by number; the same number is the same stream in every run and process.

    Args:
        lessons: in the order in which they are learnt.
        split: whose worlds and voices are used.
    """

    def __init__(self, lessons: Sequence[Lesson], split: Split = Split.TRAIN) -> None:
        self.lessons = tuple(lessons)
        self.split = split

    def __len__(self) -> int:
        return sum(lesson.streams for lesson in self.lessons)

    def __getitem__(self, index: int) -> StreamExample:
        mix = self._mix(index)
        world, number = divmod(index, STREAMS_PER_WORLD)
        seed = self.split.seed(world)
        random = np.random.default_rng((seed, 7))
        seconds = int(random.integers(mix.seconds[0], mix.seconds[1] + 1))
        spoken = bool(random.random() < mix.spoken)
        draw = random.random() * mix.total
        if draw < mix.alerts:
            drawn = alert_exercises(seed, seconds, STREAMS_PER_WORLD, spoken=spoken)
            if drawn:
                return exercise_example(drawn[number % len(drawn)], mix)
        elif draw < mix.alerts + mix.narrations and number == 0:  # a world has one narration;
            return exercise_example(narration_exercise(seed, seconds, spoken=spoken), mix)
        # its other streams are asked about, and so are worlds where nothing is to be alerted of.
        if spoken and (aloud := question_exercises(seed, seconds, STREAMS_PER_WORLD, spoken=True)):
            return exercise_example(aloud[number % len(aloud)], mix)
        return question_example(seed, seconds, number, mix)

    def _mix(self, index: int) -> Mix:
        for lesson in self.lessons:
            if index < lesson.streams:
                return lesson.mix
            index -= lesson.streams
        raise IndexError(f"stream {index} is beyond the last of {len(self)}")


def question_example(seed: int, seconds: int, number: int, mix: Mix) -> StreamExample:
    """A stream with many questions, each on a branch."""
    scene = make_scene(seed, seconds, Plot.CROWD if number % 2 else Plot.SEQUENCE)
    asked = [*draw_questions(scene, mix.questions_per_stream)]
    asked += dense_questions(scene) if mix.dense else ()
    return StreamExample(
        units=list(WorldRenderer(scene)),
        exchanges=[Exchange(unit=q.unit, question=q.text, answer=q.answer) for q in asked],
    )


def exercise_example(exercise: Exercise, mix: Mix) -> StreamExample:
    """An exercise as it is followed: an alert has no words, a narration stands in the stream."""
    scene, task = exercise.scene, exercise.task
    instruction = None if exercise.line is not None else exercise.text
    asked = dense_questions(scene) if mix.dense and exercise.line is None else ()
    exchanges = [Exchange(unit=q.unit, question=q.text, answer=q.answer) for q in asked]
    units = list(WorldRenderer(scene))
    if task is Task.QUESTION:
        (reply,) = exercise.replies
        return StreamExample(units=units[: reply.unit + 1], replies={reply.unit: reply.text})
    narration = task is Task.NARRATION
    return StreamExample(
        units=units,
        instruction=instruction,
        speak=exercise.labels.tolist(),
        replies={reply.unit: reply.text for reply in exercise.replies} if narration else {},
        exchanges=exchanges,
        weight=mix.narration_weight if narration else mix.alert_weight,
    )
