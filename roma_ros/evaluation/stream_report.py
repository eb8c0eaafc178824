"""Report of the evaluation on continuous streams, as rows and as JSON. Free of torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from roma_ros.evaluation.metrics import Metric, Target
from roma_ros.evaluation.report import metric_as_dict
from roma_ros.evaluation.stream_metrics import DIFFERENCE, AgedFigure, AgedValue, aged_figures
from roma_ros.evaluation.stream_outcomes import StreamOutcomes
from roma_ros.evaluation.stream_protocol import Age, EvalSection, StreamProtocol
from roma_ros.evaluation.stream_rates import (
    load_metrics,
    quiet_metrics,
    recognition_metrics,
    unknown_metrics,
)

__all__ = ["StreamReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReport:
    """Figures of the sections on continuous streams.

    Attributes:
        protocol: settings of the evaluation.
        continuous: figures by age; those after minute 30 are of the section `long`.
        sections: rows of the other sections.
        outcomes: the outcomes that they were computed from.
    """

    protocol: StreamProtocol
    continuous: tuple[AgedFigure, ...]
    sections: dict[EvalSection, tuple[Metric, ...]]
    outcomes: StreamOutcomes

    @classmethod
    def of(cls, outcomes: StreamOutcomes, protocol: StreamProtocol) -> StreamReport:
        """Score outcomes."""
        triggers = protocol.triggers
        sections: dict[EvalSection, tuple[Metric, ...]] = {
            EvalSection.LONG: tuple(load_metrics(outcomes.loads)),
            EvalSection.QUIET: tuple(quiet_metrics(outcomes, triggers)),
            EvalSection.UNKNOWN: tuple(unknown_metrics(outcomes, triggers)),
        }
        for section in (EvalSection.RECORDINGS, EvalSection.SIGHTS):
            sections[section] = tuple(recognition_metrics(outcomes, section, triggers))
        return cls(
            protocol=protocol,
            continuous=tuple(
                _merged(
                    aged_figures(outcomes, EvalSection.CONTINUOUS, triggers),
                    aged_figures(outcomes, EvalSection.LONG, triggers),
                )
            ),
            sections={section: rows for section, rows in sections.items() if rows},
            outcomes=outcomes,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as it stands in the JSON file: one object a section."""
        found: dict[str, Any] = {"stream_protocol": _settings(self.protocol)}
        if self.continuous:
            found["continuous"] = [_aged(figure) for figure in self.continuous]
        for section in EvalSection:
            if section in self.sections:
                found[section.value] = [metric_as_dict(row) for row in self.sections[section]]
        found["left_out"] = list(self.outcomes.left_out)
        return found


def _merged(continuous: Iterable[AgedFigure], long: Iterable[AgedFigure]) -> list[AgedFigure]:
    """Return figures by age, with those of the long streams where the others do not reach."""
    rows = {figure.name: figure for figure in continuous}
    merged: dict[str, AgedFigure] = {}
    for figure in (*rows.values(), *long):
        ages = dict(merged[figure.name].ages) if figure.name in merged else {}
        for age, value in figure.ages.items():
            ages.setdefault(age, value)
        merged[figure.name] = AgedFigure(
            name=figure.name,
            ages={age: ages[age] for age in Age if age in ages},
            target=figure.target,
            share=figure.share,
        )
    return list(merged.values())


def _aged(figure: AgedFigure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "ages": {age.value: _value(value) for age, value in figure.ages.items()},
        "bar": _bar(figure.target),
        "met": figure.met,
        "continuous_minus_fresh": figure.difference,
        "difference_bar": _bar(DIFFERENCE if figure.share else None),
        "difference_met": figure.difference_met,
    }


def _value(value: AgedValue) -> dict[str, Any]:
    return {
        "value": value.value,
        "interval_95": value.interval,
        "fresh": value.fresh,
        "stands_on": dict(value.counts),
    }


def _bar(target: Target | None) -> dict[str, float] | None:
    if target is None:
        return None
    return {"at_most" if target.at_most else "at_least": target.value}


def _settings(protocol: StreamProtocol) -> dict[str, Any]:
    """Return the settings for JSON; of folders, their names alone."""
    settings = asdict(protocol)
    settings["sections"] = [section.value for section in protocol.sections]
    for name in ("recordings", "footage"):
        folder = getattr(protocol, name)
        settings[name] = None if folder is None else folder.name
    return settings
