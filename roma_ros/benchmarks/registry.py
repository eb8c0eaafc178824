"""Benchmarks by name, with the scorers of their protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from roma_ros.benchmarks import ovo_bench, qvhighlights
from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.score import Score, ScoreSettings, ScoringProtocol

__all__ = ["BENCHMARKS", "Benchmark", "score"]

Scorer: TypeAlias = Callable[[Path, Path, ScoreSettings], Score]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark.

    Attributes:
        title: name for people.
        scorers: function (annotations, predictions, settings) -> score, by protocol.
    """

    title: str
    scorers: Mapping[ScoringProtocol, Scorer]


BENCHMARKS: Mapping[str, Benchmark] = {
    "qvhighlights": Benchmark(
        "QVHighlights",
        {
            ScoringProtocol.OFFICIAL: qvhighlights.score_official,
            ScoringProtocol.ROMA: qvhighlights.score_roma,
            ScoringProtocol.ONLINE: qvhighlights.score_online,
        },
    ),
    "ovo_bench": Benchmark(
        "OVO-Bench",
        {
            ScoringProtocol.OFFICIAL: ovo_bench.score_official,
            ScoringProtocol.ROMA: ovo_bench.score_roma,
            ScoringProtocol.ONLINE: ovo_bench.score_online,
        },
    ),
}
"""Name on the command line -> benchmark."""


def score(
    name: str,
    protocol: ScoringProtocol,
    annotations: Path,
    predictions: Path,
    settings: ScoreSettings | None = None,
) -> Score:
    """Return the score of a predictions file.

    Args:
        name: key of `BENCHMARKS`.
        protocol: rules to score by.
        annotations: the benchmark's own annotation file.
        predictions: file in the format of the protocol (docs/public_benchmarks.md).
        settings: thresholds and windows; `None`: the defaults.

    Raises:
        BenchmarkError: a file does not fit, a setting is out of range, or the benchmark has no such
            protocol.
    """
    scorers = BENCHMARKS[name].scorers
    if protocol not in scorers:
        known = " or ".join(known.value for known in scorers)
        raise BenchmarkError(f"{name} has no protocol {protocol.value}; expected {known}")
    return scorers[protocol](annotations, predictions, settings or ScoreSettings())
