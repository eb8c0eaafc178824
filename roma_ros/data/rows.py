"""Annotations of one video in the three forms that all sources have in common.

Times are in seconds of the video as it is annotated; windows and segments are half-open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["AlertRow", "CaptionSegment", "NarrationRow", "QuestionRow", "Row", "Turn", "VideoPart"]


@dataclass(frozen=True, slots=True)
class VideoPart:
    """Part of a longer video.

    Attributes:
        video: name of the whole video.
        start, end: of the part in the whole, s.
    """

    video: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class CaptionSegment:
    """What happens from `start` to `end` (s), in a sentence."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer.

    Attributes:
        time: when it is asked, s: what it needs was seen before; `None`: at the end of the video.
        question, answer: texts.
        options: texts of the options of a multiple-choice question, without letters; may be empty.
        right: index of the right option.
    """

    time: float | None
    question: str
    answer: str
    options: tuple[str, ...] = ()
    right: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatedRow:
    """Base of all rows.

    Attributes:
        place: file and row, for messages.
        id: unique name among the rows of its file.
        video: name of the video, with or without a folder and suffix.
        part: where the video lies in a longer one, if only that may be at hand.
        duration: length of the video as annotated, s.
    """

    place: str
    id: str
    video: str
    part: VideoPart | None = None
    duration: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow(AnnotatedRow):
    """An event to wait for.

    Attributes:
        text: the event, such as "a dog runs in", or an instruction that names it.
        windows: (start, end) of each time that it happens; empty if it does not.
    """

    text: str
    windows: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrationRow(AnnotatedRow):
    """Segments to describe, each when it has ended.

    Attributes:
        segments: the segments, in any order.
        instruction: what to describe; `None`: everything.
        time: when the instruction is given, s.
        whole: whether the video must stay as it is, because the instruction has a time in it.
    """

    segments: tuple[CaptionSegment, ...]
    instruction: str | None = None
    time: float = 0.0
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow(AnnotatedRow):
    """Questions in the order of their times; later ones may refer to earlier ones."""

    turns: tuple[Turn, ...]


Row: TypeAlias = AlertRow | NarrationRow | QuestionRow


def texts_of(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Return all that is said to happen in each video, by its name."""
    texts: dict[str, list[str]] = {}
    for row in rows:
        known = texts.setdefault(row.video, [])
        if isinstance(row, AlertRow):
            known.append(row.text)
        elif isinstance(row, NarrationRow):
            known += [segment.text for segment in row.segments]
        else:
            known += [f"{turn.question} {turn.answer}" for turn in row.turns]
    return texts
