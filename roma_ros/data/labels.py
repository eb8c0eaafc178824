"""From annotations to samples: which units are positive, what is due when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from roma_ros.data.rows import AlertRow, NarrationRow, QuestionRow, Turn
from roma_ros.data.samples import Sample, SampleAnswer, SampleQuery
from roma_ros.task import Task

__all__ = [
    "ALERT_WORD",
    "alert_sample",
    "join_answers",
    "join_windows",
    "letter_of",
    "narration_sample",
    "positive_units",
    "question_sample",
    "question_text",
]

ALERT_WORD = "alert"
"""Text of an alert's answers in the public release."""
HALF = 0.5  # least share of a unit in a window that makes it positive
EXACT = 1e-6  # seconds; times such as 0.1 + 0.2 are rounded to it


def positive_units(windows: Iterable[tuple[float, float]]) -> list[int]:
    """Return the units in which an event happens, in order.

    A unit is positive if at least half of it lies in a window. A window in which no unit does has
    the unit that holds its middle, so that none is without one.
    """
    units: set[int] = set()
    for start, end in windows:
        inside = [
            unit
            for unit in range(math.floor(start), math.ceil(end))
            if min(end, unit + 1) - max(start, unit) >= HALF - EXACT
        ]
        units.update(inside or [math.floor((start + end) / 2)])
    return sorted(units)


def alert_sample(row: AlertRow, video: str, instruction: str) -> Sample:
    """Return an event to wait for as a sample: an answer at the end of every positive unit."""
    return Sample(
        task=Task.ALERT,
        id=row.id,
        video=(video,),
        queries=(_written(instruction, 0.0),),
        answers=tuple(SampleAnswer(ALERT_WORD, unit + 1.0) for unit in positive_units(row.windows)),
    )


def narration_sample(row: NarrationRow, video: str, instruction: str) -> Sample:
    """Return a narration as a sample: each sentence once, when its segment has ended.

    Of segments that end in the same unit, the sentences are joined.
    """
    due: dict[int, list[str]] = {}
    for segment in sorted(row.segments, key=lambda segment: (segment.end, segment.start)):
        unit = max(math.ceil(segment.end - EXACT) - 1, 0)
        sentences = due.setdefault(unit, [])
        if segment.text not in sentences:
            sentences.append(segment.text)
    return Sample(
        task=Task.NARRATION,
        id=row.id,
        video=(video,),
        queries=(_written(instruction, row.time),),
        answers=tuple(SampleAnswer(" ".join(due[unit]), unit + 1.0) for unit in sorted(due)),
    )


def question_sample(
    row: QuestionRow, video: str, seconds: float | None, *, letters: bool = False
) -> Sample:
    """Return questions as a sample, each asked at the end of the unit that its time is in.

    Args:
        row: the questions.
        video: path of the video.
        seconds: length of the video, when questions without a time are asked.
        letters: whether the options are part of a multiple-choice question, and the letter of the
            right one part of the answer.

    Raises:
        ValueError: a question has no time, and the length is not known.
    """
    asked = []
    for turn in row.turns:
        time = seconds if turn.time is None else turn.time
        if time is None:
            raise ValueError("a question has no time, and the length of its video is not known")
        asked.append((max(float(math.ceil(time - EXACT)), 1.0), turn))
    asked.sort(key=lambda pair: pair[0])  # stable: of the same second, in the order of the file
    texts = [(time, *question_text(turn, letters=letters)) for time, turn in asked]
    return Sample(
        task=Task.QUESTION,
        id=row.id,
        video=(video,),
        queries=tuple(_written(question, time) for time, question, _ in texts),
        answers=tuple(SampleAnswer(answer, time) for time, _, answer in texts),
    )


def question_text(turn: Turn, *, letters: bool) -> tuple[str, str]:
    """Return question and answer as they are asked and expected.

    With `letters`, the options of a multiple-choice question follow it, one a line.
    """
    if not (letters and turn.options):
        return turn.question, turn.answer
    labelled = [f"{letter_of(index)}. {option}" for index, option in enumerate(turn.options)]
    return "\n".join([turn.question, *labelled]), labelled[turn.right]


def letter_of(index: int) -> str:
    """Return the letter of an option, A for the first."""
    return chr(ord("A") + index)


def _written(text: str, time: float) -> SampleQuery:
    return SampleQuery(text=text, audio=None, time=time, duration=0.0)


def join_windows(windows: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return windows in order, those that touch or overlap as one."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(windows):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def join_answers(answers: Iterable[SampleAnswer]) -> tuple[SampleAnswer, ...]:
    """Return answers, the texts of those that are due after the same unit as one."""
    joined: list[SampleAnswer] = []
    for answer in answers:
        if joined and answer.unit is not None and answer.unit == joined[-1].unit:
            joined[-1] = SampleAnswer(f"{joined[-1].text} {answer.text}", joined[-1].time)
        else:
            joined.append(answer)
    return tuple(joined)
