"""Events as JSON lines."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from roma_ros.events import (
    Alert,
    Answer,
    Event,
    Fault,
    InstructionWarning,
    Lag,
    Narration,
    SpeakProbability,
    StreamStarted,
)

__all__ = ["EventFile"]

NAMES = {
    Alert: "alert",
    Answer: "answer",
    Fault: "fault",
    InstructionWarning: "warning",
    Lag: "lag",
    Narration: "narration",
    SpeakProbability: "speak_probability",
    StreamStarted: "stream_started",
}


class EventFile:
    """A file with one JSON object a line, one line an event, written at once.

    Every object has `event` (its kind), `seconds` (from the source's beginning), `stamp_ns` (the
    sensor clock) and `stream`; the rest is as in `roma_ros.events`. Both times are those of the END
    of the unit that the event belongs to. A number that is none (NaN) is `null`.

    Args:
        path: of the file; one that exists is emptied by the first event.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._begun = False

    def __enter__(self) -> EventFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def take(self, event: Event, seconds: float) -> None:
        """Write an event that happened `seconds` after the source's beginning."""
        if not self._begun:  # a run that cannot start leaves the last one's events alone
            self._file.truncate(0)
            self._begun = True
        fields = {name: _plain(value) for name, value in asdict(event).items()}
        stamp = fields.pop("stamp")
        line = {"event": NAMES[type(event)], "seconds": round(seconds, 9), "stamp_ns": stamp}
        self._file.write(json.dumps(line | fields, ensure_ascii=False, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
