"""Figures of an evaluation for a model card, read from the JSON file of `roma eval world`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roma_ros.evaluation.stream_protocol import HEADLINE, Age, EvalSection

__all__ = [
    "AGES",
    "CONTINUOUS",
    "SECTIONS",
    "Evaluation",
    "FigureByAge",
    "MeasuredFigure",
    "ModelCardError",
]

CONTINUOUS = EvalSection.CONTINUOUS.value
SECTIONS = tuple(section.value for section in EvalSection)
"""Sections of the file, in the order of the card."""
AGES = tuple(age.value for age in Age)
KIND = re.compile(r"(?:recordings|sights), (?P<kind>.+): (?P<what>event recall|false alarms .+)")


class ModelCardError(ValueError):
    """Raised when an evaluation file cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredFigure:
    """One figure of a section.

    Attributes:
        name: name of the figure, with its unit if it has one.
        value: the figure; `None` without data.
        interval: its 95 % interval; `None` if it has none.
        bar: required value, such as ">= 0.95"; empty for none.
        met: whether the bar is met; `None` without a bar or without data.
        counts: what it stands on: number of events, minutes and so on by name.
    """

    name: str
    value: float | None
    interval: tuple[float, float] | None = None
    bar: str = ""
    met: bool | None = None
    counts: Mapping[str, float] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Kind of sound or sight that it is about; empty for a figure over all."""
        match = KIND.fullmatch(self.name)
        return match["kind"] if match else ""

    @property
    def is_recall(self) -> bool:
        """Whether it is a recall."""
        return self.name.endswith("recall")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureByAge:
    """One figure on continuous streams.

    Attributes:
        name: name of the figure.
        ages: the figure at each of `AGES` that the streams reach.
        fresh: the same of fresh sessions on the same scenes, by age; `None` if not measured.
        bar: required value after minute 5; empty for none.
        met: whether the bar is met; `None` without a bar or without data.
        difference_met: whether the figure is near enough to that of fresh sessions; `None` if that
            is not required, or not known.
    """

    name: str
    ages: Mapping[str, MeasuredFigure]
    fresh: Mapping[str, float | None]
    bar: str = ""
    met: bool | None = None
    difference_met: bool | None = None

    @property
    def headline(self) -> MeasuredFigure | None:
        """The figure after minute 5; `None` if no stream is that old."""
        return self.ages.get(HEADLINE.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Evaluation of a checkpoint.

    Attributes:
        continuous: figures on continuous streams by their age.
        sections: figures of the other sections by name.
        left_out: reasons why a section, or a part of one, was not run.
        hashes: SHA-256 of the weights that were measured, by file name.
        machine: time, commit, CPU and versions.
    """

    continuous: tuple[FigureByAge, ...]
    sections: Mapping[str, tuple[MeasuredFigure, ...]]
    left_out: tuple[str, ...]
    hashes: Mapping[str, str]
    machine: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Evaluation:
        """Read the JSON file of `roma eval world`, also of the form before continuous streams.

        Raises:
            ModelCardError: the file cannot be read or is not of an evaluation.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls._of(values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelCardError(
                f"{path} cannot be read: {error!r}; expected what `roma eval world --out` writes"
            ) from error

    @classmethod
    def _of(cls, values: Mapping[str, Any]) -> Evaluation:
        checkpoint = values["checkpoint"]
        found = {**values}
        if "figures" in values:
            found[EvalSection.TWENTY_SECONDS.value] = values["figures"]
        sections = {}
        for name in SECTIONS:
            rows = found.get(name)
            if name != CONTINUOUS and rows:
                figures = rows["figures"] if isinstance(rows, dict) else rows
                sections[name] = tuple(_figure(row) for row in figures)
        return cls(
            continuous=tuple(_aged(row) for row in values.get(CONTINUOUS, ())),
            sections=sections,
            left_out=tuple(values.get("left_out", ())),
            hashes=dict(checkpoint["sha256"]),
            machine=values["machine"],
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """Sections that the file has not."""
        return tuple(
            name
            for name in SECTIONS
            if not (self.continuous if name == CONTINUOUS else self.sections.get(name))
        )

    def overall(self, section: str) -> tuple[MeasuredFigure, ...]:
        """Return the figures of a section without those of single sounds and sights."""
        return tuple(row for row in self.sections.get(section, ()) if not row.kind)

    def by_kind(
        self, section: str
    ) -> dict[str, tuple[MeasuredFigure | None, MeasuredFigure | None]]:
        """Return recall and false alarms of each kind of sound or sight."""
        rows = [row for row in self.sections.get(section, ()) if row.kind]
        return {
            kind: (
                _first(row for row in rows if row.kind == kind and row.is_recall),
                _first(row for row in rows if row.kind == kind and not row.is_recall),
            )
            for kind in dict.fromkeys(row.kind for row in rows)
        }

    @property
    def below_bar(self) -> tuple[str, ...]:
        """Names of the figures that do not meet their bars."""
        aged = [f"{row.name} ({HEADLINE.value})" for row in self.continuous if row.met is False]
        aged += [
            f"{row.name} (continuous minus fresh)"
            for row in self.continuous
            if row.difference_met is False
        ]
        rest = [row.name for rows in self.sections.values() for row in rows if row.met is False]
        return (*aged, *rest)


def _first(rows: Iterable[MeasuredFigure]) -> MeasuredFigure | None:
    return next(iter(rows), None)


def _figure(row: Mapping[str, Any]) -> MeasuredFigure:
    return MeasuredFigure(
        name=str(row["name"]),
        value=_number(row["value"]),
        interval=_interval(row["interval_95"]),
        bar=_bar(row["bar"]),
        met=None if row["value"] is None else row["met"],
        counts=row["stands_on"],
    )


def _aged(row: Mapping[str, Any]) -> FigureByAge:
    name = str(row["name"])
    return FigureByAge(
        name=name,
        ages={
            age: MeasuredFigure(
                name=name,
                value=_number(value["value"]),
                interval=_interval(value["interval_95"]),
                counts=value["stands_on"],
            )
            for age, value in row["ages"].items()
        },
        fresh={age: _number(value["fresh"]) for age, value in row["ages"].items()},
        bar=_bar(row["bar"]),
        met=row["met"],
        difference_met=row["difference_met"],
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _interval(ends: Sequence[Any] | None) -> tuple[float, float] | None:
    """Return an interval; `None` for none, and for one of NaN, which JSON has as null."""
    if ends is None or None in ends:
        return None
    low, high = ends
    return float(low), float(high)


def _bar(bar: Mapping[str, float] | None) -> str:
    if not bar:
        return ""
    return f"≥ {bar['at_least']:g}" if "at_least" in bar else f"≤ {bar['at_most']:g}"
