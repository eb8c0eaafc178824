"""Predictions of a stream: p(speak) each second, times of alerts, or narrations with times.

A file is JSON Lines, one row a stream: `{"id": ..., "p": [p per second]}`, `{"id": ..., "alerts":
[seconds]}` or `{"id": ..., "generated_outputs": [{"time": s, "text": ...}]}`. `raw_probs`, the name
in ROMA's release, is `p`. `start` (default 0) is the second of the video at which the stream
starts, and so that of the first p; `seconds` is its length, where `p` does not give it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import Fields, parse_rows, read_json_rows, write_json_lines
from roma_ros.benchmarks.predictions import by_identifier
from roma_ros.benchmarks.score import ScoringProtocol
from roma_ros.triggers import AlertTrigger

__all__ = [
    "Stream",
    "Streams",
    "TimedSentence",
    "alarm_runs",
    "alert_seconds",
    "from_second",
    "narration_seconds",
    "normalised",
    "read_streams",
    "response_seconds",
    "series_of",
    "smoothed",
    "trigger_seconds",
    "write_streams",
]


@dataclass(frozen=True, slots=True)
class TimedSentence:
    """One narration.

    Attributes:
        time: seconds from the start of the video.
        text: the sentence.
    """

    time: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Predictions of one stream; exactly one of p, alerts and narrations is not `None`.

    Attributes:
        id: identifier of the annotation row.
        p: p(speak) of every second.
        alerts: times of alerts, in seconds of the video, ascending.
        narrations: in the order of their times.
        start: second of the video at which the stream starts.
        seconds: length of the stream; `None` if it is not known.
    """

    id: str
    p: tuple[float, ...] | None = None
    alerts: tuple[float, ...] | None = None
    narrations: tuple[TimedSentence, ...] | None = None
    start: float = 0
    seconds: float | None = None


Streams: TypeAlias = Mapping[str, Stream]
"""Streams by `id`; rows without a prediction have none."""


def read_streams(path: Path) -> dict[str, Stream]:
    """Return the streams of a predictions file by `id`.

    Raises:
        BenchmarkError: a row or field does not fit, or an `id` stands twice.
    """
    streams = parse_rows(read_json_rows(path), _stream)
    return by_identifier(((stream.id, stream) for stream in streams), str(path))


def write_streams(path: Path, streams: Sequence[Stream]) -> None:
    """Write a predictions file, overwriting an existing one."""
    write_json_lines(path, map(_row, streams))


def smoothed(p: np.ndarray, window: int) -> np.ndarray:
    """Return the mean over seconds [i - window, i + window] at each second i; it looks ahead.

    At the ends, the mean is over the seconds that there are. Means are rounded to 12 decimals, so
    that equal ones are ties whatever the order of their sums.
    """
    sums = np.concatenate([[0.0], np.cumsum(p)])
    index = np.arange(len(p))
    first = np.maximum(index - window, 0)
    behind = np.minimum(index + window + 1, len(p))
    means: np.ndarray = ((sums[behind] - sums[first]) / (behind - first)).round(12)
    return means


def normalised(p: np.ndarray) -> np.ndarray:
    """Return a series scaled to [0, 1] by its own extremes; it looks ahead. All 0 if constant."""
    low, high = float(p.min()), float(p.max())
    return (p - low) / (high - low) if high > low else np.zeros(len(p))


def trigger_seconds(p: Sequence[float], threshold: float, window: int) -> list[int]:
    """Return every second that is the last of `window` seconds in a row at or above `threshold`."""
    run, found = 0, []
    for second, value in enumerate(p):
        run = run + 1 if value >= threshold else 0
        if run >= window:
            found.append(second)
    return found


def alarm_runs(p: Sequence[float], threshold: float, window: int) -> list[tuple[int, int]]:
    """Return the first and last second of every alarm.

    An alarm starts when `AlertTrigger` triggers, once per run at or above the threshold, and ends
    with that run. What comes later has no effect on when it starts.
    """
    trigger = AlertTrigger(threshold, window)
    runs: list[tuple[int, int]] = []
    first: int | None = None
    for second, value in enumerate(p):
        if trigger.update(value, second * 1_000_000_000):
            first = second
        if first is not None and value < threshold:
            runs.append((first, second - 1))
            first = None
    if first is not None:
        runs.append((first, len(p) - 1))
    return runs


def alert_seconds(stream: Stream, threshold: float, window: int) -> list[float]:
    """Return when alerts are raised, in seconds of the video.

    Those of a series of p(speak) are raised at the end of a unit, which is when p is known.

    Raises:
        BenchmarkError: the stream has narrations alone.
    """
    if stream.alerts is not None:
        return list(stream.alerts)
    return [
        stream.start + first + 1 for first, _ in alarm_runs(series_of(stream), threshold, window)
    ]


def response_seconds(stream: Stream, threshold: float, window: int) -> list[float]:
    """Return when ROMA's rules see a response, in seconds of the video.

    Of a series, that is the index of the last second of the window: the start of the unit that
    completes it, a second before the alert is raised. A run gives one response.

    Raises:
        BenchmarkError: the stream has narrations alone.
    """
    if stream.alerts is not None:
        return list(stream.alerts)
    return [stream.start + first for first, _ in alarm_runs(series_of(stream), threshold, window)]


def narration_seconds(stream: Stream, threshold: float, protocol: ScoringProtocol) -> list[float]:
    """Return the times of narrations; of a series, the seconds at or above the threshold.

    By the online protocol, a narration of a series is published at the end of its unit.

    Raises:
        BenchmarkError: the stream has alerts instead.
    """
    if stream.narrations is not None:
        return [narration.time for narration in stream.narrations]
    lag = 1 if protocol is ScoringProtocol.ONLINE else 0
    return [
        stream.start + second + lag
        for second, value in enumerate(series_of(stream))
        if value >= threshold
    ]


def from_second(stream: Stream, second: float) -> Stream:
    """Return what of a stream comes after a time, such as that of the question.

    Only units that start at or after it count.
    """
    first = max(math.ceil(second - stream.start), 0)
    start = max(stream.start, second)
    length = None if stream.seconds is None else max(stream.start + stream.seconds - start, 0)
    if stream.p is not None:
        return replace(stream, p=stream.p[first:], start=stream.start + first, seconds=length)
    if stream.alerts is not None:
        alerts = tuple(time for time in stream.alerts if time >= second)
        return replace(stream, alerts=alerts, start=start, seconds=length)
    return stream


def series_of(stream: Stream) -> tuple[float, ...]:
    """Return p(speak) of a stream.

    Raises:
        BenchmarkError: it has alerts or narrations instead.
    """
    if stream.p is None:
        raise BenchmarkError(f"id {stream.id!r} has no p; expected p(speak) of every second")
    return stream.p


def _stream(row: Fields) -> Stream:
    names = [name for name in ("p", "raw_probs", "alerts", "generated_outputs") if name in row]
    if len(names) != 1:
        found = "none" if not names else " and ".join(names)
        raise BenchmarkError(
            f"{row.place}: of p, raw_probs, alerts and generated_outputs, {found} stands there; "
            "expected one"
        )
    (name,) = names
    identifier = row.identifier("id")
    start = row.seconds("start") if "start" in row else 0
    seconds = row.seconds("seconds") if "seconds" in row else None
    if name == "alerts":
        alerts = tuple(sorted(row.times("alerts")))
        return Stream(id=identifier, alerts=alerts, start=start, seconds=seconds)
    if name == "generated_outputs":
        narrations = [
            TimedSentence(output.seconds("time"), output.text("text"))
            for output in row.objects("generated_outputs")
        ]
        narrations.sort(key=lambda narration: narration.time)
        return Stream(id=identifier, narrations=tuple(narrations), start=start, seconds=seconds)
    p = row.numbers(name)
    for index, value in enumerate(p):
        if not 0 <= value <= 1:
            raise BenchmarkError(
                f"{row.place}: {name}[{index}] is {value!r:.40}; expected a number from 0 to 1"
            )
    if not p:
        raise row.error(name, "p(speak) of at least one second")
    return Stream(id=identifier, p=p, start=start, seconds=len(p))


def _row(stream: Stream) -> dict[str, object]:
    row: dict[str, object] = {"id": stream.id}
    if stream.start:
        row["start"] = stream.start
    if stream.p is not None:
        return {**row, "p": list(stream.p)}
    if stream.seconds is not None:
        row["seconds"] = stream.seconds
    if stream.alerts is not None:
        return {**row, "alerts": list(stream.alerts)}
    outputs = [{"time": one.time, "text": one.text} for one in stream.narrations or ()]
    return {**row, "generated_outputs": outputs}
