"""One stream as a lesson: what is seen and heard, and all that should be said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from roma_ros.training.auxiliary import AuxiliaryTargets
from roma_ros.units import MultimodalUnit

__all__ = ["Exchange", "StreamExample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question that is asked after a unit, on a branch of its own, and its answer."""

    unit: int
    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamExample:
    """A stream under one instruction.

    Attributes:
        units: what is seen and heard.
        instruction: part of the opening turns; `None` where it is spoken, or there is none.
        speak: for every unit whether now is the time to speak, or `None` to leave it open.
        waiting: for every unit whether what is asked about is near, but it is not yet time;
            only models with a state for that learn it.
        replies: text that is said right after a unit, by its index; it stays in the stream.
        exchanges: questions, each answered from the units up to its own alone.
        facts: what is true of it as a whole.
        weight: of a unit where it is time to speak, against one where it is not
            (paper, section 3.2.2).
    """

    units: Sequence[MultimodalUnit]
    instruction: str | None = None
    speak: Sequence[bool | None] = ()
    waiting: Sequence[bool] = ()
    replies: Mapping[int, str] = field(default_factory=dict)
    exchanges: Sequence[Exchange] = ()
    facts: AuxiliaryTargets = field(default_factory=AuxiliaryTargets)
    weight: float = 1.0

    def __post_init__(self) -> None:
        count = len(self.units)
        if not count:
            raise ValueError("an example has no units; expected at least one")
        if self.speak and len(self.speak) != count:
            raise ValueError(f"{len(self.speak)} speak labels for {count} units; expected as many")
        if self.waiting and len(self.waiting) != count:
            raise ValueError(f"{len(self.waiting)} waiting for {count} units; expected as many")
        asked = [exchange.unit for exchange in self.exchanges]
        if outside := [unit for unit in (*self.replies, *asked) if not 0 <= unit < count]:
            raise ValueError(f"text after units {outside}, but there are {count} units")
