"""From the command to its files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from roma_ros.cli.main import main

SHORT = ["--streams", "2", "--seconds", "5", "--workers", "1", "--narrate-threshold", "0.99"]


@pytest.mark.slow
def test_two_streams_of_each_task_from_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "eval.json"
    assert main(["eval", "world", "--out", str(out), *SHORT]) == 0
    printed = capsys.readouterr().out
    assert "alert: event recall" in printed
    assert "missed" in printed
    results = json.loads(out.read_text())
    counts = {figure["name"]: figure["stands_on"] for figure in results["figures"]}
    assert counts["alert: event recall"]["streams"] == 4  # two on each world
    assert counts["alert, spoken: event recall"]["streams"] == 2
    assert counts["narration: F1 of its times"]["streams"] == 2
    assert counts["question, text: accuracy"]["streams"] == 2
    assert counts["question, spoken: accuracy"]["questions"] == 2
    assert set(results["checkpoint"]["sha256"]) == {"model.safetensors", "speak_head.safetensors"}
    assert results["protocol"]["triggers"]["narration_threshold"] == 0.99
    assert results["alerts"]["all"]["never"]["firings"] == 0
    assert results["calibration"]["alert"]["error"] >= 0
    assert len(results["sweeps"]["alert_window"]) == 5
    for name in ("eval_calibration.png", "eval_sweeps.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "no/such"], "no model folder"),
        (["--streams", "0"], "streams is 0"),
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
    names = ", ".join(f"roma_ros.evaluation.{name}" for name in modules.split())
    code = f"import sys, {names}; assert not {{'torch', 'rclpy'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
