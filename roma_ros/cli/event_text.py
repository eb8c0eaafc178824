"""Events as lines of text."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from roma_ros.cli.text import one_line
from roma_ros.events import (
    Alert,
    Answer,
    Event,
    Fault,
    InstructionWarning,
    Lag,
    Narration,
    StreamStart,
    StreamStarted,
)
from roma_ros.fault_log import is_milestone

__all__ = ["EventLine", "LineKind"]


class LineKind(str, enum.Enum):
    """Kind of an event line; the value is the word that is printed."""

    ALERT = "alert"
    NARRATION = "narration"
    ANSWER = "answer"
    NOTE = "note"
    """About the run itself, such as a lag or a fault."""
    WARNING = "warning"
    """An instruction or question that the model cannot know, see or hear."""


@dataclass(frozen=True, slots=True)
class EventLine:
    """Event as one line of text.

    Attributes:
        seconds: time of the event from the source's beginning, s.
        kind: kind of line.
        watch: id of the watch that it belongs to; empty for none.
        text: the text, without line breaks.
    """

    seconds: float
    kind: LineKind
    watch: str
    text: str

    @classmethod
    def of(cls, event: Event, seconds: float) -> EventLine | None:
        """Return the line for an event; `None` for an event that is not printed.

        Args:
            event: the event.
            seconds: its time from the source's beginning, s.
        """
        if isinstance(event, Alert | Narration):
            kind = LineKind.ALERT if isinstance(event, Alert) else LineKind.NARRATION
            text = one_line(event.text) or one_line(event.instruction)
            return cls(seconds, kind, event.watch, text + _cut(event.finished))
        if isinstance(event, Answer):
            text = f"{one_line(event.question)} → {one_line(event.text) or '(no words)'}"
            return cls(seconds, LineKind.ANSWER, event.watch, text + _cut(event.finished))
        if isinstance(event, InstructionWarning):
            return cls(seconds, LineKind.WARNING, event.watch, one_line(event.message))
        note = _note(event)
        return None if note is None else cls(seconds, LineKind.NOTE, "", note)


def _cut(finished: bool) -> str:
    return "" if finished else " …"


def _note(event: Event) -> str | None:
    if isinstance(event, StreamStarted) and event.reason is not StreamStart.FIRST:
        return "a new stream starts; earlier context is dropped"
    if isinstance(event, Lag):
        lost = f"{event.dropped} units dropped, {event.audio_only} processed without video"
        return f"keeping up again: {lost}" if event.recovered else f"slower than real time: {lost}"
    if isinstance(event, Fault) and is_milestone(event.count):
        times = f" ({event.count} times so far)" if event.count > 1 else ""
        return f"fault during {event.during}{times}: {one_line(event.error)}"
    return None
