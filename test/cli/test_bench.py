"""`roma bench`, and what `roma plan --measured` makes of its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roma_ros.cli import main

QUICK = ["--device", "cpu", "--units", "2", "--context-seconds", "2"]


@pytest.mark.slow
def test_a_measurement_is_printed_written_and_set_beside_its_prediction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tiny.json"
    assert main(["bench", *QUICK, "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "real-time factor" in printed
    assert "one token" in printed
    record = json.loads(out.read_text())
    assert record["settings"]["model"] == "roma_tiny"
    assert record["speed"]["total"]["p50"] > 0
    assert record["machine"]["name"]

    assert main(["plan", "--measured", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert record["machine"]["name"][:20] in printed
    weights = next(line for line in printed.splitlines() if "weights, MB" in line)
    cache = next(line for line in printed.splitlines() if "KV cache per watch" in line)
    assert weights.split("│")[-2].strip() in {"1.00", "1.05"}  # its fixed tables are measured too
    assert cache.split("│")[-2].strip() == "1.00"


@pytest.mark.slow
def test_sizes_alone_can_be_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "random.json"
    arguments = ["--model-config", "roma_tiny", "--pixels", "65536"]
    assert main(["bench", *QUICK, *arguments, "--quantization", "nf4", "--json", str(out)]) == 0
    record = json.loads(out.read_text())
    assert record["settings"]["random_weights"]
    assert record["settings"]["video_tokens"] == 72  # 1280x720 within 65,536 pixels
    assert record["settings"]["quantization"] == "nf4"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--units", "0"], "--units is 0"),
        (["--context-seconds", "99999"], "--context-seconds is 99999"),
        (["--model-config", "13b"], "no model '13b'"),
        (["--pixels", "65536"], "--model-config"),
        (["--model-config", "roma_tiny", "--pixels", "9"], "pixels"),
        (["--model", "nowhere"], "no model folder"),
        (["--device", "cuda:77"], "cuda:77"),
        (["--json", "nowhere/x.json"], "nowhere is not a folder"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_checkpoint_and_sizes_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--model", "x", "--model-config", "3b"])
    assert "not allowed with" in capsys.readouterr().err
