"""Samples in the JSON format of ROMA's public release: reading and writing.

A file is a list of objects `{task, id, videos, images, query, ans}`. `videos` holds one list: the
path of one video, or of its frames at 2 fps. Paths are relative to a folder of the user's choice.
A query is spoken (`audio`, mixed into the sound from `time` on), or text only (`audio` is null).
Times are in seconds; an answer at time t is due at the end of unit ceil(t) - 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roma_ros.data.errors import SampleError
from roma_ros.task import Task

__all__ = ["Sample", "SampleAnswer", "SampleQuery", "read_samples", "write_samples"]

VIDEO_MARK = "<video>"  # prefix of the text of the first query


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleQuery:
    """Instruction or question of a sample.

    Attributes:
        text: the instruction or question.
        audio: path of the file in which it is spoken; `None` if it is text only.
        time: its start, in seconds from the start of the video.
        duration: length of the spoken query in seconds.
    """

    text: str
    audio: str | None
    time: float
    duration: float


@dataclass(frozen=True, slots=True)
class SampleAnswer:
    """Expected text of a sample.

    Attributes:
        text: the text.
        time: when it is due, in seconds from the start of the video; `None` if before the video.
    """

    text: str
    time: float | None

    @property
    def unit(self) -> int | None:
        """Unit at whose end the text is due."""
        return None if self.time is None else max(math.ceil(self.time) - 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One video with its queries and the expected answers.

    Attributes:
        task: task of the sample.
        id: unique name.
        video: path of a video file, or paths of its frames at 2 fps.
        queries: at least one query, in the order of their times.
        answers: answers in the order of their times. An alert has one per second of its event.
    """

    task: Task
    id: str
    video: tuple[str, ...]
    queries: tuple[SampleQuery, ...]
    answers: tuple[SampleAnswer, ...]

    def labels(self, seconds: int) -> np.ndarray:
        """Return the units after which p(speak) should be high: bool (seconds,)."""
        units = np.zeros(seconds, bool)
        for answer in self.answers:
            if answer.unit is not None and answer.unit < seconds:
                units[answer.unit] = True
        return units

    def to_json(self) -> dict[str, Any]:
        """Return the sample as a JSON object."""
        marks = [VIDEO_MARK] + [""] * (len(self.queries) - 1)
        return {
            "task": self.task.value,
            "id": self.id,
            "videos": [list(self.video)],
            "images": [],
            "query": [
                {
                    "text": mark + query.text,
                    "audio": query.audio,
                    "time": query.time,
                    "duration": query.duration,
                }
                for mark, query in zip(marks, self.queries, strict=True)
            ],
            "ans": [{"text": answer.text, "time": answer.time} for answer in self.answers],
        }

    @classmethod
    def from_json(cls, value: Any, place: str = "sample") -> Sample:
        """Return the sample of a JSON object.

        Args:
            value: object as `json.loads` returns it.
            place: name of the object in error messages.

        Raises:
            SampleError: a field is missing or has the wrong type; the message names it.
        """
        fields = _Fields(value, place)
        videos = fields.list("videos")
        if len(videos) != 1 or not isinstance(videos[0], list) or not videos[0]:
            raise SampleError(f"{place}.videos is {_short(videos)}; expected one list of paths")
        if not all(isinstance(path, str) for path in videos[0]):
            raise SampleError(f"{place}.videos has something other than paths in it")
        queries = tuple(
            _query(_Fields(query, f"{place}.query[{index}]"))
            for index, query in enumerate(fields.list("query"))
        )
        if not queries:
            raise SampleError(f"{place}.query is empty; expected an instruction or a question")
        return cls(
            task=_task(fields),
            id=str(fields.get("id", (str, int))),
            video=tuple(videos[0]),
            queries=queries,
            answers=tuple(
                _answer(_Fields(answer, f"{place}.ans[{index}]"))
                for index, answer in enumerate(fields.list("ans"))
            ),
        )


def read_samples(path: Path) -> list[Sample]:
    """Read the samples of a file.

    Raises:
        SampleError: the file cannot be read, is not JSON, or a sample is invalid.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SampleError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(values, list):
        raise SampleError(f"{path} holds {_short(values)}; expected a list of samples")
    return [Sample.from_json(value, f"{path}[{index}]") for index, value in enumerate(values)]


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Write a file of samples, overwriting an existing one."""
    values = [sample.to_json() for sample in samples]
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


class _Fields:
    """JSON object whose fields are checked when they are read."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, Mapping):
            raise SampleError(f"{place} is {_short(value)}; expected an object")
        self._value = value
        self._place = place

    def get(self, name: str, kinds: tuple[type, ...]) -> Any:
        value = self._value.get(name)
        if not isinstance(value, kinds) or isinstance(value, bool):
            expected = " or ".join("null" if kind is NONE else kind.__name__ for kind in kinds)
            raise SampleError(f"{self._place}.{name} is {_short(value)}; expected {expected}")
        return value

    def list(self, name: str) -> Sequence[Any]:
        values: Sequence[Any] = self.get(name, (list,))
        return values

    def seconds(self, name: str) -> float:
        value = float(self.get(name, (int, float)))
        if not 0 <= value < math.inf:
            raise SampleError(f"{self._place}.{name} is {value}; expected seconds from 0 on")
        return value

    def error(self, name: str, expected: str) -> SampleError:
        found = _short(self._value.get(name))
        return SampleError(f"{self._place}.{name} is {found}; expected {expected}")


NONE = type(None)


def _task(fields: _Fields) -> Task:
    try:
        return Task(fields.get("task", (str,)))
    except ValueError:
        names = " or ".join(repr(task.value) for task in Task)
        raise fields.error("task", names) from None


def _query(fields: _Fields) -> SampleQuery:
    return SampleQuery(
        text=fields.get("text", (str,)).removeprefix(VIDEO_MARK),
        audio=fields.get("audio", (str, NONE)),
        time=fields.seconds("time"),
        duration=fields.seconds("duration"),
    )


def _answer(fields: _Fields) -> SampleAnswer:
    untimed = fields.get("time", (int, float, NONE)) is None
    return SampleAnswer(fields.get("text", (str,)), None if untimed else fields.seconds("time"))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
