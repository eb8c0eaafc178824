"""Long lessons: streams of scene after scene, in which a session evicts units.

They begin in the middle of a scene and of an event, as a stream does for a session that opens
beside another one. What is asked or described is in the window at that time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from roma_ros.training.example import Exchange, StreamExample
from roma_ros.units import UNIT_RATE, MultimodalUnit
from roma_ros.world import (
    NARRATION_INSTRUCTION,
    SPOKEN_KINDS,
    AlertKind,
    ContinuousStream,
    Exercise,
    QuestionKind,
    Scene,
    Segment,
    Split,
    SpokenLine,
    narrate,
    say,
    unknown_alerts,
)
from roma_ros.world.continuous import quiet_scene
from roma_ros.world.questions import asked_again
from roma_ros.world.voices import draw_voice

__all__ = ["LongLesson", "composed", "narrated"]

SCENE_SECONDS = (4, 30)
QUIET_SECONDS = (1, 30)
QUIET = 0.3  # probability that a quiet stretch follows a scene
PAUSE = 0.1  # seconds between a spoken sentence and what follows it
FIRST_ASKED = 2  # first unit of a question
KEPT = 0.15  # share of questions that stay in the stream
NARRATIONS = 0.3  # share of rows with a narration
SPOKEN_QUESTIONS = 0.3  # share of spoken rows with a question at their end
OVER = 0.4  # share of spoken instructions that are spoken while something happens
UNSEEN = 0.5  # share of the others without pictures, as a context begins after a handover


def composed(
    seed: int, seconds: int, random: np.random.Generator, make: Callable[[int, int], Scene]
) -> ContinuousStream:
    """Return a stream of scenes with quiet stretches between them, that begins within a scene.

    Args:
        seed: seed of the stream.
        seconds: length in seconds.
        random: generator of the lengths.
        make: returns a scene of a seed and a length in seconds.
    """
    split = Split.of(seed)
    skipped = int(random.integers(SCENE_SECONDS[1]))
    scenes: list[Scene] = []
    while sum(scene.seconds for scene in scenes) < skipped + seconds:
        length = int(random.integers(SCENE_SECONDS[0], SCENE_SECONDS[1] + 1))
        scene = make(split.seed(int(random.integers(len(split.value)))), length)
        scenes.append(scene)
        if random.random() < QUIET:
            length = int(random.integers(QUIET_SECONDS[0], QUIET_SECONDS[1] + 1))
            scenes.append(quiet_scene(scene, length))
    return ContinuousStream(seed, scenes).stretch(skipped, seconds)


def narrated(stream: ContinuousStream, window: int) -> tuple[Segment, ...]:
    """Return the segments of a stream; sentences leave out sounds that have left the window."""
    return tuple(
        segment
        if segment.end - segment.first < window
        else replace(segment, text=_seen(stream, segment, window))
        for segment in stream.segments
    )


def _seen(stream: ContinuousStream, segment: Segment, window: int) -> str:
    last = narrate(stream.window(segment.end, max(2, min(window, segment.end + 1))))[-1:]
    return last[0].text if last else segment.text


@dataclass(frozen=True)
class LongLesson:
    """Rows of one stream, each with an instruction or question and a window of its own.

    Attributes:
        stream: the stream, without speech.
        random: generator of all draws.
        windows: shortest and longest window in seconds.
        questions: number of questions on branches of a row.
        question_kinds: kinds of these questions.
        alert_kinds: kinds of alert instructions.
        unknown: share of alert instructions that are about unknown words, 0 to 1.
        example: makes the training example of an exercise with given units.
    """

    stream: ContinuousStream
    random: np.random.Generator
    windows: tuple[int, int]
    questions: int
    question_kinds: Sequence[QuestionKind]
    alert_kinds: Sequence[AlertKind]
    unknown: float
    example: Callable[[Exercise, Sequence[MultimodalUnit]], StreamExample]

    def rows(self, count: int, *, spoken: bool) -> list[StreamExample]:
        """Return `count` rows, fewer if the stream has not enough events.

        Args:
            count: number of rows.
            spoken: whether instructions and questions are spoken instead of given as text.
        """
        alerts = list(self.stream.alerts(count, self.alert_kinds))
        for number, alert in enumerate(unknown_alerts(self.stream.scene, len(alerts))):
            if self.random.random() < self.unknown:
                alerts[number] = alert
        rows: list[StreamExample | None] = []
        for _ in range(count):
            window = int(self.random.integers(self.windows[0], self.windows[1] + 1))
            if spoken and self.random.random() < SPOKEN_QUESTIONS:
                rows.append(self._spoken_question(window))
            elif not alerts or self.random.random() < NARRATIONS:
                told, line, units = self._told(NARRATION_INSTRUCTION, spoken)
                rows.append(self._narration(told, line, units, window))
            else:
                alert = alerts.pop(0)
                told, line, units = self._told(alert.instruction, spoken)
                subject = replace(
                    alert, labels=told.labels(alert.event), unclear=told.unclear(alert.event)
                )
                exercise = Exercise(
                    id="alert", scene=told.scene, subject=subject, text=alert.instruction, line=line
                )
                rows.append(self._row(exercise, told, units, window))
        return [row for row in rows if row is not None]

    @cached_property
    def _units(self) -> list[MultimodalUnit]:
        return list(self.stream.units())

    def _told(
        self, instruction: str, spoken: bool
    ) -> tuple[ContinuousStream, SpokenLine | None, list[MultimodalUnit]]:
        """Return the stream, spoken line and units of an instruction."""
        if not spoken:
            return self.stream, None, self._units
        line, duration = self._line(instruction)
        line = replace(line, onset=round(self.random.random(), 3))
        last = math.ceil(line.onset + duration + PAUSE)
        first, *others = [part.scene for part in self.stream.parts]
        over = first.seconds >= last and self.random.random() < OVER
        begin = [first.saying(line)] if over else [quiet_scene(first, last).saying(line), first]
        told = ContinuousStream(self.stream.seed, [*begin, *others])
        spoken_in = list(told.units(0, last))
        if not over and self.random.random() < UNSEEN:
            spoken_in = [replace(unit, frames=None) for unit in spoken_in]
        return told, line, [*spoken_in, *self._units[last if over else 0 :]]

    def _narration(
        self,
        told: ContinuousStream,
        line: SpokenLine | None,
        units: list[MultimodalUnit],
        window: int,
    ) -> StreamExample:
        segments = narrated(told, window)
        exercise = Exercise(
            id="narration",
            scene=told.scene,
            subject=segments,
            text=NARRATION_INSTRUCTION,
            line=line,
        )
        late = tuple(segment for segment in segments if segment.end >= exercise.told_after)
        return self._row(replace(exercise, subject=late), told, units, window)

    def _row(
        self, exercise: Exercise, told: ContinuousStream, units: list[MultimodalUnit], window: int
    ) -> StreamExample:
        example = self.example(exercise, units)
        return replace(
            example,
            exchanges=() if exercise.line is not None else self._asked(told, window),
            window=window,
            spoken_units=math.ceil(exercise.told_after),
        )

    def _asked(self, stream: ContinuousStream, window: int) -> list[Exchange]:
        """Return questions about the window after random units."""
        first = min(FIRST_ASKED, stream.seconds - 1)
        units = self.random.integers(first, stream.seconds, self.questions)
        asked = []
        for unit in sorted(set(units.tolist())):
            kinds = self.random.permutation(len(self.question_kinds))[:4].tolist()
            drawn = stream.questions(
                unit, 1, [self.question_kinds[kind] for kind in kinds], seconds=window
            )
            kept = bool(self.random.random() < KEPT)
            asked += [
                Exchange(unit=unit, question=question.text, answer=question.answer, kept=kept)
                for question in drawn
            ]
        return asked

    def _spoken_question(self, window: int) -> StreamExample | None:
        """Return a row with a spoken question at its end; `None` if there is none that fits."""
        unit = int(self.random.integers(self.stream.seconds // 2, self.stream.seconds))
        part = self.stream.part_at(unit)
        kinds = [kind for kind in self.question_kinds if kind in SPOKEN_KINDS]
        drawn = self.stream.questions(unit, 1, kinds, seconds=window)
        if not drawn:
            return None
        line, duration = self._line(drawn[0].text)
        end = unit + 1 - part.start
        onset = end - PAUSE - duration
        if onset < 0:
            return None
        scene = part.scene.cut(end).hushed(onset, end).saying(replace(line, onset=onset))
        before = [other.scene for other in self.stream.parts if other.end <= part.start]
        told = ContinuousStream(self.stream.seed, [*before, scene])
        seen = told.window(unit, min(window, unit + 1))
        again = asked_again(replace(drawn[0], unit=seen.seconds - 1), seen)
        if again is None:
            return None
        start = part.start + int(onset)
        return StreamExample(
            units=[*self._units[:start], *told.units(start)],
            replies={unit: again.answer},
            window=window,
        )

    def _line(self, text: str) -> tuple[SpokenLine, float]:
        """Return a spoken line and its duration in seconds."""
        line = SpokenLine(text, draw_voice(self.random, Split.of(self.stream.seed)), 0.0)
        return line, len(say(text, line.voice)) / UNIT_RATE
