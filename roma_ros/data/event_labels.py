"""Labels from the events of a run, to be corrected by hand."""

from __future__ import annotations

from collections.abc import Sequence

from roma_ros.data.own_clips import ClipLabel
from roma_ros.data.text import clean
from roma_ros.events import Alert, Answer, Event, Narration, SpeakProbability

__all__ = ["labels_of_events"]


def labels_of_events(file: str, events: Sequence[tuple[Event, float | None]]) -> list[ClipLabel]:
    """Return labels of the alerts, narrations and answers of a run, in the order of their starts.

    Args:
        file: name of the clip.
        events: events in their order, each with the end of its unit in seconds of the clip. Those
            without a time are left out.
    """
    timed = [(event, seconds) for event, seconds in events if seconds is not None]
    due = {
        (event.watch, seconds): event.p_speak >= event.threshold
        for event, seconds in timed
        if isinstance(event, SpeakProbability)
    }
    labels = []
    reached: dict[str, float] = {}
    for event, seconds in timed:
        if isinstance(event, Alert):
            start, end = _run(due, event.watch, seconds)
            labels.append(
                ClipLabel(
                    file=file, kind="alert", text=clean(event.instruction), start=start, end=end
                )
            )
        elif isinstance(event, Narration) and (text := clean(event.text)):
            start = reached.get(event.watch, 0.0)
            labels.append(
                ClipLabel(file=file, kind="narration", text=text, start=start, end=seconds)
            )
            reached[event.watch] = seconds
        elif isinstance(event, Answer) and (question := clean(event.question)):
            labels.append(
                ClipLabel(
                    file=file,
                    kind="question",
                    text=question,
                    start=seconds,
                    answer=clean(event.text),
                )
            )
    return sorted(labels, key=lambda label: label.start or 0.0)


def _run(due: dict[tuple[str, float], bool], watch: str, seconds: float) -> tuple[float, float]:
    """Return start and end of the units at or above the threshold around an alert's unit."""
    start = end = seconds
    while due.get((watch, start - 1)):
        start -= 1
    while due.get((watch, end + 1)):
        end += 1
    return max(start - 1, 0.0), end
