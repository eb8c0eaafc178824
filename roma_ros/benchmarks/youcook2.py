"""YouCook2: cooking videos whose steps have a segment and a sentence each.

Annotations are `{"database": {VIDEO: {duration, subset, annotations: [{id, segment, sentence}]}}}`.
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


def read_videos(path: Path, settings: ScoreSettings) -> dict[str, CaptionedVideo]:
    """Return the videos of `settings.subset` by name.

    Raises:
        BenchmarkError: a row or field does not fit, or no video is of the subset.
    """
    subset = settings.subset
    rows = list(read_json_object(path).object("database").items("video"))
    subsets = parse_rows((row for _, row in rows), lambda row: row.text("subset"))
    kept = [row for (_, row), name in zip(rows, subsets, strict=True) if name == subset]
    if not kept:
        known = ", ".join(sorted(set(subsets))) or "none"
        raise BenchmarkError(f"{path} has no video of subset {subset!r}; it has {known}")
    names = [name for (name, _), of in zip(rows, subsets, strict=True) if of == subset]
    return dict(zip(names, parse_rows(kept, _video), strict=True))


def score_official(annotations: Path, predictions: Path, settings: ScoreSettings) -> Score:
    """Score predicted segments, see `score_segments`.

    Raises:
        BenchmarkError: a file does not fit.
    """
    return score_segments(read_videos(annotations, settings), predictions)


def _video(row: Fields) -> CaptionedVideo:
    steps = sorted(
        (
            (*step.interval("segment"), plain_text(step.text("sentence")))
            for step in row.objects("annotations")
        ),
        key=lambda step: step[:2],
    )
    video = CaptionedVideo(
        duration=row.seconds("duration"),
        segments=tuple((start, end) for start, end, _ in steps),
        sentences=tuple(sentence for *_, sentence in steps),
    )
    return check_segments(row, video)
