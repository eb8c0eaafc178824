"""OmniMMI's proactive alerts (PA): one alert in one interval of a video.

Annotations are `{"id", "answer": {"segment": [start, end]}}` in seconds. Official predictions are
JSON Lines of `{"id", "answer": [start, end], "pred": [seconds, ...]}`, or `pred` one number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from roma_ros.benchmarks.alerts import alert_figures, judge_alerts
from roma_ros.benchmarks.files import Fields, parse_rows, read_json_rows, write_json_lines
from roma_ros.benchmarks.predictions import by_identifier, check_known
from roma_ros.benchmarks.ranking import hull_overlap
from roma_ros.benchmarks.score import Score, ScoreSettings, percent
from roma_ros.benchmarks.streams import (
    Streams,
    alert_seconds,
    response_seconds,
)

__all__ = [
    "AlertAnswer",
    "AlertInterval",
    "read_intervals",
    "read_predictions",
    "score_official",
    "score_online",
    "score_roma",
    "write_predictions",
]

THRESHOLD, WINDOW = 0.5, 5  # ROMA's (paper, appendix A.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertInterval:
    """One row of the annotations: where the alert is due, (start, end) in seconds."""

    id: str
    segment: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAnswer:
    """One row of a predictions file.

    Attributes:
        id: as it stands in the file.
        segment: as in the annotations.
        times: of alerts in seconds, the first one first.
        single: whether `pred` is one number.
    """

    id: int | str
    segment: tuple[float, float]
    times: tuple[float, ...]
    single: bool = False


Rows: TypeAlias = Mapping[str, AlertInterval]


def read_intervals(path: Path) -> dict[str, AlertInterval]:
    """Return the rows of an annotation file by `id`.

    Raises:
        BenchmarkError: a row or field does not fit, or an `id` stands twice.
    """
    rows = parse_rows(read_json_rows(path), _interval)
    return by_identifier(((row.id, row) for row in rows), str(path))


def read_predictions(path: Path) -> dict[str, AlertAnswer]:
    """Return the rows of a predictions file by `id`.

    Raises:
        BenchmarkError: a row or field does not fit, or an `id` stands twice.
    """
    return by_identifier(parse_rows(read_json_rows(path), _prediction), str(path))


def write_predictions(path: Path, predictions: Sequence[AlertAnswer]) -> None:
    """Write a predictions file for the official scorer, overwriting an existing one."""
    write_json_lines(
        path,
        (
            {
                "id": row.id,
                "answer": list(row.segment),
                "pred": row.times[0] if row.single else list(row.times),
            }
            for row in predictions
        ),
    )


def score_official(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score times of alerts by the official rules.

    Accuracy: the first alert is in [start, end]. Precision: the share of a row's alerts in it. IoU:
    of the interval from the first alert to the last.

    Raises:
        BenchmarkError: a file does not fit.
    """
    intervals, predicted = read_intervals(annotations), read_predictions(predictions)
    missing = check_known(predicted, intervals.keys(), str(predictions))
    accuracy, precision, shares = [], [], []
    differing = 0
    for identifier, row in intervals.items():
        start, end = row.segment
        answer = predicted.get(identifier)
        times = answer.times if answer else ()
        differing += bool(answer and answer.segment != row.segment)
        inside = [float(start <= time <= end) for time in times]
        accuracy.append(inside[0] if inside else 0.0)
        precision.append(sum(inside) / len(inside) if inside else 0.0)
        shares.append(hull_overlap((times[0], times[-1]), row.segment) if times else 0.0)
    note = f"{differing} rows have another answer than the annotations"
    return Score(
        figures=[
            percent("accuracy", accuracy),
            percent("precision", precision),
            percent("IoU", shares),
        ],
        rows=len(intervals),
        missing=missing,
        notes=[note] if differing else [],
    )


def score_roma(intervals: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score p(speak) by ROMA's rule: the first trigger is in [start, end].

    A trigger is the last of `window` seconds in a row at or above the threshold.

    Raises:
        BenchmarkError: a stream has neither p nor alerts.
    """
    threshold, window = settings.trigger(THRESHOLD, WINDOW)
    right = []
    for identifier, row in intervals.items():
        stream = streams.get(identifier)
        times = response_seconds(stream, threshold, window) if stream else []
        start, end = row.segment
        right.append(float(bool(times) and start <= times[0] <= end))
    return Score(
        figures=[percent("accuracy", right)],
        rows=len(intervals),
        settings={"threshold": threshold, "window": window},
    )


def score_online(intervals: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score all alerts of every stream without look-ahead.

    Raises:
        BenchmarkError: a stream has neither p nor alerts.
    """
    threshold, window = settings.trigger(THRESHOLD, WINDOW)
    matches = []
    for identifier, row in intervals.items():
        stream = streams.get(identifier)
        alerts = alert_seconds(stream, threshold, window) if stream else []
        matches.append(judge_alerts(alerts, [row.segment], stream.seconds if stream else None))
    return Score(
        figures=alert_figures(matches),
        rows=len(intervals),
        settings={"threshold": threshold, "window": window},
    )


def _interval(row: Fields) -> AlertInterval:
    return AlertInterval(id=row.identifier("id"), segment=row.object("answer").interval("segment"))


def _prediction(row: Fields) -> tuple[str, AlertAnswer]:
    identifier = row.identifier("id")
    single = not isinstance(row.value.get("pred"), list)
    answer = AlertAnswer(
        id=row.value["id"],
        segment=row.interval("answer"),
        times=(row.seconds("pred"),) if single else row.times("pred"),
        single=single,
    )
    return identifier, answer
