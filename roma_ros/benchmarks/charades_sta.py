"""Charades-STA: one window of a video, asked for by a sentence.

Annotations are text, one row a line: `VIDEO START END##sentence`. There is no official format of
predictions; ours is JSON Lines of `{"id": ROW, "windows": [[start, end], ...]}`, best first, where
ROW is the number of the annotation row, from 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from roma_ros.benchmarks.alerts import alert_figures, judge_alerts
from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import (
    Fields,
    parse_rows,
    read_json_rows,
    read_lines,
    short,
    write_json_lines,
)
from roma_ros.benchmarks.predictions import by_identifier, check_known
from roma_ros.benchmarks.ranking import overlap
from roma_ros.benchmarks.score import Score, ScoreFigure, ScoreSettings, percent
from roma_ros.benchmarks.streams import (
    Streams,
    alarm_runs,
    alert_seconds,
    series_of,
    smoothed,
)
from roma_ros.benchmarks.text import plain_text

__all__ = [
    "QuerySentence",
    "WindowAnswer",
    "read_predictions",
    "read_sentences",
    "score_official",
    "score_online",
    "score_roma",
    "write_predictions",
]

LEAST_OVERLAPS = (0.3, 0.5, 0.7)
THRESHOLD, WINDOW = 0.45, 3  # ROMA's (paper, appendix A.3)
_ROW = re.compile(r"(?P<video>\S+)\s+(?P<start>\S+)\s+(?P<end>\S+?)\s*##(?P<sentence>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySentence:
    """One row of the annotations.

    Attributes:
        id: number of the row, from 1.
        video: name of the video.
        window: (start, end) in seconds of the video; the end may be behind the video's.
        sentence: what happens in the window.
    """

    id: str
    video: str
    window: tuple[float, float]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowAnswer:
    """Windows that were predicted for one row, (start, end) in seconds, best first."""

    id: int | str
    windows: tuple[tuple[float, float], ...]


Rows: TypeAlias = Mapping[str, QuerySentence]


def read_sentences(path: Path) -> dict[str, QuerySentence]:
    """Return the rows of an annotation file by `id`.

    Raises:
        BenchmarkError: a row does not fit.
    """
    rows = {}
    for number, (place, line) in enumerate(read_lines(path), start=1):
        rows[str(number)] = _sentence(str(number), place, line)
    return rows


def read_predictions(path: Path) -> dict[str, WindowAnswer]:
    """Return the rows of a predictions file by `id`.

    Raises:
        BenchmarkError: a row or field does not fit, or an `id` stands twice.
    """
    return by_identifier(parse_rows(read_json_rows(path), _prediction), str(path))


def write_predictions(path: Path, predictions: Sequence[WindowAnswer]) -> None:
    """Write a predictions file, overwriting an existing one."""
    write_json_lines(
        path, ({"id": row.id, "windows": [list(w) for w in row.windows]} for row in predictions)
    )


def score_official(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score the first window of every row: recall at temporal IoU of 0.3, 0.5 and 0.7.

    Raises:
        BenchmarkError: a file does not fit.
    """
    sentences, predicted = read_sentences(annotations), read_predictions(predictions)
    missing = check_known(predicted, sentences.keys(), str(predictions))
    shares = []
    for identifier, row in sentences.items():
        windows = predicted[identifier].windows if identifier in predicted else ()
        shares.append(overlap(windows[0], row.window) if windows else 0.0)
    return Score(figures=_recalls(shares), rows=len(sentences), missing=missing)


def score_roma(sentences: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score p(speak) by ROMA's rules: IoU of two sets of seconds.

    One is the seconds whose p, smoothed over [i - window, i + window], is at or above the
    threshold; it looks ahead. The other is the seconds i with start <= i <= end.

    Raises:
        BenchmarkError: a stream has neither p nor alerts.
    """
    threshold, window = settings.trigger(THRESHOLD, WINDOW)
    shares = []
    for identifier, row in sentences.items():
        if identifier not in streams:
            shares.append(0.0)
            continue
        stream = streams[identifier]
        scores = smoothed(np.array(series_of(stream)), window)
        found = {stream.start + int(second) for second in np.flatnonzero(scores >= threshold)}
        start, end = row.window
        wanted = {
            stream.start + second
            for second in range(len(scores))
            if start <= stream.start + second <= end
        }
        union = found | wanted
        shares.append(len(found & wanted) / len(union) if union else 0.0)
    return Score(
        figures=_recalls(shares),
        rows=len(sentences),
        settings={"threshold": threshold, "window": window},
    )


def score_online(sentences: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score alerts without look-ahead, and the units of the first alarm against the window.

    Raises:
        BenchmarkError: a stream has neither p nor alerts.
    """
    threshold, window = settings.trigger(THRESHOLD, WINDOW)
    matches, shares = [], []
    for identifier, row in sentences.items():
        stream = streams.get(identifier)
        alerts = alert_seconds(stream, threshold, window) if stream else []
        matches.append(judge_alerts(alerts, [row.window], stream.seconds if stream else None))
        share = 0.0
        if stream is not None and stream.p is not None:
            runs = alarm_runs(stream.p, threshold, window)
            if runs:
                first, last = runs[0]
                alarm = (stream.start + first, stream.start + last + 1)
                share = overlap(alarm, row.window)
        shares.append(share)
    series = any(stream.p is not None for stream in streams.values())
    return Score(
        figures=[*(_recalls(shares) if series else []), *alert_figures(matches)],
        rows=len(sentences),
        settings={"threshold": threshold, "window": window},
    )


def _recalls(shares: Sequence[float]) -> list[ScoreFigure]:
    return [
        *(
            percent(f"R@1, IoU {least:g}", [float(share >= least) for share in shares])
            for least in LEAST_OVERLAPS
        ),
        percent("mIoU", shares),
    ]


def _sentence(identifier: str, place: str, line: str) -> QuerySentence:
    found = _ROW.fullmatch(line)
    if found is None:
        raise BenchmarkError(f"{place} is {short(line)}; expected VIDEO START END##sentence")
    times = []
    for name in ("start", "end"):
        try:
            value = float(found[name])
        except ValueError:
            value = float("nan")
        if not 0 <= value < float("inf"):
            raise BenchmarkError(
                f"{place}: {name} is {short(found[name])}; expected seconds from 0 on"
            )
        times.append(value)
    if times[0] > times[1]:
        raise BenchmarkError(
            f"{place}: end is {times[1]:g}; expected at least the start, {times[0]:g}"
        )
    return QuerySentence(
        id=identifier,
        video=found["video"],
        window=(times[0], times[1]),
        sentence=plain_text(found["sentence"]),
    )


def _prediction(row: Fields) -> tuple[str, WindowAnswer]:
    identifier = row.identifier("id")
    return identifier, WindowAnswer(id=row.value["id"], windows=row.intervals("windows"))
