"""Benchmarks by name, with the scorers of their protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from roma_ros.benchmarks import (
    activitynet,
    captions,
    charades_sta,
    didemo,
    egoschema,
    omnimmi_pa,
    ovo_bench,
    ovo_format,
    qvhighlights,
    streamingbench,
    video_mme,
    youcook2,
)
from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import starts_with
from roma_ros.benchmarks.predictions import check_known
from roma_ros.benchmarks.score import Score, ScoreSettings, ScoringProtocol
from roma_ros.benchmarks.streams import Streams, read_streams

__all__ = ["BENCHMARKS", "Benchmark", "read_rows_and_streams", "score", "score_streams"]

FileScorer: TypeAlias = Callable[[Path, Path, ScoreSettings], Score]
StreamScorer: TypeAlias = Callable[[Any, Streams, ScoreSettings], Score]
RowReader: TypeAlias = Callable[[Path, ScoreSettings], Mapping[str, Any]]

OFFICIAL, ROMA, ONLINE = ScoringProtocol


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark.

    Attributes:
        title: name for people.
        files: scorers of predictions in the official format, by protocol.
        streams: scorers of streams, by protocol.
        read_rows: reader of the annotations that streams are scored against.
        official_start: pattern with which a file in the official format starts, where a protocol
            takes streams too.
    """

    title: str
    files: Mapping[ScoringProtocol, FileScorer]
    streams: Mapping[ScoringProtocol, StreamScorer] = field(default_factory=dict)
    read_rows: RowReader | None = None
    official_start: bytes | None = None

    @property
    def protocols(self) -> tuple[ScoringProtocol, ...]:
        """Protocols that it has."""
        return tuple(p for p in ScoringProtocol if p in self.files or p in self.streams)

    def takes_streams(self, protocol: ScoringProtocol, predictions: Path) -> bool:
        """Return whether a predictions file has to be of streams.

        Raises:
            BenchmarkError: the file cannot be read.
        """
        if protocol not in self.streams:
            return False
        if protocol not in self.files or self.official_start is None:
            return True
        return not starts_with(predictions, self.official_start)


def _of_path(read: Callable[[Path], Mapping[str, Any]]) -> RowReader:
    return lambda path, _settings: read(path)


BENCHMARKS: Mapping[str, Benchmark] = {
    "qvhighlights": Benchmark(
        "QVHighlights",
        {OFFICIAL: qvhighlights.score_official},
        {ROMA: qvhighlights.score_roma, ONLINE: qvhighlights.score_online},
        _of_path(qvhighlights.read_moments),
    ),
    "charades_sta": Benchmark(
        "Charades-STA",
        {OFFICIAL: charades_sta.score_official},
        {ROMA: charades_sta.score_roma, ONLINE: charades_sta.score_online},
        _of_path(charades_sta.read_sentences),
    ),
    "didemo": Benchmark(
        "DiDeMo",
        {OFFICIAL: didemo.score_official},
        {ONLINE: didemo.score_online},
        _of_path(didemo.read_descriptions),
    ),
    "omnimmi_pa": Benchmark(
        "OmniMMI, proactive alerts",
        {OFFICIAL: omnimmi_pa.score_official},
        {ROMA: omnimmi_pa.score_roma, ONLINE: omnimmi_pa.score_online},
        _of_path(omnimmi_pa.read_intervals),
    ),
    "streamingbench": Benchmark(
        "StreamingBench",
        {
            OFFICIAL: streamingbench.score_official,
            ROMA: streamingbench.score_official,
            ONLINE: streamingbench.score_strictly,
        },
        {ROMA: streamingbench.score_roma, ONLINE: streamingbench.score_online},
        _of_path(streamingbench.read_due_outputs),
        rb"\[",
    ),
    "ovo_bench": Benchmark(
        "OVO-Bench",
        {
            OFFICIAL: ovo_bench.score_official,
            ROMA: ovo_bench.score_official,
            ONLINE: ovo_bench.score_strictly,
        },
        {ROMA: ovo_bench.score_roma, ONLINE: ovo_bench.score_online},
        _of_path(ovo_format.read_tasks),
        ovo_bench.ANSWERS,
    ),
    "youcook2": Benchmark(
        "YouCook2",
        {OFFICIAL: youcook2.score_official},
        {ROMA: captions.score_roma, ONLINE: captions.score_online},
        youcook2.read_videos,
    ),
    "activitynet": Benchmark(
        "ActivityNet Captions",
        {OFFICIAL: activitynet.score_official},
        {ROMA: captions.score_roma, ONLINE: captions.score_online},
        _of_path(activitynet.read_videos),
    ),
    "video_mme": Benchmark(
        "Video-MME", {OFFICIAL: video_mme.score_official, ONLINE: video_mme.score_online}
    ),
    "egoschema": Benchmark("EgoSchema", {OFFICIAL: egoschema.score_official}),
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
        BenchmarkError: a file does not fit, or the benchmark has no such protocol.
    """
    benchmark = BENCHMARKS[name]
    settings = settings or ScoreSettings()
    if protocol not in benchmark.protocols:
        known = " or ".join(known.value for known in benchmark.protocols)
        raise BenchmarkError(f"{name} has no protocol {protocol.value}; expected {known}")
    if not benchmark.takes_streams(protocol, predictions):
        return benchmark.files[protocol](annotations, predictions, settings)
    rows, streams = read_rows_and_streams(benchmark, annotations, predictions, settings)
    return score_streams(benchmark, protocol, rows, streams, settings, str(predictions))


def read_rows_and_streams(
    benchmark: Benchmark, annotations: Path, predictions: Path, settings: ScoreSettings
) -> tuple[Mapping[str, Any], Streams]:
    """Return annotation rows and streams by identifier.

    Raises:
        BenchmarkError: a file does not fit, or a stream is of no annotation row.
    """
    if benchmark.read_rows is None:
        raise BenchmarkError(f"{benchmark.title} has no protocol for streams")
    rows = benchmark.read_rows(annotations, settings)
    streams = read_streams(predictions)
    check_known(streams, rows.keys(), str(predictions))
    return rows, streams


def score_streams(
    benchmark: Benchmark,
    protocol: ScoringProtocol,
    rows: Mapping[str, Any],
    streams: Streams,
    settings: ScoreSettings,
    source: str,
) -> Score:
    """Return the score of streams.

    Args:
        source: the predictions file, for error messages.

    Raises:
        BenchmarkError: a stream does not have what the protocol needs.
    """
    try:
        result = benchmark.streams[protocol](rows, streams, settings)
    except BenchmarkError as error:
        raise BenchmarkError(f"{source}: {error}") from error
    if result.rows < len(rows):  # tasks without any stream are not scored, nor missing
        return result
    return replace(result, missing=[name for name in rows if name not in streams])
