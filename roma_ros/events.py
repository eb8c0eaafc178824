"""What the assistant tells its owner, in the order in which it happened."""

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
    """What to do while the model is slower than the sensors."""

    DROP_OLDEST = "drop_oldest"
    """Skip the units that have waited longest."""

    AUDIO_ONLY = "audio_only"
    """Hear units without their video while others wait; skip only if that is still too slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """Where in which stream something happened.

    Attributes:
        stream: number of the stream, 0 for the first.
        stamp: END of the unit that it belongs to, ns on the sensor clock.
    """

    stream: int
    stamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakProbability(StreamEvent):
    """p(speak) of one unit, for one watch.

    Attributes:
        unit: index of the unit in its stream.
        watch: id of the watch; empty for a stream without one.
        p_speak: in [0, 1].
        threshold: the watch's, when the unit was judged; 1 without a watch.
        triggered: whether this unit made the watch speak up.
    """

    unit: int
    watch: str
    p_speak: float
    threshold: float
    triggered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken(StreamEvent):
    """A watch has spoken up; `stream`, `stamp` and `unit` are those of the unit that triggered.

    Attributes:
        unit: index of the unit that triggered.
        watch, instruction: the watch's.
        text: the words; empty for an alert that was asked for none.
        p_speak: of the unit that triggered, in [0, 1].
        finished: false if the words were cut short: by a newer reply, by the longest length a
            reply may have, or because the watch or the stream ended.
    """

    unit: int
    watch: str
    instruction: str
    text: str
    p_speak: float
    finished: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Spoken):
    """What a watch of kind ALERT waits for has happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narration(Spoken):
    """What a watch of kind NARRATION says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(StreamEvent):
    """A question's answer; `stamp` and `unit` are those of the last unit that it knows.

    Attributes:
        unit: index of the last unit that the answer knows.
        watch: id of the watch whose session answered; empty for a stream without one.
        question, text: in words.
        latency: seconds from the question to the whole answer.
        finished: false if the answer was cut at its longest length.
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
    """Why a stream starts."""

    FIRST = "first"  # the first unit of all
    SENSORS = "sensors"  # the sensors' clock jumped back, or they were silent for too long
    RESET = "reset"  # the owner asked for it


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStarted(StreamEvent):
    """All sessions have started again; `stamp` is the end of the new stream's first unit."""

    reason: StreamStart


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag(StreamEvent):
    """The model is slower than the sensors, or is no longer; `stamp` is the unit's heard next.

    Attributes:
        policy: what is done about it.
        dropped: units that were not heard at all, since the last event of this kind.
        audio_only: units that were heard without their video, since the last event of this kind.
        recovered: true if no unit waits any more; then both counts are those of the whole lag.
    """

    policy: LagPolicy
    dropped: int
    audio_only: int
    recovered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(StreamEvent):
    """Something went wrong, was mended, and the assistant goes on.

    `stream` and `stamp` are those of the last unit taken, -1 and 0 before the first.

    Attributes:
        watch: id of the watch that it concerns; empty for the stream as a whole.
        during: what was being done: "open", "encode", "hear", "speak", "answer".
        error: what went wrong, in words.
        restarted: whether the watch's session has lost its memory by it and starts again.
        count: faults of this kind so far, this one included.
    """

    watch: str
    during: str
    error: str
    restarted: bool
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionWarning(StreamEvent):
    """The model cannot know, or cannot see or hear, what an instruction or a question speaks of.

    `stream` and `stamp` are those of the last unit taken, -1 and 0 before the first.

    Attributes:
        watch: id of the watch; for a question, of the watch it was put to, empty for the oldest.
        text: the instruction or question.
        message: what it cannot, and what it can.
    """

    watch: str
    text: str
    message: str


Event = (
    SpeakProbability | Alert | Narration | Answer | StreamStarted | Lag | Fault | InstructionWarning
)
