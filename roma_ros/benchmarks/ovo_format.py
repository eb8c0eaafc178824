"""Files of OVO-Bench: annotations, and answers in the format of its own scorer.

A row is a question at a time (9 tasks), counting (REC), steps (SSR), or a clue to wait for (CRR).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import (
    Fields,
    parse_rows,
    read_json_object,
    read_json_rows,
    write_json,
)
from roma_ros.benchmarks.predictions import by_identifier
from roma_ros.benchmarks.text import plain_text

__all__ = [
    "GROUPS",
    "OvoAnswer",
    "OvoAnswers",
    "OvoClue",
    "OvoCounting",
    "OvoForwardAnswer",
    "OvoForwardTask",
    "OvoQuestion",
    "OvoSteps",
    "TaskProbe",
    "read_answers",
    "read_tasks",
    "write_answers",
]

GROUPS = {
    "backward": ("EPM", "ASI", "HLD"),
    "realtime": ("OCR", "ACR", "ATR", "STU", "FPD", "OJR"),
    "forward": ("REC", "SSR", "CRR"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OvoQuestion:
    """Question at a time, with options; `right` is the index of the right one."""

    id: str
    task: str
    video: str
    realtime: float
    question: str
    options: tuple[str, ...]
    right: int

    @property
    def letter(self) -> str:
        """Letter of the right option."""
        return chr(ord("A") + self.right)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProbe:
    """Time at which a forward task is asked, in seconds, and what is right then.

    Attributes:
        realtime: the time.
        right: REC: the count so far; SSR and CRR: 1 for yes, 0 for no.
        step: SSR: the step that is asked about; otherwise `None`.
    """

    realtime: float
    right: int
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OvoCounting:
    """REC: an activity that recurs, with the (start, end) of each time in seconds."""

    id: str
    video: str
    activity: str
    windows: tuple[tuple[float, float], ...]
    probes: tuple[TaskProbe, ...]
    task: str = "REC"


@dataclass(frozen=True, slots=True, kw_only=True)
class OvoSteps:
    """SSR: steps of a tutorial, with the (start, end) of each in seconds."""

    id: str
    video: str
    tutorial: str
    steps: tuple[str, ...]
    windows: tuple[tuple[float, float], ...]
    probes: tuple[TaskProbe, ...]
    task: str = "SSR"


@dataclass(frozen=True, slots=True, kw_only=True)
class OvoClue:
    """CRR: a question asked at `ask_time` that can be answered from `clue_time` on."""

    id: str
    video: str
    question: str
    answer: str
    ask_time: float
    clue_time: float
    probes: tuple[TaskProbe, ...]
    task: str = "CRR"


OvoForwardTask: TypeAlias = OvoCounting | OvoSteps | OvoClue


@dataclass(frozen=True, slots=True, kw_only=True)
class OvoAnswer:
    """Answer to a question at a time; `response` is `None` if the model gave none."""

    id: int | str
    task: str
    video: str
    question: str
    response: str | None
    ground_truth: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OvoForwardAnswer:
    """Answers to the probes of a forward task, which the row repeats.

    Attributes:
        id: as it stands in the file.
        task: the task, with the video's path that the model was given.
        responses: one per probe; `None` if the model gave none.
    """

    id: int | str
    task: OvoForwardTask
    responses: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OvoAnswers:
    """Official predictions file: answers in three groups."""

    backward: tuple[OvoAnswer, ...]
    realtime: tuple[OvoAnswer, ...]
    forward: tuple[OvoForwardAnswer, ...]


def read_tasks(path: Path) -> dict[str, OvoQuestion | OvoForwardTask]:
    """Return the rows of the annotation file by `id`.

    Raises:
        BenchmarkError: a row or field does not fit, or an `id` stands twice.
    """
    tasks = parse_rows(read_json_rows(path), _task)
    return by_identifier(((task.id, task) for task in tasks), str(path))


def read_answers(path: Path) -> OvoAnswers:
    """Return an official predictions file.

    Raises:
        BenchmarkError: a row or field does not fit.
    """
    file = read_json_object(path)
    groups: dict[str, list[Fields]] = {}
    for group in GROUPS:
        values = file.list(group) if group in file else []
        groups[group] = [
            Fields(value, f"{path}, {group}, row {number}")
            for number, value in enumerate(values, start=1)
        ]
    if not any(groups.values()):
        raise BenchmarkError(f"{path} has no answer in {', '.join(GROUPS)}")
    return OvoAnswers(
        backward=tuple(parse_rows(groups["backward"], _answer)),
        realtime=tuple(parse_rows(groups["realtime"], _answer)),
        forward=tuple(parse_rows(groups["forward"], _forward_answer)),
    )


def write_answers(path: Path, answers: OvoAnswers) -> None:
    """Write a predictions file for the official scorer, overwriting an existing one."""
    write_json(
        path,
        {
            "backward": list(map(_answer_row, answers.backward)),
            "realtime": list(map(_answer_row, answers.realtime)),
            "forward": list(map(_forward_row, answers.forward)),
        },
    )


def _task(row: Fields) -> OvoQuestion | OvoForwardTask:
    name = row.text("task")
    if name in GROUPS["forward"]:
        return _forward_task(row, plain_text)
    if not any(name in names for names in GROUPS.values()):
        known = ", ".join(name for names in GROUPS.values() for name in names)
        raise row.error("task", f"one of {known}")
    options = row.texts("options")
    if len(options) < 2:
        raise row.error("options", "at least two options")
    return OvoQuestion(
        id=row.identifier("id"),
        task=name,
        video=row.text("video"),
        realtime=row.seconds("realtime"),
        question=plain_text(row.text("question")),
        options=options,
        right=row.whole("gt", 0, len(options) - 1),
    )


def _forward_task(row: Fields, clean: Callable[[str], str]) -> OvoForwardTask:
    name = row.text("task")
    identifier, video = row.identifier("id"), row.text("video")
    right = "count" if name == "REC" else "type"
    probes = tuple(
        TaskProbe(
            realtime=probe.seconds("realtime"),
            right=probe.whole(right, 0, None if name == "REC" else 1),
            step=probe.text("step") if name == "SSR" else None,
        )
        for probe in row.objects("test_info")
    )
    if name == "REC":
        return OvoCounting(
            id=identifier,
            video=video,
            activity=clean(row.text("activity")),
            windows=_windows(row, "start_times", "end_times"),
            probes=probes,
        )
    if name == "SSR":
        steps, windows = row.texts("all_steps"), _windows(row, "start_time", "end_time")
        if len(steps) != len(windows):
            raise row.error("all_steps", f"{len(windows)} steps, as many as start_time has")
        return OvoSteps(
            id=identifier,
            video=video,
            tutorial=row.text("tutorial"),
            steps=tuple(map(clean, steps)),
            windows=windows,
            probes=probes,
        )
    if name == "CRR":
        return OvoClue(
            id=identifier,
            video=video,
            question=clean(row.text("question")),
            answer=clean(row.text("answer")),
            ask_time=row.seconds("ask_time"),
            clue_time=row.seconds("clue_time"),
            probes=probes,
        )
    raise row.error("task", f"one of {', '.join(GROUPS['forward'])}")


def _windows(row: Fields, starts: str, ends: str) -> tuple[tuple[float, float], ...]:
    first, last = row.times(starts), row.times(ends)
    if len(first) != len(last):
        raise row.error(ends, f"{len(first)} times, as many as {starts} has")
    for index, (start, end) in enumerate(zip(first, last, strict=True)):
        if start > end:
            raise BenchmarkError(
                f"{row.place}: {row.name(ends)}[{index}] is {end:g}; expected at least the start, "
                f"{start:g}"
            )
    return tuple(zip(first, last, strict=True))


def _answer(row: Fields) -> OvoAnswer:
    row.identifier("id")
    return OvoAnswer(
        id=row.value["id"],
        task=row.text("task"),
        video=row.text("video"),
        question=row.text("question"),
        response=_response(row),
        ground_truth=row.text("ground_truth"),
    )


def _forward_answer(row: Fields) -> OvoForwardAnswer:
    return OvoForwardAnswer(
        id=row.value.get("id", ""),
        task=_forward_task(row, str),
        responses=tuple(_response(probe) for probe in row.objects("test_info")),
    )


def _response(row: Fields) -> str | None:
    if "response" not in row:
        raise row.error("response", "text or null")
    return row.optional_text("response")


def _answer_row(answer: OvoAnswer) -> dict[str, Any]:
    return {
        "id": answer.id,
        "video": answer.video,
        "task": answer.task,
        "question": answer.question,
        "response": answer.response,
        "ground_truth": answer.ground_truth,
    }


def _forward_row(answer: OvoForwardAnswer) -> dict[str, Any]:
    task = answer.task
    row: dict[str, Any] = {"id": answer.id, "task": task.task, "video": task.video}
    if isinstance(task, OvoCounting):
        row["activity"] = task.activity
        row["start_times"] = [start for start, _ in task.windows]
        row["end_times"] = [end for _, end in task.windows]
    elif isinstance(task, OvoSteps):
        row["tutorial"] = task.tutorial
        row["all_steps"] = list(task.steps)
        row["start_time"] = [start for start, _ in task.windows]
        row["end_time"] = [end for _, end in task.windows]
    else:
        row |= {
            "question": task.question,
            "answer": task.answer,
            "ask_time": task.ask_time,
            "clue_time": task.clue_time,
        }
    right = "count" if task.task == "REC" else "type"
    row["test_info"] = [
        {
            "realtime": probe.realtime,
            **({"step": probe.step} if probe.step is not None else {}),
            right: probe.right,
            "response": response,
        }
        for probe, response in zip(task.probes, answer.responses, strict=True)
    ]
    return row
