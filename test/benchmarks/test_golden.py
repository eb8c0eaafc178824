"""Our scorers on the predictions whose official scores are published: equal at two decimals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roma_ros.benchmarks.ovo_format import read_answers, write_answers
from roma_ros.benchmarks.qvhighlights import read_predictions, write_predictions
from roma_ros.benchmarks.registry import score
from roma_ros.benchmarks.score import ScoringProtocol

OVO_FILES = (
    "FlashVStream_EPM_offline.json",
    "FlashVStream_REC_offline.json",
    "FlashVStream_SSR_CRR_offline.json",
    "GPT_ACR_offline.json",
    "GPT_CRR_offline_1.json",
)


def flat(metrics: dict) -> dict[str, float]:
    """The official metrics of QVHighlights, by our names."""
    found = dict(metrics["brief"])
    for part in ("full", "long", "middle", "short"):
        for kind, values in metrics[part].items():
            for threshold, value in values.items():
                suffix = "" if threshold == "average" else f"@{threshold}"
                found[f"MR-{part}-{kind.removeprefix('MR-')}{suffix}"] = value
    for least in ("Fair", "Good", "VeryGood"):
        for kind, value in metrics[f"HL-min-{least}"].items():
            found[f"HL-min-{least}-{kind.removeprefix('HL-')}"] = value
    return found


@pytest.mark.slow
def test_every_figure_of_qvhighlights_is_the_official_one(real_data: Path) -> None:
    result = score(
        "qvhighlights",
        ScoringProtocol.OFFICIAL,
        real_data / "qvhighlights_val.jsonl",
        real_data / "qvhighlights_sample_preds.jsonl",
    )
    golden = flat(json.loads((real_data / "qvhighlights_sample_metrics.json").read_text()))
    assert len(golden) == 90
    ours = {name: round(result.figure(name).value or 0, 2) for name in golden}
    assert ours == golden
    assert result.missing == []
    assert result.rows == 1550


@pytest.mark.parametrize("name", OVO_FILES)
def test_every_task_of_ovo_bench_has_the_official_score(real_data: Path, name: str) -> None:
    file = real_data / "ovo_results" / name
    result = score("ovo_bench", ScoringProtocol.OFFICIAL, real_data / "ovo_bench.json", file)
    golden = json.loads((real_data / "ovo_results" / "golden.json").read_text())["scores"]
    figures = {task: result.figure(task) for task in golden[name]}
    assert {
        task: [round(figure.value or 0, 2), figure.count] for task, figure in figures.items()
    } == golden[name]
    assert result.missing == []


@pytest.mark.parametrize("name", OVO_FILES)
def test_answers_of_ovo_bench_are_written_as_they_were(
    real_data: Path, tmp_path: Path, name: str
) -> None:
    file = real_data / "ovo_results" / name
    write_answers(tmp_path / name, read_answers(file))
    assert (tmp_path / name).read_text().strip() == file.read_text().strip()


def test_predictions_of_qvhighlights_are_written_as_they_were(
    real_data: Path, tmp_path: Path
) -> None:
    file = real_data / "qvhighlights_sample_preds.jsonl"
    write_predictions(tmp_path / "out.jsonl", list(read_predictions(file).values()))
    assert (tmp_path / "out.jsonl").read_text().strip() == file.read_text().strip()
