"""Video-MME: multiple-choice questions on short, medium and long videos.

Annotations are a JSON array of `{video_id, duration_category, video_category, video_subcategory,
questions: [{question_id, task_type, question, choices, answer}]}`; predictions are the same rows
with a `response` in every question.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import Fields, parse_rows, read_json_rows, write_json
from roma_ros.benchmarks.predictions import by_identifier, check_known
from roma_ros.benchmarks.score import Score, ScoreFigure, ScoreSettings, percent
from roma_ros.benchmarks.text import option_texts, plain_text, read_letter

__all__ = [
    "ChoiceQuestion",
    "read_questions",
    "read_responses",
    "score_official",
    "score_online",
    "write_responses",
]

LETTERS = "ABCD"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceQuestion:
    """One question.

    Attributes:
        id: `question_id`.
        video: `video_id`.
        length: `short`, `medium` or `long`.
        category, subcategory: of the video.
        task: `task_type`.
        question: the question.
        options: without their letters.
        answer: letter of the right option.
    """

    id: str
    video: str
    length: str
    category: str
    subcategory: str
    task: str
    question: str
    options: tuple[str, ...]
    answer: str


def read_questions(path: Path) -> dict[str, ChoiceQuestion]:
    """Return the questions of an annotation file by `question_id`.

    Raises:
        BenchmarkError: a row or field does not fit, or a `question_id` stands twice.
    """
    videos = parse_rows(read_json_rows(path), _questions)
    return by_identifier(((row.id, row) for video in videos for row in video), str(path))


def read_responses(path: Path) -> dict[str, str | None]:
    """Return the responses of a predictions file by `question_id`; `None` if there is none.

    Raises:
        BenchmarkError: a row or field does not fit, or a `question_id` stands twice.
    """
    videos = parse_rows(read_json_rows(path), _responses)
    return by_identifier((pair for video in videos for pair in video), str(path))


def write_responses(path: Path, annotations: Path, responses: dict[str, str | None]) -> None:
    """Write a predictions file for the official scorer: the annotations, with the responses.

    Questions without a response are left out, and videos without any.

    Raises:
        BenchmarkError: the annotation file does not fit.
    """
    rows: list[dict[str, Any]] = []
    for row in read_json_rows(annotations):
        questions = [
            {**question.value, "response": responses[identifier]}
            for question in row.objects("questions")
            if (identifier := question.identifier("question_id")) in responses
        ]
        if questions:
            rows.append({**row.value, "questions": questions})
    write_json(path, rows)


def score_official(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score responses by the official rule: the first of the letters A to D in it counts.

    That letter may stand in a word. A response without any is not counted.

    Raises:
        BenchmarkError: a file does not fit.
    """
    return _score(annotations, predictions, _first_letter, skip=True)


def score_online(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score responses strictly: one letter that stands alone; no letter and no response is wrong.

    Raises:
        BenchmarkError: a file does not fit.
    """
    return _score(annotations, predictions, read_letter, skip=False)


def _score(
    annotations: Path,
    predictions: Path,
    letter: Callable[[str | None, int], str | None],
    *,
    skip: bool,
) -> Score:
    questions, responses = read_questions(annotations), read_responses(predictions)
    missing = check_known(responses, questions.keys(), str(predictions))
    groups: dict[str, list[float]] = defaultdict(list)
    unread = 0
    for row in questions.values():
        given = letter(responses.get(row.id), len(row.options))
        unread += given is None and row.id in responses
        if given is None and skip and row.id in responses:
            continue
        for name in ("overall", *_names(row)):
            groups[name].append(float(given == row.answer))
    fate = "not counted" if skip else "count as wrong"
    return Score(
        figures=list(_figures(groups)),
        rows=len(questions),
        missing=missing,
        notes=[f"{unread} responses give no letter; {fate}"] if unread else [],
    )


def _names(row: ChoiceQuestion) -> tuple[str, ...]:
    return (f"length: {row.length}", f"category: {row.category}", f"task: {row.task}")


def _figures(groups: dict[str, list[float]]) -> Iterable[ScoreFigure]:
    for start in ("overall", "length", "category", "task"):
        for name in sorted(name for name in groups if name.startswith(start)):
            yield percent(name, groups[name])


def _first_letter(response: str | None, _options: int) -> str | None:
    found = re.search(rf"[{LETTERS}]", response or "")
    return found[0] if found else None


def _questions(row: Fields) -> list[ChoiceQuestion]:
    found = []
    for question in row.objects("questions"):
        name = "options" if "options" in question else "choices"
        options = option_texts(question.texts(name))
        answer = question.text("answer")
        if answer not in LETTERS[: len(options)] or len(answer) != 1:
            raise question.error("answer", "the letter of an option")
        found.append(
            ChoiceQuestion(
                id=question.identifier("question_id"),
                video=row.identifier("video_id"),
                length=row.text("duration_category"),
                category=row.text("video_category"),
                subcategory=row.text("video_subcategory"),
                task=question.text("task_type"),
                question=plain_text(question.text("question")),
                options=options,
                answer=answer,
            )
        )
    if not found:
        raise BenchmarkError(f"{row.place}: questions is empty; expected at least one")
    return found


def _responses(row: Fields) -> list[tuple[str, str | None]]:
    found = []
    for question in row.objects("questions"):
        if "response" not in question:
            raise question.error("response", "text or null")
        found.append((question.identifier("question_id"), question.optional_text("response")))
    return found
