"""Events of a run, for the tests of what reads them."""

from __future__ import annotations

from roma_ros.events import (
    Alert,
    Answer,
    Event,
    Fault,
    Narration,
    SpeakProbability,
    StreamStart,
    StreamStarted,
)
from roma_ros.journal import Header, Record
from roma_ros.watch import Watch, WatchKind

DOOR = Watch(id="door", kind=WatchKind.ALERT, instruction="the <door>", threshold=0.5)
HEADER = Header(source=("clip.mp4",), model="roma_tiny", watches=(DOOR,), versions={}, wall_ns=7)


def at(second: int, kind: type, **fields: object) -> Event:
    event: Event = kind(stream=0, stamp=second * 10**9, **fields)
    return event


def probability(second: int, p_speak: float) -> Event:
    return at(
        second,
        SpeakProbability,
        unit=second - 1,
        watch="door",
        p_speak=p_speak,
        threshold=0.5,
        triggered=p_speak >= 0.5,
    )


SAID: dict[str, object] = {"unit": 0, "watch": "door", "instruction": "the <door>", "p_speak": 0.75}
EVENTS: tuple[tuple[float, Event], ...] = (
    (1.0, at(1, StreamStarted, reason=StreamStart.FIRST)),
    (1.0, probability(1, 0.25)),
    (2.0, probability(2, 0.75)),
    (2.0, at(2, Alert, **SAID, text="")),
    (3.0, at(3, Narration, **{**SAID, "watch": "story"}, text="A dog\nbarks at\x1b[31m us.")),
    (4.0, at(4, Fault, watch="", during="step", error="E: no", restarted=False)),
    (
        3_723.5,
        at(
            3_723,
            Answer,
            unit=9,
            watch="door",
            question="Who?",
            text="Nobody, I think.",
            latency=0.5,
            finished=True,
            kept=False,
        ),
    ),
)
RECORDS = [
    Record(event=event, sequence=number, seconds=seconds)
    for number, (seconds, event) in enumerate(EVENTS, start=1)
]
