"""Official prediction files are written as they were read; all protocols score the small files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roma_ros.benchmarks import (
    captions,
    charades_sta,
    didemo,
    egoschema,
    omnimmi_pa,
    ovo_format,
    qvhighlights,
    streamingbench,
    video_mme,
)
from roma_ros.benchmarks.registry import BENCHMARKS, score
from roma_ros.benchmarks.score import ScoringProtocol
from roma_ros.benchmarks.streams import read_streams, write_streams

from .small import ANNOTATIONS, OFFICIAL, STREAMS, write

Copy = Callable[[Path, Path, Path], Any]


def _streamingbench(source: Path, target: Path, annotations: Path) -> None:
    model, outputs = streamingbench.read_model_outputs(source)
    streamingbench.write_model_outputs(target, annotations, model, outputs)


COPIES: dict[str, Copy] = {
    "qvhighlights": lambda s, t, _: qvhighlights.write_predictions(
        t, list(qvhighlights.read_predictions(s).values())
    ),
    "charades_sta": lambda s, t, _: charades_sta.write_predictions(
        t, list(charades_sta.read_predictions(s).values())
    ),
    "didemo": lambda s, t, _: didemo.write_rankings(t, didemo.read_rankings(s)),
    "omnimmi_pa": lambda s, t, _: omnimmi_pa.write_predictions(
        t, list(omnimmi_pa.read_predictions(s).values())
    ),
    "streamingbench": _streamingbench,
    "ovo_bench": lambda s, t, _: ovo_format.write_answers(t, ovo_format.read_answers(s)),
    "youcook2": lambda s, t, _: captions.write_captions(t, captions.read_captions(s)),
    "activitynet": lambda s, t, _: captions.write_captions(t, captions.read_captions(s)),
    "video_mme": lambda s, t, a: video_mme.write_responses(t, a, video_mme.read_responses(s)),
    "egoschema": lambda s, t, _: egoschema.write_choices(t, egoschema.read_choices(s)),
}


def test_every_benchmark_is_here() -> None:
    assert set(COPIES) == set(BENCHMARKS) == set(ANNOTATIONS) == set(OFFICIAL)


@pytest.mark.parametrize("name", COPIES)
def test_an_official_file_is_written_as_it_was_read(name: str, tmp_path: Path) -> None:
    annotations = write(tmp_path, "annotations", ANNOTATIONS[name])
    source = write(tmp_path, "source", OFFICIAL[name])
    COPIES[name](source, tmp_path / "target", annotations)
    assert (tmp_path / "target").read_text(encoding="utf-8") == OFFICIAL[name]


@pytest.mark.parametrize("name", STREAMS)
def test_streams_are_read_as_they_were_written(name: str, tmp_path: Path) -> None:
    streams = read_streams(write(tmp_path, "source", STREAMS[name]))
    write_streams(tmp_path / "target", list(streams.values()))
    assert read_streams(tmp_path / "target") == streams


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        (name, protocol)
        for name, benchmark in BENCHMARKS.items()
        for protocol in benchmark.protocols
    ],
)
def test_every_protocol_scores_a_small_file(
    name: str, protocol: ScoringProtocol, tmp_path: Path
) -> None:
    official = protocol is ScoringProtocol.OFFICIAL or name == "video_mme"
    predictions = OFFICIAL[name] if official else STREAMS[name]
    result = score(
        name,
        protocol,
        write(tmp_path, "annotations", ANNOTATIONS[name]),
        write(tmp_path, "predictions", predictions),
    )
    assert result.rows > 0
    assert result.figures
    shares = [figure.value for figure in result.figures if figure.unit == "%"]
    assert all(value is None or 0 <= value <= 100 for value in shares)
    assert any(value is not None for value in shares)
    assert set(result.to_json()["figures"]) == {figure.name for figure in result.figures}
