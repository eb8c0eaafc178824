"""StreamingBench: questions at a time of a stream, and outputs to give when something happens (PO).

Annotations are a JSON array of `{video_path, questions: [...]}`. Official predictions are the same
rows with one more field in every question, named after the model. A question has no identifier:
ours is `VIDEO_PATH#N`, where N counts the questions of a video in the file, from 0.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from roma_ros.benchmarks.alerts import alert_figures, judge_alerts
from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import (
    Fields,
    parse_rows,
    read_json_rows,
    short,
    write_json,
)
from roma_ros.benchmarks.predictions import by_identifier, check_known
from roma_ros.benchmarks.score import Score, ScoreFigure, ScoreSettings, mean, percent
from roma_ros.benchmarks.streams import (
    Streams,
    alert_seconds,
    from_second,
    response_seconds,
)
from roma_ros.benchmarks.text import contains_words, option_texts, plain_text, read_letter

__all__ = [
    "ModelOutput",
    "StreamQuestion",
    "read_due_outputs",
    "read_model_outputs",
    "read_stream_questions",
    "score_official",
    "score_online",
    "score_roma",
    "score_strictly",
    "write_model_outputs",
]

TOLERANCE = 2  # seconds from the right time
THRESHOLD, WINDOW = 0.2, 4  # ROMA's for PO (paper, appendix A.3)
ANNOTATED = frozenset(
    {
        *("task_type", "question", "time_stamp", "answer", "options", "required_ability"),
        *("audio_path", "time", "ground_truth_time_stamp", "ground_truth_output"),
    }
)
"""Fields of a question that are not a model's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamQuestion:
    """One question, or one output that is due later.

    Attributes:
        id: `VIDEO_PATH#N`.
        video: path of the video.
        task: `task_type`.
        question: the question or instruction.
        time: when it is asked, in seconds; nothing behind that may be seen for an answer.
        audio: path of the spoken question; `None` if there is none.
        options: without their letters; empty for an output.
        answer: letter of the right option; `None` for an output.
        due: when the output is due, in seconds; `None` for a question.
        output: text of the output; `None` for a question.
    """

    id: str
    video: str
    task: str
    question: str
    time: float
    audio: str | None
    options: tuple[str, ...]
    answer: str | None
    due: float | None
    output: str | None


Rows: TypeAlias = Mapping[str, StreamQuestion]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutput:
    """Output of a model for one question.

    Attributes:
        id: of the question.
        text: its answer or last output; `None` if it gave none.
        time: of the last output, in seconds of the video; `None` for a question.
        value: field of the file, as it stands there.
    """

    id: str
    text: str | None
    time: float | None
    value: Any


def read_stream_questions(path: Path) -> dict[str, StreamQuestion]:
    """Return the questions of an annotation file by `id`, in the order of the file.

    Raises:
        BenchmarkError: a row or field does not fit.
    """
    rows = parse_rows(_numbered(path), lambda row: _question(*row))
    return {row.id: row for row in rows}


def read_model_outputs(path: Path) -> tuple[str, dict[str, ModelOutput]]:
    """Return the name of the model of a predictions file, and its outputs by question.

    Raises:
        BenchmarkError: a row or field does not fit, or there is not one model.
    """
    questions = list(_numbered(path))
    names = Counter(name for _, row in questions for name in row.value if name not in ANNOTATED)
    if len(names) != 1:
        found = " and ".join(map(short, sorted(names))) if names else "none"
        raise BenchmarkError(
            f"{path}: fields named after a model are {found}; expected one in every question"
        )
    (model,) = names
    answered = [(identifier, row) for identifier, row in questions if model in row]
    outputs = parse_rows(answered, lambda pair: _output(*pair, model))
    return model, by_identifier(((output.id, output) for output in outputs), str(path))


def write_model_outputs(
    path: Path, annotations: Path, model: str, outputs: Mapping[str, ModelOutput]
) -> None:
    """Write a predictions file for the official scorer: the annotations, with the outputs.

    Raises:
        BenchmarkError: the annotation file does not fit.
    """
    counts: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    for row in read_json_rows(annotations):
        video = row.text("video_path")
        questions = []
        for question in row.objects("questions"):
            identifier = f"{video}#{counts[video]}"
            counts[video] += 1
            given = {model: outputs[identifier].value} if identifier in outputs else {}
            questions.append({**question.value, **given})
        rows.append({**row.value, "questions": questions})
    write_json(path, rows)


def score_official(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score outputs by the official rules.

    Of an answer, the first character has to be the letter; an empty answer is not counted. Of PO,
    the last entry of `dialog_history` has to be within 2 s of the right time, and then to contain
    the wanted output.

    Raises:
        BenchmarkError: a file does not fit.
    """
    return _score_outputs(
        annotations,
        predictions,
        right=lambda text, row: text[:1] == row.answer,
        wanted=lambda text, row: (row.output or "") in text,
        skip=True,
    )


def score_strictly(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score outputs strictly: one letter that stands alone; no answer is wrong.

    Raises:
        BenchmarkError: a file does not fit.
    """
    return _score_outputs(
        annotations,
        predictions,
        right=lambda text, row: read_letter(text, len(row.options)) == row.answer,
        wanted=lambda text, row: contains_words(text, row.output or ""),
        skip=False,
    )


def read_due_outputs(path: Path) -> dict[str, StreamQuestion]:
    """Return the proactive outputs of an annotation file by `id`.

    Raises:
        BenchmarkError: a row or field does not fit, or there is none.
    """
    rows = read_stream_questions(path)
    due = {identifier: row for identifier, row in rows.items() if row.due is not None}
    if not due:
        raise BenchmarkError(
            f"{path} has no ground_truth_time_stamp; expected proactive outputs, since the "
            "predictions are streams"
        )
    return due


def score_roma(rows: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score p(speak) of PO: the first response since the instruction is within 2 s of the time.

    Raises:
        BenchmarkError: a stream has neither p nor alerts.
    """
    threshold, window = settings.trigger(THRESHOLD, WINDOW)
    right = []
    for identifier, row in rows.items():
        stream = streams.get(identifier)
        times = response_seconds(from_second(stream, row.time), threshold, window) if stream else []
        right.append(float(bool(times) and abs(times[0] - (row.due or 0)) <= TOLERANCE))
    return Score(
        figures=[percent("PO", right)],
        rows=len(rows),
        settings={"threshold": threshold, "window": window},
    )


def score_online(rows: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score alerts of PO without look-ahead: right from the right time to 2 s after it.

    Raises:
        BenchmarkError: a stream has neither p nor alerts.
    """
    threshold, window = settings.trigger(THRESHOLD, WINDOW)
    matches = []
    for identifier, row in rows.items():
        stream = streams.get(identifier)
        rest = from_second(stream, row.time) if stream else None
        alerts = alert_seconds(rest, threshold, window) if rest else []
        due = row.due or 0
        matches.append(
            judge_alerts(alerts, [(due, due + TOLERANCE)], rest.seconds if rest else None)
        )
    return Score(
        figures=alert_figures(matches, "PO "),
        rows=len(rows),
        settings={"threshold": threshold, "window": window},
    )


def _score_outputs(
    annotations: Path,
    predictions: Path,
    *,
    right: Callable[[str, StreamQuestion], bool],
    wanted: Callable[[str, StreamQuestion], bool],
    skip: bool,
) -> Score:
    """Score answers by task, and times and texts of outputs.

    Args:
        right: whether an answer is right.
        wanted: whether an output has the wanted text.
        skip: leave out questions without an answer instead of counting them as wrong.
    """
    rows = read_stream_questions(annotations)
    _, outputs = read_model_outputs(predictions)
    missing = check_known(outputs, rows.keys(), str(predictions))
    tasks: dict[str, list[float]] = defaultdict(list)
    times: list[float] = []
    texts: list[float] = []
    skipped = 0
    for identifier, row in rows.items():
        output = outputs.get(identifier)
        text = output.text if output else None
        if row.due is not None:
            on_time = (
                output is not None
                and output.time is not None
                and abs(output.time - row.due) <= TOLERANCE
            )
            times.append(float(on_time))
            texts.append(float(on_time and text is not None and wanted(text, row)))
        elif not text and skip and output is not None:
            skipped += 1
        else:
            tasks[row.task].append(float(text is not None and right(text, row)))
    figures: list[ScoreFigure] = [percent(task, values) for task, values in sorted(tasks.items())]
    if tasks:
        figures += [
            percent("all questions", [value for values in tasks.values() for value in values]),
            _mean_of_tasks(figures),
        ]
    if times:
        figures += [percent("PO, time", times), percent("PO, time and text", texts)]
    notes = [f"{skipped} empty answers are not counted"] if skipped else []
    return Score(figures=figures, rows=len(rows), missing=missing, notes=notes)


def _mean_of_tasks(figures: Sequence[ScoreFigure]) -> ScoreFigure:
    values = [figure.value for figure in figures if figure.value is not None]
    return ScoreFigure("mean of tasks", mean(values), len(values))


def _numbered(path: Path) -> list[tuple[str, Fields]]:
    """Return the questions of a file with their identifiers."""
    counts: Counter[str] = Counter()
    found = []
    for row in read_json_rows(path):
        video = row.text("video_path")
        for question in row.objects("questions"):
            found.append((f"{video}#{counts[video]}", question))
            counts[video] += 1
    if not found:
        raise BenchmarkError(f"{path} has no question")
    return found


def _question(identifier: str, row: Fields) -> StreamQuestion:
    output = "ground_truth_time_stamp" in row
    options = () if output else option_texts(row.texts("options"))
    if not output:
        letters = [chr(ord("A") + index) for index in range(len(options))]
        if row.text("answer") not in letters:
            raise row.error("answer", "the letter of an option")
    return StreamQuestion(
        id=identifier,
        video=identifier.rpartition("#")[0],
        task=row.text("task_type"),
        question=plain_text(row.text("question")),
        time=_seconds(row, "time_stamp"),
        audio=row.optional_text("audio_path"),
        options=options,
        answer=None if output else row.text("answer"),
        due=_seconds(row, "ground_truth_time_stamp") if output else None,
        output=row.text("ground_truth_output") if output else None,
    )


def _seconds(row: Fields, name: str) -> float:
    """Return the seconds of a time stamp `HH:MM:SS`; hours may have one digit."""
    found = re.fullmatch(r"(?:(\d{1,2}):)?(\d{1,2}):([0-5]\d)", row.text(name))
    if found is None or int(found[2]) > 59:
        raise row.error(name, "a time HH:MM:SS")
    return int(found[1] or 0) * 3600 + int(found[2]) * 60 + int(found[3])


def _output(identifier: str, row: Fields, model: str) -> ModelOutput:
    value = row.value[model]
    if not isinstance(value, dict):
        return ModelOutput(id=identifier, text=row.optional_text(model), time=None, value=value)
    history = list(row.object(model).objects("dialog_history"))
    last = history[-1] if history else None
    return ModelOutput(
        id=identifier,
        text=last.optional_text("content") if last else None,
        time=last.seconds("time") if last else None,
        value=value,
    )
