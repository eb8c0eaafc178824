"""Captions of segments: YouCook2 and ActivityNet Captions, which share their prediction format.

Official predictions are `{"version", "results": {VIDEO: [{"sentence", "timestamp": [start, end]}]},
"external_data"}`; streams of narrations are in the format of `streams`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import Fields, parse_rows, read_json_object, write_json
from roma_ros.benchmarks.narrations import score_narrations
from roma_ros.benchmarks.predictions import check_known
from roma_ros.benchmarks.ranking import overlap
from roma_ros.benchmarks.score import (
    Score,
    ScoreFigure,
    ScoreSettings,
    ScoringProtocol,
    mean,
    percent,
)
from roma_ros.benchmarks.streams import Streams

__all__ = [
    "CaptionFile",
    "CaptionedVideo",
    "check_segments",
    "read_captions",
    "score_online",
    "score_roma",
    "score_segments",
    "write_captions",
]

LEAST_OVERLAPS = (0.3, 0.5, 0.7, 0.9)
FIELDS = ("version", "results", "external_data")
THRESHOLD = 0.975  # ROMA's for YouCook2 (paper, appendix A.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionedVideo:
    """Segments of one video.

    Attributes:
        duration: in seconds.
        segments: (start, end) in seconds of the video; an end may be behind the video's.
        sentences: of the segments.
    """

    duration: float
    segments: tuple[tuple[float, float], ...]
    sentences: tuple[str, ...]

    @property
    def cut_segments(self) -> tuple[tuple[float, float], ...]:
        """Segments, cut at the end of the video; a segment behind it keeps its place."""
        return tuple(
            (start, min(end, self.duration)) if start < self.duration else (start, end)
            for start, end in self.segments
        )


Rows: TypeAlias = Mapping[str, CaptionedVideo]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionFile:
    """Official predictions file.

    Attributes:
        version: text of the field of that name.
        results: video -> (start, end, sentence), in the order of the file.
        external_data: as it stands in the file.
    """

    version: str
    results: Mapping[str, tuple[tuple[float, float, str], ...]]
    external_data: Any


def read_captions(path: Path) -> CaptionFile:
    """Return an official predictions file.

    Raises:
        BenchmarkError: a row or field does not fit.
    """
    file = read_json_object(path)
    results = file.object("results")
    rows = [
        Fields({"captions": value}, f"{path}, video {video!r:.60}")
        for video, value in results.value.items()
    ]
    if "external_data" not in file:
        raise file.error("external_data", "an object, as the official scorer does")
    return CaptionFile(
        version=file.text("version"),
        results=dict(zip(results.value, parse_rows(rows, _captions), strict=True)),
        external_data=file.value["external_data"],
    )


def write_captions(path: Path, captions: CaptionFile) -> None:
    """Write a predictions file for the official scorer, overwriting an existing one."""
    results = {
        video: [{"sentence": text, "timestamp": [start, end]} for start, end, text in rows]
        for video, rows in captions.results.items()
    }
    values = (captions.version, results, captions.external_data)
    write_json(path, dict(zip(FIELDS, values, strict=True)))


def score_segments(videos: Rows, predictions: Path) -> Score:
    """Score predicted segments: recall and precision at temporal IoU above 0.3, 0.5, 0.7 and 0.9.

    Both are means over videos. The sentences are not scored: METEOR and CIDEr need the official
    scorer, which takes the same file.

    Raises:
        BenchmarkError: the file does not fit.
    """
    captions = read_captions(predictions)
    missing = check_known(captions.results, videos.keys(), str(predictions))
    figures: list[ScoreFigure] = []
    recalls: list[float] = []
    precisions: list[float] = []
    for least in LEAST_OVERLAPS:
        recall, precision = [], []
        for video, row in videos.items():
            found = captions.results.get(video, ())
            fits = [
                (given, wanted)
                for given, caption in enumerate(found)
                for wanted, segment in enumerate(row.segments)
                if overlap(caption[:2], segment) > least
            ]
            recall.append(len({wanted for _, wanted in fits}) / len(row.segments))
            precision.append(len({given for given, _ in fits}) / len(found) if found else 0.0)
        figures += [
            percent(f"recall, IoU {least:g}", recall),
            percent(f"precision, IoU {least:g}", precision),
        ]
        recalls += recall
        precisions += precision
    figures += [
        ScoreFigure("recall, mean of IoUs", _percentage(recalls), len(videos)),
        ScoreFigure("precision, mean of IoUs", _percentage(precisions), len(videos)),
    ]
    return Score(figures=figures, rows=len(videos), missing=missing, notes=_notes(videos))


def score_roma(videos: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score narrations: the first one in [start, end) of a segment is a hit.

    Raises:
        BenchmarkError: a stream has alerts.
    """
    return _score_times(videos, streams, settings, ScoringProtocol.ROMA)


def score_online(videos: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score narrations by their distance to the ends of segments, one to one.

    Raises:
        BenchmarkError: a stream has alerts.
    """
    return _score_times(videos, streams, settings, ScoringProtocol.ONLINE)


def _score_times(
    videos: Rows, streams: Streams, settings: ScoreSettings, protocol: ScoringProtocol
) -> Score:
    threshold, _ = settings.trigger(THRESHOLD, 1)
    cut = [(row.cut_segments, row.sentences, streams.get(video)) for video, row in videos.items()]
    figures = score_narrations(cut, settings, protocol, threshold)
    used = {"threshold": threshold}
    if protocol is ScoringProtocol.ONLINE:
        used["tolerance"] = settings.tolerance
    return Score(
        figures=figures,
        rows=len(videos),
        notes=_notes(videos),
        settings=used,
    )


def _notes(videos: Rows) -> list[str]:
    behind = sum(end > row.duration for row in videos.values() for _, end in row.segments)
    return [f"{behind} segments end after their video"] if behind else []


def _percentage(values: Sequence[float]) -> float | None:
    average = mean(values)
    return None if average is None else 100 * average


def _captions(row: Fields) -> tuple[tuple[float, float, str], ...]:
    found = []
    for caption in row.objects("captions"):
        start, end = caption.interval("timestamp")
        found.append((start, end, caption.text("sentence")))
    return tuple(found)


def check_segments(row: Fields, video: CaptionedVideo) -> CaptionedVideo:
    """Return the video if it has segments, each with a sentence.

    Raises:
        BenchmarkError: it has none, or another number of sentences.
    """
    if not video.segments:
        raise BenchmarkError(f"{row.place} has no segment; expected at least one")
    if len(video.segments) != len(video.sentences):
        raise BenchmarkError(
            f"{row.place}: there are {len(video.sentences)} sentences; expected "
            f"{len(video.segments)}, one for each segment"
        )
    return video
