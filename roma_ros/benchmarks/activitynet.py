"""ActivityNet Captions: events of a video, with a sentence each; they may overlap.

Annotations are `{VIDEO: {duration, timestamps: [[start, end], ...], sentences: [...]}}`.
"""

from __future__ import annotations

from pathlib import Path

from roma_ros.benchmarks.captions import (
    CaptionedVideo,
    check_segments,
    score_segments,
)
from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import Fields, parse_rows, read_json_object
from roma_ros.benchmarks.score import Score, ScoreSettings
from roma_ros.benchmarks.text import plain_text

__all__ = ["read_videos", "score_official"]


def read_videos(path: Path) -> dict[str, CaptionedVideo]:
    """Return the videos by name.

    Raises:
        BenchmarkError: a row or field does not fit, or there is no video.
    """
    rows = list(read_json_object(path).items("video"))
    if not rows:
        raise BenchmarkError(f"{path} has no video")
    videos = parse_rows((row for _, row in rows), _video)
    return {name: video for (name, _), video in zip(rows, videos, strict=True)}


def score_official(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score predicted segments, see `score_segments`.

    Raises:
        BenchmarkError: a file does not fit.
    """
    return score_segments(read_videos(annotations), predictions)


def _video(row: Fields) -> CaptionedVideo:
    video = CaptionedVideo(
        duration=row.seconds("duration"),
        segments=row.intervals("timestamps"),
        sentences=tuple(map(plain_text, row.texts("sentences"))),
    )
    return check_segments(row, video)
