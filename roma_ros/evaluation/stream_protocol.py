"""Settings of the evaluation on continuous streams: sections, lengths, ages."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path

from roma_ros.evaluation.errors import EvaluationError
from roma_ros.evaluation.protocol import TriggerSettings

__all__ = ["AGES", "HEADLINE", "Age", "Context", "EvalSection", "StreamProtocol"]


class EvalSection(enum.Enum):
    """Section of the evaluation; the value is its name on the command line and in the JSON."""

    CONTINUOUS = "continuous"
    LONG = "long"
    QUIET = "quiet"
    RECORDINGS = "recordings"
    SIGHTS = "sights"
    UNKNOWN = "unknown"
    TWENTY_SECONDS = "twenty_seconds"


class Age(enum.Enum):
    """Age of a stream; the value is its name, `units` the range."""

    FIRST_MINUTE = "first minute"
    TO_FIVE = "minutes 2 to 5"
    AFTER_FIVE = "after minute 5"
    AFTER_THIRTY = "after minute 30"

    @property
    def units(self) -> range:
        """Units of that age."""
        return AGES[self]


END = 1 << 40  # units; later than any stream's end
AGES = {
    Age.FIRST_MINUTE: range(60),
    Age.TO_FIVE: range(60, 300),
    Age.AFTER_FIVE: range(300, END),
    Age.AFTER_THIRTY: range(1800, END),
}
HEADLINE = Age.AFTER_FIVE
"""Age that the targets are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Context window of all sessions.

    Attributes:
        seconds: length of the window; `None`: what the checkpoint was trained for.
        policy: `evict` or `handover`; `None`: what the checkpoint was trained for.
    """

    seconds: float | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamProtocol:
    """Continuous streams of the test split, and what is watched for on each.

    Args:
        streams: streams of each kind: with alerts and questions, with a narration, with spoken
            questions.
        seconds: length of these, 60 to 3600 s.
        long_seconds: length of the two streams of the section `long`, 180 to 7200 s.
        quiet_seconds: length of each quiet stream, 60 to 7200 s.
        recording_seconds: length of the stream of recordings and of each stream of sights, 60 to
            3600 s.
        alerts: alerts by typed instruction on a stream, 1 to 16.
        spoken_alerts: alerts by spoken instruction on a stream, 0 to 16.
        seed: number of the first stream in the test split.
        context: context window of all sessions.
        triggers: thresholds of the triggers.
        recordings: folder of recorded sounds; `None`: the sections on them are left out.
        footage: folder of real video and audio files; `None`: the sections on them are left out.
        sections: sections to run.

    Raises:
        EvaluationError: a value is out of its range; the message names it.
    """

    streams: int = 5
    seconds: int = 600
    long_seconds: int = 3600
    quiet_seconds: int = 1800
    recording_seconds: int = 600
    alerts: int = 4
    spoken_alerts: int = 2
    seed: int = 0
    context: Context = field(default_factory=Context)
    triggers: TriggerSettings = field(default_factory=TriggerSettings)
    recordings: Path | None = None
    footage: Path | None = None
    sections: tuple[EvalSection, ...] = tuple(EvalSection)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("streams", 1, 10_000),
            ("seconds", 60, 3600),
            ("long_seconds", 180, 7200),
            ("quiet_seconds", 60, 7200),
            ("recording_seconds", 60, 3600),
            ("alerts", 1, 16),
            ("spoken_alerts", 0, 16),
            ("seed", 0, 100_000_000),
        ):
            if not low <= (value := getattr(self, name)) <= high:
                raise EvaluationError(f"{name} is {value}; expected {low} to {high:,}")

    def runs(self, section: EvalSection) -> bool:
        """Return whether a section is to be run."""
        return section in self.sections
