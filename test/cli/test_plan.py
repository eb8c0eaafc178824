"""`roma plan`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from roma_ros.cli import main
from roma_ros.planning import DEVICES


def test_one_device_is_planned_for_phase_by_phase(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--device orin-agx-64 --model 7b --recipe nf4 --watches 2 --context-seconds 120"
    assert main(["plan", *arguments.split()]) == 0
    printed = capsys.readouterr().out
    for part in ("vision", "backbone", "one token", "peak", "keeps up", "2 watches", "120 s"):
        assert part in printed


def test_without_a_device_all_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--model", "3b"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in DEVICES)
    assert "does not fit" in printed


@pytest.mark.slow
def test_this_machine_is_probed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--device", "this", "--model", "roma_tiny"]) == 0
    assert "probed just now" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "orin"], "orin-agx-64"),
        (["--model", "13b"], "no model '13b'"),
        (["--recipe", "q2"], "nf4"),
        (["--watches", "0"], "watches is 0"),
        (["--measured", "nowhere"], "no folder 'nowhere'"),
    ],
)
def test_what_cannot_be_planned_is_said_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_folder_without_measurements_says_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.json").write_text("[1]")
    assert main(["plan", "--measured", str(tmp_path)]) == 2
    assert "roma bench --json" in capsys.readouterr().err


def test_a_measurement_of_another_version_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.json").write_text(json.dumps({"format": "roma bench 1", "settings": {}}))
    assert main(["plan", "--measured", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "old.json" in error
    assert "measure again" in error


@pytest.mark.slow
def test_planning_needs_no_torch() -> None:
    code = (
        "import sys\n"
        "from roma_ros.cli import main\n"
        "main(['plan', '--model', '7b'])\n"
        "sys.exit(' '.join({'torch', 'transformers', 'rclpy'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, timeout=60)
