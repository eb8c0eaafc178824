"""DiDeMo: which of the 5-s segments of a 30-s video a description is about, by several annotators.

Segments are counted from 0, and the last one of a span is in it: [1, 2] is 5 s to 15 s. Official
predictions are a JSON array with one ranking per annotation row, in the order of the annotations:
`[[[first, last], ...], ...]`, best first, of the 21 spans of six segments.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from roma_ros.benchmarks.alerts import alert_figures, judge_alerts
from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import Fields, parse_rows, read_json_array, read_json_rows
from roma_ros.benchmarks.predictions import by_identifier
from roma_ros.benchmarks.score import Score, ScoreFigure, ScoreSettings, percent
from roma_ros.benchmarks.streams import Streams, alert_seconds
from roma_ros.benchmarks.text import plain_text

__all__ = [
    "Description",
    "read_descriptions",
    "read_rankings",
    "score_official",
    "score_online",
    "write_rankings",
]

SEGMENT_SECONDS = 5
SEGMENTS = 6
COUNTED = 3  # annotators of a row that agree best with the prediction
THRESHOLD, WINDOW = 0.5, 1

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One row of the annotations.

    Attributes:
        id: `annotation_id`.
        video: name of the file.
        text: the description.
        spans: (first, last) segment by annotator, both in the span.
        segments: number of segments that the video has.
    """

    id: str
    video: str
    text: str
    spans: tuple[Span, ...]
    segments: int

    @property
    def event(self) -> tuple[float, float]:
        """Start and end in seconds of the span that agrees best with all annotators."""
        first, last = max(
            self.spans, key=lambda span: sum(span_overlap(span, other) for other in self.spans)
        )
        return first * SEGMENT_SECONDS, (last + 1) * SEGMENT_SECONDS


def span_overlap(first: Span, second: Span) -> float:
    """Return the segments that two spans share, by those from their start to their end."""
    shared = max(0, min(first[1], second[1]) + 1 - max(first[0], second[0]))
    return shared / (max(first[1], second[1]) + 1 - min(first[0], second[0]))


Rows: TypeAlias = Mapping[str, Description]


def read_descriptions(path: Path) -> dict[str, Description]:
    """Return the rows of an annotation file by `annotation_id`.

    Raises:
        BenchmarkError: a row or field does not fit, or an `annotation_id` stands twice.
    """
    rows = parse_rows(read_json_rows(path), _description)
    return by_identifier(((row.id, row) for row in rows), str(path))


def read_rankings(path: Path) -> list[tuple[Span, ...]]:
    """Return the rankings of a predictions file, in its order.

    Raises:
        BenchmarkError: a row does not fit.
    """
    return parse_rows(
        (Fields({"ranking": value}, place) for place, value in read_json_array(path)), _ranking
    )


def write_rankings(path: Path, rankings: Sequence[Sequence[Span]]) -> None:
    """Write a predictions file for the official scorer, overwriting an existing one."""
    rows = [[list(span) for span in ranking] for ranking in rankings]
    path.write_text(json.dumps(rows) + "\n", encoding="utf-8")


def score_official(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score rankings: Rank@1, Rank@5 and mIoU of the three annotators that agree best.

    Raises:
        BenchmarkError: a file does not fit, or has another number of rows than the annotations.
    """
    descriptions, rankings = read_descriptions(annotations), read_rankings(predictions)
    if len(rankings) != len(descriptions):
        raise BenchmarkError(
            f"{predictions} has {len(rankings):,} rows; expected {len(descriptions):,}, one for "
            "each annotation row, in the same order"
        )
    ranks, shares = [], []
    for row, ranking in zip(descriptions.values(), rankings, strict=True):
        places = {span: place for place, span in enumerate(ranking, start=1)}
        own = sorted(places.get(span, np.inf) for span in row.spans)[:COUNTED]
        ranks.append(float(np.mean(own)))
        overlaps = sorted(span_overlap(ranking[0], span) for span in row.spans) if ranking else [0]
        shares.append(float(np.mean(overlaps[-COUNTED:])))
    return Score(
        figures=[
            *(percent(f"Rank@{k}", [float(rank <= k) for rank in ranks]) for k in (1, 5)),
            percent("mIoU", shares),
        ],
        rows=len(descriptions),
        notes=_empty_note(rankings),
    )


def score_online(descriptions: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score alerts without look-ahead; the event is the span that annotators agree on best.

    Raises:
        BenchmarkError: a stream has neither p nor alerts.
    """
    threshold, window = settings.trigger(THRESHOLD, WINDOW)
    figures: list[ScoreFigure] = alert_figures(
        [
            judge_alerts(
                alert_seconds(streams[row.id], threshold, window) if row.id in streams else [],
                [row.event],
                row.segments * SEGMENT_SECONDS,
            )
            for row in descriptions.values()
        ]
    )
    return Score(
        figures=figures,
        rows=len(descriptions),
        settings={"threshold": threshold, "window": window},
    )


def _empty_note(rankings: Sequence[Sequence[Span]]) -> list[str]:
    empty = sum(not ranking for ranking in rankings)
    return [f"{empty} rankings are empty and count as wrong"] if empty else []


def _description(row: Fields) -> Description:
    segments = row.whole("num_segments", 1, SEGMENTS)
    spans = []
    for index, value in enumerate(row.list("times")):
        inner = Fields({"span": value}, row.place, f"times[{index}]")
        spans.append(_span(inner))
    if len(spans) < COUNTED:
        raise row.error("times", f"the spans of at least {COUNTED} annotators")
    return Description(
        id=row.identifier("annotation_id"),
        video=row.text("video"),
        text=plain_text(row.text("description")),
        spans=tuple(spans),
        segments=segments,
    )


def _ranking(row: Fields) -> tuple[Span, ...]:
    spans = []
    for index, value in enumerate(row.list("ranking")):
        span = _span(Fields({"span": value}, row.place, f"ranking[{index}]"))
        if span in spans:
            raise BenchmarkError(f"{row.place}: {list(span)} stands twice in a ranking")
        spans.append(span)
    return tuple(spans)


def _span(row: Fields) -> Span:
    values = row.wholes("span", 0, SEGMENTS - 1)
    if len(values) != 2 or values[0] > values[1]:
        raise row.error("span", "[first, last] segment, first <= last")
    return values[0], values[1]
