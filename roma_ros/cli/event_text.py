"""Events that are worth a line of text."""

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
    """What sort of line it is; the value is how it is called."""

    ALERT = "alert"
    NARRATION = "narration"
    ANSWER = "answer"
    NOTE = "note"
    """Something about the run itself, such as a lag."""
    WARNING = "warning"
    """What the model cannot know of an instruction or question."""


@dataclass(frozen=True, slots=True)
class EventLine:
    """One line about something that happened.

    Attributes:
        seconds: when, from the source's beginning.
        kind: what sort of line.
        watch: id of the watch it belongs to; empty for none.
        text: one line.
    """

    seconds: float
    kind: LineKind
    watch: str
    text: str

    @classmethod
    def of(cls, event: Event, seconds: float) -> EventLine | None:
        """The line for an event; `None` if it is not worth one."""
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
        return "a new stream begins; what was before is forgotten"
    if isinstance(event, Lag):
        lost = f"units skipped: {event.dropped}, heard without video: {event.audio_only}"
        return f"keeping up again: {lost}" if event.recovered else f"slower than real time: {lost}"
    if isinstance(event, Fault) and is_milestone(event.count):
        times = f" ({event.count} times so far)" if event.count > 1 else ""
        return f"fault while trying to {event.during}{times}: {one_line(event.error)}"
    return None
