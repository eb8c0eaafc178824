"""Recorded outcomes on continuous streams. All scores derive from these. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from roma_ros.evaluation.stream_protocol import EvalSection
from roma_ros.world import TimedText

__all__ = [
    "AnswerMode",
    "Session",
    "StreamAlert",
    "StreamAnswer",
    "StreamLoad",
    "StreamNarration",
    "StreamOutcomes",
]

AnswerMode = str
"""How a question was asked: typed, on the `present` or the `window`; `kept`, typed on the present
with an answer that is kept; or `spoken`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Session:
    """Recorded outcome of one session.

    Attributes:
        start: unit of the stream at which it was opened.
        p_speak: float (U,), of the units from `start` on.
        published: narrations: the units of the stream at which the watch triggered, and the text.
    """

    start: int
    p_speak: np.ndarray
    published: tuple[TimedText, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamAlert:
    """Outcome of one alert on one stream.

    Attributes:
        section: section of the evaluation.
        stream: seed or name of the stream; streams are resampled for intervals.
        group: `typed`, `spoken`, `kept` (questions and answers are kept in its session), or the
            kind of a quiet stream.
        kind: modality of the event, or kind of the sound or sight.
        instruction: text of the instruction.
        labels: bool (U,), the units in which the event goes on.
        session: the session that follows the whole stream.
        fresh: a session for each scene; empty if none was run.
        unclear: bool (U,), the units in which it is not clear whether the event goes on; `None`:
            none.
    """

    section: EvalSection
    stream: str
    group: str
    kind: str
    instruction: str
    labels: np.ndarray
    session: Session
    fresh: tuple[Session, ...] = ()
    unclear: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamNarration:
    """Outcome of one narration on one stream.

    Attributes:
        section, stream, group, session, fresh: as in `StreamAlert`.
        due: expected sentences: the unit in which a segment ends, and its sentence.
        cuts: first units of the scenes but the first.
    """

    section: EvalSection
    stream: str
    group: str
    due: tuple[TimedText, ...]
    cuts: tuple[int, ...]
    session: Session
    fresh: tuple[Session, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAnswer:
    """Outcome of one question on one stream.

    Attributes:
        section, stream: as in `StreamAlert`.
        mode: how it was asked.
        unit: unit after which it was asked.
        fresh: whether it was asked in a fresh session.
        kind: kind of the question.
        question, right, got: its text, the expected and the decoded answer.
    """

    section: EvalSection
    stream: str
    mode: AnswerMode
    unit: int
    fresh: bool
    kind: str
    question: str
    right: str
    got: str

    @property
    def correct(self) -> bool:
        """Whether the decoded answer is the expected one."""
        return self.got.strip() == self.right


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamLoad:
    """Step times and memory of one stream.

    Attributes:
        section, stream: as in `StreamAlert`.
        unit_seconds: float (U,), time of each unit in seconds: encoding, and the steps of all
            sessions that follow the whole stream; sentences and answers are not in it.
        cache_bytes: int (U,), KV caches of these sessions after each unit.
        resident_bytes: int (U,), memory of the process after each unit; 0 where unknown.
    """

    section: EvalSection
    stream: str
    unit_seconds: np.ndarray
    cache_bytes: np.ndarray
    resident_bytes: np.ndarray


@dataclass(slots=True)
class StreamOutcomes:
    """Outcomes of all streams, in the order in which they were run.

    Attributes:
        alerts, narrations, answers, loads: the outcomes.
        left_out: reasons why a section or a part of it was not run.
    """

    alerts: list[StreamAlert] = field(default_factory=list)
    narrations: list[StreamNarration] = field(default_factory=list)
    answers: list[StreamAnswer] = field(default_factory=list)
    loads: list[StreamLoad] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, other: StreamOutcomes) -> None:
        """Append the outcomes of other streams."""
        self.alerts += other.alerts
        self.narrations += other.narrations
        self.answers += other.answers
        self.loads += other.loads
        self.left_out += [reason for reason in other.left_out if reason not in self.left_out]
