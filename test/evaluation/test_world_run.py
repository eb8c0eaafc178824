"""From the command to its files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from roma_ros.cli.main import main

SHORT = ["--workers", "1", "--narrate-threshold", "0.99"]


@pytest.mark.slow
def test_two_streams_of_each_task_from_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "eval.json"
    size = ["--only", "twenty_seconds", "--cases", "2", "--seconds", "5"]
    assert main(["eval", "world", "--out", str(out), *size, *SHORT]) == 0
    printed = capsys.readouterr().out
    assert "alert: event recall" in printed
    assert "missed" in printed
    results = json.loads(out.read_text())
    assert set(results["checkpoint"]["sha256"]) == {"model.safetensors", "speak_head.safetensors"}
    twenty = results["twenty_seconds"]
    counts = {figure["name"]: figure["stands_on"] for figure in twenty["figures"]}
    assert counts["alert: event recall"]["streams"] == 4  # two on each world
    assert counts["alert, spoken: event recall"]["streams"] == 2
    assert counts["narration: F1 of its times"]["streams"] == 2
    assert counts["question, text: accuracy"]["streams"] == 2
    assert counts["question, spoken: accuracy"]["questions"] == 2
    assert twenty["protocol"]["triggers"]["narration_threshold"] == 0.99
    assert twenty["alerts"]["all"]["never"]["firings"] == 0
    assert twenty["calibration"]["alert"]["error"] >= 0
    assert len(twenty["sweeps"]["alert_window"]) == 5
    for name in ("eval_calibration.png", "eval_sweeps.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 1000


@pytest.mark.slow
def test_a_continuous_stream_of_each_kind_from_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "eval.json"
    size = ["--only", "continuous,sights", "--streams", "1", "--stream-seconds", "65"]
    assert main(["eval", "world", "--out", str(out), *size, *SHORT]) == 0
    printed = capsys.readouterr().out
    assert "minutes 2 to 5" in printed
    assert "left out: sights: no folder of footage is given" in printed
    results = json.loads(out.read_text())
    assert results["left_out"] == ["sights: no folder of footage is given"]
    rows = {row["name"]: row for row in results["continuous"]}
    assert set(rows["alert: event recall"]["ages"]) == {"first minute", "minutes 2 to 5"}
    first = rows["alert: false alarms per minute"]["ages"]["first minute"]
    assert first["stands_on"] == {"streams": 1, "units": 240}  # four alerts
    assert first["fresh"] is not None
    assert rows["alert: event recall"]["bar"] == {"at_least": 0.95}
    assert rows["alert: event recall"]["met"] is None  # no stream is five minutes old
    for name in ("eval_ages.png", "eval_p_speak.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "no/such"], "no model folder"),
        (["--cases", "0"], "streams is 0"),
        (["--streams", "0"], "streams is 0"),
        (["--stream-seconds", "59"], "seconds is 59"),
        (["--only", "continuous,naps"], "--only has 'naps'; expected some of continuous,long"),
        (["--window", "0"], "window is 0"),
        (["--workers", "0"], "--workers is 0"),
        (["--out", "no/such/eval.json"], "is not a folder"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", "world", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.slow
def test_scoring_needs_no_torch() -> None:
    modules = "alert_score answer_score calibration metrics narration_score plots report sweeps"
    modules += " intervals stream_metrics stream_outcomes stream_plots stream_protocol"
    modules += " stream_rates stream_report stream_table results"
    names = ", ".join(f"roma_ros.evaluation.{name}" for name in modules.split())
    code = f"import sys, {names}; assert not {{'torch', 'rclpy'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
