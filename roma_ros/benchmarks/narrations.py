"""Scores of the times of narrations: ROMA's rule, and a tolerance around each segment's end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from roma_ros.benchmarks.bertscore import bert_scores
from roma_ros.benchmarks.score import ScoreFigure, ScoreSettings, ScoringProtocol, mean
from roma_ros.benchmarks.streams import Stream, narration_seconds

__all__ = [
    "NarrationMatch",
    "judge_at_ends",
    "judge_in_segments",
    "narration_figures",
    "score_narrations",
]

Segments: TypeAlias = "Sequence[tuple[float, float]]"
"""(start, end) in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrationMatch:
    """Narrations of one stream, compared with its segments.

    Attributes:
        segments: number of segments.
        published: number of narrations.
        pairs: (segment, narration) indices that belong together.
        delays: of each pair, seconds from the end of the segment to the narration.
    """

    segments: int
    published: int
    pairs: tuple[tuple[int, int], ...]
    delays: tuple[float, ...]


def score_narrations(
    rows: Sequence[tuple[Segments, Sequence[str], Stream | None]],
    settings: ScoreSettings,
    protocol: ScoringProtocol,
    threshold: float,
    prefix: str = "",
) -> list[ScoreFigure]:
    """Return the figures of streams of narrations, or of series of p(speak).

    Args:
        rows: segments, their sentences, and the stream; `None` where there is none.
        settings: tolerance of the online protocol, and the model of BERTScore.
        protocol: `ROMA` or `ONLINE`.
        threshold: p(speak) at or above which a narration is published.
        prefix: start of every figure's name, such as `SSR `.

    Raises:
        BenchmarkError: a stream has alerts, or BERTScore cannot be computed.
    """
    matches: list[NarrationMatch] = []
    pairs: list[tuple[str, str]] = []
    for segments, sentences, stream in rows:
        times = narration_seconds(stream, threshold, protocol) if stream else []
        match = (
            judge_at_ends(times, segments, settings.tolerance)
            if protocol is ScoringProtocol.ONLINE
            else judge_in_segments(times, segments)
        )
        matches.append(match)
        if stream is not None and stream.narrations is not None:
            pairs += [
                (stream.narrations[narration].text, sentences[segment])
                for segment, narration in match.pairs
            ]
    figures = narration_figures(matches, prefix)
    if settings.bertscore is not None:
        average = mean(bert_scores(pairs, settings.bertscore))
        figures.append(ScoreFigure(f"{prefix}BERTScore F1", average, len(pairs), unit=""))
    return figures


def judge_in_segments(
    times: Sequence[float], segments: Sequence[tuple[float, float]]
) -> NarrationMatch:
    """Match by ROMA's rule: the first narration in [start, end) of a segment is a hit.

    All other narrations are false. The end is not in the segment, so that of two segments that meet
    only the second has a narration at that time.

    Args:
        times: of the narrations, ascending.
        segments: (start, end) in seconds.
    """
    pairs = []
    for segment, (start, end) in enumerate(segments):
        inside = [index for index, time in enumerate(times) if start <= time < end]
        if inside:
            pairs.append((segment, inside[0]))
    return _match(times, segments, pairs)


def judge_at_ends(
    times: Sequence[float], segments: Sequence[tuple[float, float]], tolerance: float
) -> NarrationMatch:
    """Match segments and narrations one to one: at most `tolerance` seconds from the segment's end.

    The number of pairs is the largest possible.

    Args:
        times: of the narrations, ascending.
        segments: (start, end) in seconds.
        tolerance: largest distance, either way.
    """
    pairs = []
    position = 0
    for segment in sorted(range(len(segments)), key=lambda index: segments[index][1]):
        end = segments[segment][1]
        while position < len(times) and times[position] < end - tolerance:
            position += 1
        if position < len(times) and times[position] <= end + tolerance:
            pairs.append((segment, position))
            position += 1
    return _match(times, segments, pairs)


def narration_figures(matches: Sequence[NarrationMatch], prefix: str = "") -> list[ScoreFigure]:
    """Return F1, precision and recall over all segments and narrations of a set (micro average).

    Args:
        matches: one per stream.
        prefix: start of every figure's name, such as `SSR `.
    """
    segments = sum(match.segments for match in matches)
    published = sum(match.published for match in matches)
    found = sum(len(match.pairs) for match in matches)
    used = sum(len({narration for _, narration in match.pairs}) for match in matches)
    wrong = (published - used) + (segments - found)
    delays = [delay for match in matches for delay in match.delays]

    def rate(name: str, part: float, whole: float, count: int) -> ScoreFigure:
        return ScoreFigure(prefix + name, 100 * part / whole if whole else None, count)

    return [
        rate("F1", 2 * found, 2 * found + wrong, segments),
        rate("precision", found, found + published - used, published),
        rate("recall", found, segments, segments),
        ScoreFigure(
            f"{prefix}narrations per segment", _ratio(published, segments), segments, unit=""
        ),
        ScoreFigure(f"{prefix}delay, mean", mean(delays), len(delays), unit="s"),
        ScoreFigure(
            f"{prefix}delay, 90th percentile",
            float(np.percentile(delays, 90)) if delays else None,
            len(delays),
            unit="s",
        ),
    ]


def _match(
    times: Sequence[float],
    segments: Sequence[tuple[float, float]],
    pairs: list[tuple[int, int]],
) -> NarrationMatch:
    return NarrationMatch(
        segments=len(segments),
        published=len(times),
        pairs=tuple(pairs),
        delays=tuple(times[narration] - segments[segment][1] for segment, narration in pairs),
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
