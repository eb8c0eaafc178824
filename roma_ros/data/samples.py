"""Samples in the JSON format of ROMA's public release: reading and writing.

A file is a JSON array, or JSON Lines, of objects `{task, id, videos, images, query, ans}`. `videos`
holds one list: the path of one video, or of its frames at 2 fps. Paths are relative to the file.
A query is spoken (`audio`, mixed into the sound from `time` on), or text only (`audio` is null).
Times are in seconds; an answer at time t is due at the end of unit ceil(t) - 1.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from roma_ros.data.errors import SampleError
from roma_ros.data.json_rows import decode_row, read_rows
from roma_ros.data.skip_log import SkipLog
from roma_ros.task import Task

__all__ = [
    "Sample",
    "SampleAnswer",
    "SampleIndex",
    "SampleQuery",
    "iterate_samples",
    "read_samples",
    "write_samples",
]

VIDEO_MARK = "<video>"  # prefix of the text of the first query
MAX_SECONDS = 10_000_000  # a third of a year: units are counted from 0


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
        return {
            "task": self.task.value,
            "id": self.id,
            "videos": [list(self.video)],
            "images": [],
            "query": [
                {
                    "text": _mark(index, query.text) + query.text,
                    "audio": query.audio,
                    "time": query.time,
                    "duration": query.duration,
                }
                for index, query in enumerate(self.queries)
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
            raise fields.error("videos", "one list of paths")
        if not all(isinstance(path, str) and path and _is_path(path) for path in videos[0]):
            raise fields.error("videos", "one list of paths, without an empty one")
        if fields.optional_list("images"):
            raise fields.error("images", "an empty list: only videos can be used")
        queries = tuple(map(_query, fields.objects("query")))
        if not queries:
            raise fields.error("query", "an instruction or a question")
        return cls(
            task=_task(fields),
            id=str(fields.get("id", (str, int))),
            video=tuple(videos[0]),
            queries=queries,
            answers=tuple(map(_answer, fields.objects("ans"))),
        )


def iterate_samples(path: Path, log: SkipLog | None = None) -> Iterator[Sample]:
    """Yield the samples of a JSON array or JSON Lines file, without reading all of it first.

    Args:
        path: the file.
        log: count of the rows; a row that is no sample, or has the id of an earlier one, is skipped
            unless the log is strict. `None`: such a row is an error.

    Raises:
        SampleError: the file cannot be read, or from some row on is no JSON; or a row is invalid
            and the log is strict.
    """
    for _, _, sample in _samples(path, log):
        yield sample


def read_samples(path: Path) -> list[Sample]:
    """Read all samples of a file into memory.

    Raises:
        SampleError: the file cannot be read, is not JSON, or a sample is invalid.
    """
    return list(iterate_samples(path))


class SampleIndex(Sequence[Sample]):
    """Samples of a file by number. Their places are in memory, the samples are read when needed.

    Args:
        path: JSON array or JSON Lines file. It must not change while it is used.
        log: as for `iterate_samples`.

    Raises:
        SampleError: as for `iterate_samples`.
    """

    def __init__(self, path: Path, log: SkipLog | None = None) -> None:
        self.path = path
        places = [(start, size) for start, size, _ in _samples(path, log)]
        self._places = np.array(places, np.int64).reshape(-1, 2)

    @property
    def folder(self) -> Path:
        """Folder that the paths of the samples are relative to."""
        return self.path.parent

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        """Read one sample, or a list of them for a slice.

        Raises:
            IndexError: there is no such sample.
            SampleError: the file has changed.
        """
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        start, size = self._places[index].tolist()
        place = f"{self.path}, sample {index}"
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                text = file.read(size)
        except OSError as error:
            raise SampleError(f"{self.path} cannot be read: {error.strerror or error}") from error
        return Sample.from_json(decode_row(text, place), place)


def write_samples(path: Path, samples: Iterable[Sample]) -> int:
    """Write samples as they come; return how many. An existing file is replaced at the end.

    Args:
        path: file to write: JSON Lines if its name ends in `.jsonl`, otherwise a JSON array.
        samples: the samples.

    Raises:
        OSError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            lines = path.suffix.lower() == ".jsonl"
            count = _write_lines(file, samples) if lines else _write_array(file, samples)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return count


def _write_lines(file: TextIO, samples: Iterable[Sample]) -> int:
    count = 0
    for sample in samples:
        file.write(json.dumps(sample.to_json(), ensure_ascii=False) + "\n")
        count += 1
    return count


def _write_array(file: TextIO, samples: Iterable[Sample]) -> int:
    count = 0
    file.write("[")
    for sample in samples:
        value = json.dumps(sample.to_json(), indent=2, ensure_ascii=False)
        file.write(f"{',' if count else ''}\n{value}")
        count += 1
    file.write("\n]\n")
    return count


def _samples(path: Path, log: SkipLog | None) -> Iterator[tuple[int, int, Sample]]:
    """Yield place (bytes), size (bytes) and sample of the valid rows of a file."""
    log = log or SkipLog(strict=True)
    known: set[int] = set()  # of a million ids, hashes take a tenth of the memory
    for row in read_rows(path):
        place = f"{path}, row {row.number}"
        try:
            if row.fault is not None:
                raise SampleError(f"{place} is not JSON: {row.fault}")
            sample = Sample.from_json(row.value, place)
        except SampleError as error:
            log.skip("invalid", error)
            continue
        if hash(sample.id) in known:
            log.skip("id twice", SampleError(f"{place}: id {_short(sample.id)} stands twice"))
            continue
        known.add(hash(sample.id))
        log.kept += 1
        yield row.start, row.size, sample


class _Fields:
    """JSON object whose fields are checked when they are read."""

    def __init__(self, value: Any, place: str, path: str = "") -> None:
        self._place = place
        self._path = path
        if not isinstance(value, Mapping):
            where = f"{place}: {path}" if path else place
            raise SampleError(f"{where} is {_short(value)}; expected an object")
        self._value = value

    def get(self, name: str, kinds: tuple[type, ...]) -> Any:
        value = self._value.get(name)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise self.error(name, " or ".join(WORDS[kind] for kind in kinds))
        if isinstance(value, str) and not _is_unicode(value):
            raise self.error(name, "text in Unicode, without half of a surrogate pair")
        return value

    def list(self, name: str) -> Sequence[Any]:
        values: Sequence[Any] = self.get(name, (list,))
        return values

    def optional_list(self, name: str) -> Sequence[Any]:
        return self.list(name) if name in self._value else ()

    def objects(self, name: str) -> Iterator[_Fields]:
        for index, value in enumerate(self.list(name)):
            yield _Fields(value, self._place, f"{name}[{index}]")

    def seconds(self, name: str) -> float:
        value = self.get(name, (int, float))
        if not 0 <= value <= MAX_SECONDS:
            raise self.error(name, f"seconds from 0 to {MAX_SECONDS:,}")
        return float(value)

    def error(self, name: str, expected: str) -> SampleError:
        where = f"{self._path}.{name}" if self._path else name
        if name not in self._value:
            return SampleError(f"{self._place}: {where} is missing; expected {expected}")
        found = _short(self._value[name])
        return SampleError(f"{self._place}: {where} is {found}; expected {expected}")


NONE = type(None)
WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    NONE: "null",
}


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


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_path(text: str) -> bool:
    return "\0" not in text and _is_unicode(text)


def _mark(index: int, text: str) -> str:
    """Return the prefix of a query; reading takes one away from every query that has it."""
    return VIDEO_MARK if index == 0 or text.startswith(VIDEO_MARK) else ""


def _short(value: Any) -> str:
    try:
        text = ascii(value) if isinstance(value, str) and not _is_unicode(value) else repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a deep list
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:59] + "…"
