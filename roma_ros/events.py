"""Events that the assistant publishes, in order. Plain data, free of torch and ROS."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = [
    "Alert",
    "Answer",
    "Event",
    "Fault",
    "InstructionWarning",
    "Lag",
    "LagPolicy",
    "Narration",
    "SpeakProbability",
    "StreamStart",
    "StreamStarted",
]


class LagPolicy(str, enum.Enum):
    """Policy for units that wait while the model is slower than the sensors."""

    DROP_OLDEST = "drop_oldest"
    """Drop the units that have waited longest."""

    AUDIO_ONLY = "audio_only"
    """Process units without video while others wait; drop units only if that is too slow too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """Base of all events: the stream, and the time in it.

    Attributes:
        stream: number of the stream, 0 for the first.
        stamp: END of the unit that the event belongs to, ns on the sensor clock.
    """

    stream: int
    stamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakProbability(StreamEvent):
    """p(speak) of one unit, for one watch.

    Attributes:
        unit: index of the unit in its stream.
        watch: id of the watch; empty for a stream without one.
        p_speak: p(speak), in [0, 1].
        threshold: the watch's threshold at this unit; 1 without a watch.
        triggered: whether the watch triggered at this unit.
    """

    unit: int
    watch: str
    p_speak: float
    threshold: float
    triggered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken(StreamEvent):
    """Base of alerts and narrations; `stream`, `stamp` and `unit` are those of the trigger.

    Attributes:
        unit: index of the unit at which the watch triggered.
        watch, instruction: id and instruction of the watch.
        text: the words; empty for an alert of a watch without `reply`.
        p_speak: p(speak) of the unit at which the watch triggered, in [0, 1].
        finished: false if the words were cut: by a newer reply, at `reply_tokens`, or because the
            watch or the stream ended.
    """

    unit: int
    watch: str
    instruction: str
    text: str
    p_speak: float
    finished: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Spoken):
    """Alert of a watch of kind ALERT: the event that it waits for has happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narration(Spoken):
    """Words of a watch of kind NARRATION."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(StreamEvent):
    """Answer to a question; `stamp` and `unit` are those of the last unit before the question.

    Attributes:
        unit: index of the last unit that the answer takes into account.
        watch: id of the watch whose session answered; empty for a stream without one.
        question, text: the question and the answer.
        latency: seconds from the question to the whole answer.
        finished: false if the answer was cut at `answer_tokens`.
        kept: whether question and answer have become part of the session.
    """

    unit: int
    watch: str
    question: str
    text: str
    latency: float
    finished: bool
    kept: bool


class StreamStart(str, enum.Enum):
    """Reason for the start of a stream."""

    FIRST = "first"  # the first unit of all
    SENSORS = "sensors"  # the sensor clock jumped back, or no sensor data came for too long
    RESET = "reset"  # `Assistant.reset` was called


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStarted(StreamEvent):
    """Start of a stream, with new sessions; `stamp` is the end of the stream's first unit.

    Attributes:
        reason: why the stream starts.
    """

    reason: StreamStart


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag(StreamEvent):
    """Begin or end of a lag of the model behind the sensors; `stamp` is the next unit's.

    Attributes:
        policy: what is done with the units that wait.
        dropped: units that were dropped since the last event of this kind.
        audio_only: units that were processed without video since the last event of this kind.
        recovered: true if no unit waits any more; then both counts are those of the whole lag.
    """

    policy: LagPolicy
    dropped: int
    audio_only: int
    recovered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(StreamEvent):
    """An error from which the assistant has recovered.

    `stream` and `stamp` are those of the last unit taken, -1 and 0 before the first.

    Attributes:
        watch: id of the watch that it concerns; empty for the stream as a whole.
        during: what failed: "open", "encode", "step", "speak", "answer".
        error: type and message of the error.
        restarted: whether the watch's session has restarted and lost its context.
        count: faults of this kind so far, this one included.
    """

    watch: str
    during: str
    error: str
    restarted: bool
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionWarning(StreamEvent):
    """Warning on an instruction or question about what the model does not know, see or hear.

    `stream` and `stamp` are those of the last unit taken, -1 and 0 before the first.

    Attributes:
        watch: id of the watch; for a question, of the watch that answers, empty for the oldest.
        text: the instruction or question.
        message: the words that the model does not know, and those that it knows.
    """

    watch: str
    text: str
    message: str


Event = (
    SpeakProbability | Alert | Narration | Answer | StreamStarted | Lag | Fault | InstructionWarning
)
"""Any event."""
