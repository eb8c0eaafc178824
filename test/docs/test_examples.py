"""The examples of docs/ that need no ROS, run as their reader would run them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from roma_ros.cli import main

pytestmark = pytest.mark.slow

EVERY = {
    "ask_leaf.py",
    "follow_a_file.py",
    "narrate_to_speech.py",
    "own_frames_and_sound.py",
    "tell_me_when.py",
}


def run(repository: Path, name: str, *arguments: str) -> str:
    command = [sys.executable, str(repository / "docs" / "examples" / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run_by_a_test(repository: Path) -> None:
    assert {path.name for path in (repository / "docs" / "examples").glob("*.py")} == EVERY
    tests = (repository / "test/nodes/test_examples.py").read_text(encoding="utf-8")
    tests += Path(__file__).read_text(encoding="utf-8").partition("def run")[2]
    assert all(f'"{name}"' in tests or f'"{name[:-3]}"' in tests for name in EVERY)


def test_a_file_is_followed(repository: Path, tmp_path: Path) -> None:
    film = str(tmp_path / "film.mp4")
    assert main(["world", "render", "--seconds", "8", "--seed", "3000000000", film]) == 0
    output = run(
        repository,
        "follow_a_file.py",
        film,
        "alert me when a purple circle appears",
        "how many shapes are there now?",
    )
    *alerts, answer = output.splitlines()
    assert re.search(r"^ +\d\.0 s  alert, p\(speak\) [01]\.\d\d$", "\n".join(alerts), re.M), output
    assert answer.strip()


def test_own_frames_and_sound_raise_an_alert(repository: Path) -> None:
    alert, answer = run(repository, "own_frames_and_sound.py").splitlines()
    assert alert.startswith("  5.0 s  alert: alert me when a purple circle appears, p(speak) ")
    assert answer == "  8.0 s  answer: yes"
