"""`roma doctor` as it is run, with libraries that are there, missing and broken."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

MISSING = "raise ModuleNotFoundError(f'No module named {__name__!r}', name=__name__)"
BROKEN = "raise OSError('libbroken.so: undefined symbol: nothing')"
CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"


def run_doctor(*arguments: str, hidden: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    if hidden is not None:
        environment["PYTHONPATH"] = f"{hidden}:{environment.get('PYTHONPATH', '')}"
    return subprocess.run(
        [sys.executable, "-m", "roma_ros", "doctor", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


@pytest.mark.slow
def test_here_the_main_job_runs_and_is_measured():
    done = run_doctor("--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ready"] is True
    found = checks(done)
    assert found["torch"]["status"] == "ok"
    assert found["clip"]["status"] == "ok"
    assert "p(speak) 0." in found["clip"]["detail"]
    assert found["node"]["detail"] == "rmw_fastrtps_cpp"
    assert found["release"]["detail"] in ("jazzy", "kilted")
    assert found["messages"]["status"] == "ok"
    assert found["quantised kernels"]["status"] == "ok"
    unsaid = [
        name for name, check in found.items() if check["status"] != "ok" and not check["remedy"]
    ]
    assert not unsaid


@pytest.mark.slow
@pytest.mark.parametrize(
    "faults",
    [
        {"torch": MISSING, "av": MISSING, "rich": BROKEN},
        pytest.param({"torch": BROKEN, "numpy": MISSING, "rclpy": MISSING}, marks=pytest.mark.long),
        pytest.param({"av": BROKEN, "transformers": MISSING}, marks=pytest.mark.long),
        {"torch": CRASH, "cv2": CRASH, "packaging": MISSING, "sounddevice": MISSING},
    ],
)
def test_without_libraries_it_says_which_and_never_raises(faults, tmp_path):
    for name, content in faults.items():
        (tmp_path / f"{name}.py").write_text(content)
    done = run_doctor("--json", hidden=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["ready"] is False
    by_module = {"cv2": "opencv-python-headless", "rclpy": "node", "packaging": "clip"}
    for name in faults:
        found = checks(done)[by_module.get(name, name)]
        assert found["status"] == "failed", found
        assert found["remedy"]


@pytest.mark.slow
def test_in_a_pipe_it_is_plain_text_with_remedies(tmp_path):
    (tmp_path / "torch.py").write_text(MISSING)
    plain = run_doctor(hidden=tmp_path)
    assert plain.returncode == 1
    assert "Traceback" not in plain.stderr + plain.stdout
    assert plain.stdout.endswith("see the failed lines above\n")
    assert "remedy: pip install" in plain.stdout


def test_other_commands_refuse_in_a_line_that_names_the_doctor(tmp_path):
    (tmp_path / "av.py").write_text(MISSING)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(
        [sys.executable, "-m", "roma_ros", "run", "clip.mp4"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "the Python library av is missing" in done.stderr
    assert "`roma doctor`" in done.stderr


def test_the_version_is_told_without_libraries(tmp_path):
    for name in ("av", "numpy", "torch", "rich"):
        (tmp_path / f"{name}.py").write_text(MISSING)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-m", "roma_ros", "--version"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith("roma ")
    assert not done.stderr


@pytest.mark.slow
def test_in_a_terminal_it_has_colours(tmp_path):
    """Through a pseudo-terminal, as a user sees it."""
    (tmp_path / "torch.py").write_text(MISSING)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}",
        "TERM": "xterm-256color",
        "COLUMNS": "120",
    }
    environment.pop("NO_COLOR", None)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "roma_ros", "doctor"]
    process = subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs)
    os.close(theirs)
    printed = b""
    with suppress(OSError):  # what a pseudo-terminal reads when the other end is closed
        while piece := os.read(ours, 65536):
            printed += piece
    os.close(ours)
    assert process.wait(timeout=60) == 1
    text = printed.decode()
    assert "\x1b[1;31mfailed" in text
    assert "not ready" in text
    assert "Traceback" not in text
