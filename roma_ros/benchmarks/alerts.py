"""Online scores of alerts: what a user of the alerts would count, without look-ahead.

An alert is raised at the end of a unit. It is right if that unit overlaps the event, so that for an
event from s to e an alert at t is right if s < t and t - 1 < e. An event is found by the first
right alert in it; further ones are repeated. An alert in no event is a false alarm; it is early if
the nearest event is still to come, and late if that is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roma_ros.benchmarks.score import ScoreFigure, percent

__all__ = ["AlertMatch", "alert_figures", "judge_alerts"]

UNIT_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertMatch:
    """Alerts of one stream, compared with its events.

    Attributes:
        events: number of events.
        latencies: of each event that was found, seconds from its start to its first alert.
        repeated: alerts in an event that was found before.
        early, late: false alarms before and after the nearest event.
        others: false alarms of a stream without events.
        first: `right`, `early` or `late` for the first alert; `missed` if there is none.
        seconds: length of the stream; `None` if it is not known.
    """

    events: int
    latencies: tuple[float, ...]
    repeated: int
    early: int
    late: int
    others: int
    first: str
    seconds: float | None

    @property
    def false_alarms(self) -> int:
        """Number of alerts in no event."""
        return self.early + self.late + self.others


def judge_alerts(
    alerts: Sequence[float], events: Sequence[tuple[float, float]], seconds: float | None
) -> AlertMatch:
    """Compare the alerts of one stream with its events.

    Args:
        alerts: times in seconds of the video, ascending.
        events: (start, end) in seconds of the video; they may overlap.
        seconds: length of the stream; `None` if it is not known.
    """
    found: dict[int, float] = {}
    counts = {"early": 0, "late": 0, "other": 0}
    repeated = 0
    first = "missed"
    for time in alerts:
        inside = [index for index, event in enumerate(events) if _overlaps(time, event)]
        new = [index for index in inside if index not in found]
        if new:
            # Of events that overlap, an alert finds the one that ends first.
            index = min(new, key=lambda index: events[index][1])
            found[index] = time - events[index][0]
        repeated += bool(inside and not new)
        kind = "right" if inside else _side(time, events)
        if not inside:
            counts[kind] += 1
        if first == "missed":
            first = kind
    return AlertMatch(
        events=len(events),
        latencies=tuple(found[index] for index in sorted(found)),
        repeated=repeated,
        early=counts["early"],
        late=counts["late"],
        others=counts["other"],
        first=first,
        seconds=seconds,
    )


def alert_figures(matches: Sequence[AlertMatch], prefix: str = "") -> list[ScoreFigure]:
    """Return the online figures of a set of streams.

    Args:
        matches: one per stream; streams without a prediction have no alerts.
        prefix: start of every figure's name, such as `REC `.
    """
    events = sum(match.events for match in matches)
    latencies = [latency for match in matches for latency in match.latencies]
    with_events = [match for match in matches if match.events]
    timed = [match for match in matches if match.seconds]
    minutes = sum(match.seconds or 0 for match in timed) / 60
    alarms = sum(match.false_alarms for match in timed)
    alerts = sum(len(match.latencies) + match.repeated + match.false_alarms for match in matches)

    def rate(name: str, part: int, whole: int) -> ScoreFigure:
        return ScoreFigure(prefix + name, 100 * part / whole if whole else None, whole)

    def first(kind: str) -> ScoreFigure:
        return percent(
            f"{prefix}first alert {kind}" if kind != "missed" else f"{prefix}no alert",
            [float(match.first == kind) for match in with_events],
        )

    false_alarms = sum(match.false_alarms for match in matches)
    found = len(latencies)
    in_all = 2 * found + (events - found) + false_alarms
    return [
        ScoreFigure(f"{prefix}alert F1", 100 * 2 * found / in_all if in_all else None, events),
        rate("event recall", found, events),
        rate("alerts in an event", alerts - false_alarms, alerts),
        *(first(kind) for kind in ("right", "early", "late", "missed")),
        ScoreFigure(
            f"{prefix}repeated alerts", sum(m.repeated for m in matches), len(matches), unit=""
        ),
        ScoreFigure(
            f"{prefix}false alarms per minute",
            alarms / minutes if minutes else None,
            len(timed),
            unit="per minute",
        ),
        *(
            ScoreFigure(
                f"{prefix}latency, {name}",
                float(np.percentile(latencies, share)) if latencies else None,
                len(latencies),
                unit="s",
            )
            for name, share in (("median", 50), ("90th percentile", 90))
        ),
    ]


def _overlaps(time: float, event: tuple[float, float]) -> bool:
    """Return whether the unit that ends at `time` overlaps the event, or holds its only instant."""
    start, end = event
    if start == end:
        return time - UNIT_SECONDS <= start < time
    return start < time and time - UNIT_SECONDS < end


def _side(time: float, events: Sequence[tuple[float, float]]) -> str:
    if not events:
        return "other"
    before = min((start - time for start, _ in events if start >= time), default=np.inf)
    behind = min((time - end for _, end in events if end < time), default=np.inf)
    return "early" if before <= behind else "late"
