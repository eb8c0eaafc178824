"""QVHighlights: moments and highlights of 150-s clips, asked for by a sentence.

Windows are in seconds of the clip, whose own start inside the YouTube video is in its name. Clips
of saliency are two seconds long; p(speak) has one value a second.
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
    write_json_lines,
)
from roma_ros.benchmarks.predictions import by_identifier, check_known
from roma_ros.benchmarks.ranking import (
    detection_average_precision,
    mean_precision_of_steps,
    overlap,
    step_average_precision,
)
from roma_ros.benchmarks.score import Score, ScoreFigure, ScoreSettings, percent
from roma_ros.benchmarks.streams import (
    Streams,
    alert_seconds,
    normalised,
    series_of,
    smoothed,
)
from roma_ros.benchmarks.text import plain_text

__all__ = [
    "MomentAnswer",
    "QueryMoment",
    "read_moments",
    "read_predictions",
    "score_official",
    "score_online",
    "score_roma",
    "write_predictions",
]

CLIP_SECONDS = 2
RATERS = 3
MAX_WINDOWS = 10  # of a prediction; the official scorer ignores those behind them
THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
LENGTHS = {"short": (0, 10), "middle": (10, 30), "long": (30, 150)}
"""Lengths of windows in seconds, without the lower and with the upper bound."""
WINDOW = 5  # ROMA's (paper, appendix A.3)
THRESHOLD = 0.5
RATINGS = {"Fair": 2, "Good": 3, "VeryGood": 4}
"""Least rating of a clip that counts as a highlight."""
_NAME = re.compile(r"(?P<video>.+)_(?P<start>\d+(?:\.\d+)?)_(?P<end>\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryMoment:
    """One row of the annotations.

    Attributes:
        qid: identifier of the query.
        query: the sentence.
        vid: name of the clip, `YOUTUBEID_START_END`.
        duration: length of the clip in seconds.
        windows: where the sentence holds, in seconds of the clip.
        clips: indices of the two-second clips that were rated.
        ratings: of each of these clips, the ratings of three raters, 0 to 4.
    """

    qid: str
    query: str
    vid: str
    duration: float
    windows: tuple[tuple[float, float], ...]
    clips: tuple[int, ...]
    ratings: tuple[tuple[int, ...], ...]

    @property
    def span(self) -> tuple[str, float, float]:
        """YouTube video, and where the clip starts and ends in it, in seconds."""
        found = _NAME.fullmatch(self.vid)
        if found is None:
            raise BenchmarkError(f"vid is {self.vid!r}; expected YOUTUBEID_START_END")
        return found["video"], float(found["start"]), float(found["end"])


Rows: TypeAlias = Mapping[str, QueryMoment]


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentAnswer:
    """One row of a predictions file.

    Attributes:
        qid: identifier of the query, as it stands in the file.
        query, vid: as in the annotations.
        windows: (start, end, score), best first.
        saliency: score of each two-second clip; `None` if the row has none.
    """

    qid: int | str
    query: str
    vid: str
    windows: tuple[tuple[float, float, float], ...]
    saliency: tuple[float, ...] | None


def read_moments(path: Path) -> dict[str, QueryMoment]:
    """Return the rows of an annotation file by `qid`.

    Raises:
        BenchmarkError: a row or field does not fit, or a `qid` stands twice.
    """
    rows = parse_rows(read_json_rows(path), _moment)
    return by_identifier(((row.qid, row) for row in rows), str(path))


def read_predictions(path: Path) -> dict[str, MomentAnswer]:
    """Return the rows of a predictions file by `qid`.

    Raises:
        BenchmarkError: a row or field does not fit, or a `qid` stands twice.
    """
    rows = parse_rows(read_json_rows(path), _prediction)
    return by_identifier(rows, str(path))


def write_predictions(path: Path, predictions: Sequence[MomentAnswer]) -> None:
    """Write a predictions file for the official scorer, overwriting an existing one."""
    write_json_lines(path, map(_row, predictions))


def score_official(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score predicted windows and saliencies by the official rules.

    Raises:
        BenchmarkError: a file does not fit.
    """
    moments, predicted = read_moments(annotations), read_predictions(predictions)
    missing = check_known(predicted, moments.keys(), str(predictions))
    windows = {qid: row.windows[:MAX_WINDOWS] for qid, row in predicted.items()}
    figures = []
    for name, (low, high) in {"full": (0, 0), **LENGTHS}.items():
        kept = {
            qid: moment.windows
            if name == "full"
            else tuple(w for w in moment.windows if low < w[1] - w[0] <= high)
            for qid, moment in moments.items()
        }
        figures += _retrieval(name, {q: truth for q, truth in kept.items() if truth}, windows)
    saliency = {qid: row.saliency for qid, row in predicted.items() if row.saliency is not None}
    if saliency:
        for name, least in RATINGS.items():
            figures += _highlights(f"HL-min-{name}", moments, saliency, least)
    notes = [] if saliency else ["no row has pred_saliency_scores: highlights are not scored"]
    return Score(figures=figures, rows=len(moments), missing=missing, notes=notes)


def score_roma(moments: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score p(speak) by ROMA's rules: average precision and HIT@1 of seconds, per video.

    Second i is positive if a window has start <= i <= end. Scores are scaled by the extremes of the
    video and smoothed over [i - window, i + window]; both look ahead.

    Raises:
        BenchmarkError: a stream has no p.
    """
    _, window = settings.trigger(THRESHOLD, WINDOW)
    precisions, hits, skipped = [], [], 0
    for qid, moment in moments.items():
        if qid not in streams:
            precisions.append(0.0)
            hits.append(0.0)
            continue
        p = np.array(series_of(streams[qid]))
        labels = _seconds(moment, streams[qid].start, len(p))
        if not labels.any():
            skipped += 1
            continue
        scores = smoothed(normalised(p), window)
        precisions.append(step_average_precision(labels, scores))
        hits.append(float(labels[int(scores.argmax())]))
    return Score(
        figures=[percent("mAP", precisions), percent("HIT@1", hits)],
        rows=len(moments),
        notes=[f"{skipped} streams have no second of a window; not scored"] if skipped else [],
        settings={"window": window},
    )


def score_online(moments: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score alerts without look-ahead: one threshold for the set, p(speak) as it came.

    AP is over the seconds of all videos together, so that a score has to mean the same in each.

    Raises:
        BenchmarkError: a stream has neither p nor alerts.
    """
    threshold, window = settings.trigger(THRESHOLD, 1)
    outcomes, labels, scores = [], [], []
    for qid, moment in moments.items():
        stream = streams.get(qid)
        alerts = alert_seconds(stream, threshold, window) if stream else []
        outcomes.append(judge_alerts(alerts, moment.windows, moment.duration))
        if stream is not None and stream.p is not None:
            labels.append(_seconds(moment, stream.start, len(stream.p)))
            scores.append(np.array(stream.p))
    figures = alert_figures(outcomes)
    if labels and (all_labels := np.concatenate(labels)).any():
        value = step_average_precision(all_labels, np.concatenate(scores))
        figures.append(ScoreFigure("AP of all seconds", 100 * value, len(all_labels)))
    return Score(
        figures=figures,
        rows=len(moments),
        settings={"threshold": threshold, "window": window},
    )


def _seconds(moment: QueryMoment, start: float, count: int) -> np.ndarray:
    """Return the seconds in a closed window: bool (count,), from `start` on."""
    seconds = start + np.arange(count)
    inside = np.zeros(count, bool)
    for first, last in moment.windows:
        inside |= (first <= seconds) & (seconds <= last)
    return inside


def _retrieval(
    name: str,
    annotated: dict[str, tuple[tuple[float, float], ...]],
    predicted: dict[str, tuple[tuple[float, float, float], ...]],
) -> list[ScoreFigure]:
    """Return mAP and R1 of the windows; a query without a prediction counts as 0."""
    precisions = np.zeros((len(annotated), len(THRESHOLDS)))
    best = np.zeros(len(annotated))
    for row, (qid, truth) in enumerate(annotated.items()):
        if windows := predicted.get(qid, ()):
            precisions[row] = detection_average_precision(windows, truth, THRESHOLDS)
            best[row] = max(overlap(windows[0][:2], window) for window in truth)
    count = len(annotated)

    def figure(suffix: str, values: np.ndarray) -> ScoreFigure:
        return ScoreFigure(
            f"MR-{name}-{suffix}", 100 * float(values.mean()) if count else None, count
        )

    return [
        figure("mAP", precisions),
        *(
            figure(f"mAP@{threshold:g}", precisions[:, column])
            for column, threshold in enumerate(THRESHOLDS)
        ),
        *(figure(f"R1@{threshold:g}", best >= threshold) for threshold in THRESHOLDS),
    ]


def _highlights(
    name: str, moments: dict[str, QueryMoment], saliency: dict[str, tuple[float, ...]], least: int
) -> list[ScoreFigure]:
    """Return mAP, a mean over queries and raters, and Hit1: the top clip suits any rater."""
    precisions, hits = [], []
    for qid, moment in moments.items():
        labels = np.zeros((int(moment.duration / CLIP_SECONDS), RATERS), bool)
        for clip, ratings in zip(moment.clips, moment.ratings, strict=True):
            labels[clip] = np.array(ratings) >= least
        scores = np.array(saliency.get(qid, ()), float)
        if not len(scores):
            precisions += [0.0] * RATERS
            hits.append(0.0)
            continue
        top = int(scores.argmax())
        hits.append(float(top < len(labels) and labels[top].any()))
        fitted = np.zeros(len(labels))  # clips beyond the prediction have score 0
        fitted[: len(scores)] = scores[: len(labels)]
        precisions += [mean_precision_of_steps(rater, fitted) for rater in labels.T]
    return [percent(f"{name}-mAP", precisions), percent(f"{name}-Hit1", hits)]


def _moment(row: Fields) -> QueryMoment:
    duration = row.seconds("duration")
    clips = row.wholes("relevant_clip_ids", 0, max(int(duration / CLIP_SECONDS) - 1, 0))
    ratings = row.list("saliency_scores")
    if len(ratings) != len(clips):
        raise BenchmarkError(
            f"{row.place}: saliency_scores has {len(ratings)} entries; expected {len(clips)}, one "
            "for each of relevant_clip_ids"
        )
    for index, scores in enumerate(ratings):
        if not (
            isinstance(scores, list)
            and len(scores) == RATERS
            and all(type(score) is int and 0 <= score <= 4 for score in scores)
        ):
            raise BenchmarkError(
                f"{row.place}: saliency_scores[{index}] is {scores!r:.60}; expected three ratings "
                "of 0 to 4"
            )
    windows = row.intervals("relevant_windows")
    if not windows:
        raise row.error("relevant_windows", "at least one window; the test split has none")
    moment = QueryMoment(
        qid=row.identifier("qid"),
        query=plain_text(row.text("query")),
        vid=row.text("vid"),
        duration=duration,
        windows=windows,
        clips=clips,
        ratings=tuple(map(tuple, ratings)),
    )
    if _NAME.fullmatch(moment.vid) is None:
        raise row.error("vid", "YOUTUBEID_START_END")
    return moment


def _prediction(row: Fields) -> tuple[str, MomentAnswer]:
    windows = []
    for index, window in enumerate(row.list("pred_relevant_windows")):
        inner = Fields({"window": window}, row.place, f"pred_relevant_windows[{index}]")
        values = inner.numbers("window")
        if len(values) != 3:
            raise inner.error("window", "[start, end, score]")
        windows.append((values[0], values[1], values[2]))
    saliency = row.numbers("pred_saliency_scores") if "pred_saliency_scores" in row else None
    prediction = MomentAnswer(
        qid=row.value["qid"] if "qid" in row else "",
        query=row.optional_text("query") or "",
        vid=row.optional_text("vid") or "",
        windows=tuple(windows),
        saliency=saliency,
    )
    return row.identifier("qid"), prediction


def _row(prediction: MomentAnswer) -> dict[str, object]:
    row: dict[str, object] = {
        "qid": prediction.qid,
        "query": prediction.query,
        "vid": prediction.vid,
        "pred_relevant_windows": [list(window) for window in prediction.windows],
    }
    if prediction.saliency is not None:
        row["pred_saliency_scores"] = list(prediction.saliency)
    return row
