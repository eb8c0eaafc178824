"""EgoSchema: questions on 3-min egocentric videos, with five options.

Annotations are the answers, `{"q_uid": index}` from 0; predictions have the same format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import (
    Fields,
    parse_rows,
    read_json_object,
    read_json_rows,
    short,
    write_json,
)
from roma_ros.benchmarks.predictions import by_identifier, check_known
from roma_ros.benchmarks.score import Score, ScoreSettings, percent
from roma_ros.benchmarks.text import plain_text

__all__ = ["EgoQuestion", "read_choices", "read_questions", "score_official", "write_choices"]

OPTIONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EgoQuestion:
    """One row of the file of questions, which has no answers."""

    q_uid: str
    question: str
    options: tuple[str, ...]


def read_questions(path: Path) -> dict[str, EgoQuestion]:
    """Return the rows of the file of questions by `q_uid`.

    Raises:
        BenchmarkError: a row or field does not fit, or a `q_uid` stands twice.
    """
    rows = parse_rows(read_json_rows(path), _question)
    return by_identifier(((row.q_uid, row) for row in rows), str(path))


def read_choices(path: Path) -> dict[str, int]:
    """Return the index of the chosen option, 0 to 4, by `q_uid`.

    Raises:
        BenchmarkError: the file does not fit, or a choice is none of the options.
    """
    file = read_json_object(path)
    if not file.value:
        raise BenchmarkError(f"{path} is empty; expected {{q_uid: index}}")
    choices = {}
    for number, (q_uid, value) in enumerate(file.value.items(), start=1):
        if isinstance(value, str) and value in map(str, range(OPTIONS)):
            choices[q_uid] = int(value)
        elif type(value) is int and 0 <= value < OPTIONS:
            choices[q_uid] = value
        else:
            raise BenchmarkError(
                f"{path}, row {number}: q_uid {short(q_uid)} has {short(value)}; expected an index "
                f"from 0 to {OPTIONS - 1}"
            )
    return choices


def write_choices(path: Path, choices: Mapping[str, int]) -> None:
    """Write a predictions file for the official server, overwriting an existing one."""
    write_json(path, dict(choices))


def score_official(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score choices by accuracy over all annotated questions.

    Predictions for other questions are left out: the set has 5,000, and answers of 500 are public.

    Raises:
        BenchmarkError: a file does not fit, or no prediction is of an annotated question.
    """
    answers, choices = read_choices(annotations), read_choices(predictions)
    known = {q_uid: choice for q_uid, choice in choices.items() if q_uid in answers}
    if not known:
        check_known(choices, answers.keys(), str(predictions))
    others = len(choices) - len(known)
    right = [float(known.get(q_uid) == answer) for q_uid, answer in answers.items()]
    return Score(
        figures=[percent("accuracy", right)],
        rows=len(answers),
        missing=[q_uid for q_uid in answers if q_uid not in known],
        notes=[f"{others} predictions have no public answer; not scored"] if others else [],
    )


def _question(row: Fields) -> EgoQuestion:
    return EgoQuestion(
        q_uid=row.identifier("q_uid"),
        question=plain_text(row.text("question")),
        options=tuple(plain_text(row.text(f"option {index}")) for index in range(OPTIONS)),
    )
