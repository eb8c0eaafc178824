"""Training example: the units of a stream, with labels of p(speak), replies and questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from roma_ros.training.auxiliary import AuxiliaryTargets
from roma_ros.training.feature_cache import ExtractedUnit
from roma_ros.units import MultimodalUnit

__all__ = ["Exchange", "StreamExample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Question after a unit, on a branch of its own, and its answer.

    Attributes:
        unit: index of the unit after which the question is asked.
        question, answer: texts.
        kept: whether both stay in the stream too, after the unit.
    """

    unit: int
    question: str
    answer: str
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamExample:
    """Stream of U units under one instruction.

    Attributes:
        units: the units, at least one; extracted already, if they come from a `FeatureCache`.
        instruction: instruction in the opening turns; `None` if it is spoken, or there is none.
        speak: label of p(speak) after each unit, `None` where the unit has no loss; empty if no
            unit has one.
        waiting: for each unit, whether the state is waiting (see `state_loss`); used by models
            with a state token for it. May be empty.
        replies: text that is decoded after a unit, by index of the unit; it stays in the stream.
        exchanges: questions on branches, each seeing the units up to its own.
        facts: targets of the auxiliary loss.
        weight: loss weight of units with a positive label; others have 1 (paper, section 3.2.2).
        window: number of units that a session keeps, from 1; `None` keeps all.
        spoken_units: number of first units with a spoken instruction, whose audio is never evicted.

    Raises:
        ValueError: no units, labels of another number, text after a unit that does not exist, or
            a number out of range.
    """

    units: Sequence[MultimodalUnit] | Sequence[ExtractedUnit]
    instruction: str | None = None
    speak: Sequence[bool | None] = ()
    waiting: Sequence[bool] = ()
    replies: Mapping[int, str] = field(default_factory=dict)
    exchanges: Sequence[Exchange] = ()
    facts: AuxiliaryTargets = field(default_factory=AuxiliaryTargets)
    weight: float = 1.0
    window: int | None = None
    spoken_units: int = 0

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
        if self.window is not None and self.window < 1:
            raise ValueError(f"window is {self.window}; expected a number of units from 1, or None")
        if not 0 <= self.spoken_units <= count:
            raise ValueError(
                f"spoken_units is {self.spoken_units}; expected 0 to {count}, the units"
            )
