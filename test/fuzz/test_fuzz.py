"""The short form of `make fuzz`: some hundred cases of each target; and the program itself."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")


@pytest.mark.parametrize(
    ("target", "cases", "expected"),
    [
        ("images", 400, {"taken", "ImageError"}),
        ("audio", 400, {"taken", "AudioError", "AudioCodingError"}),
        ("stream", 20, {"units: some, refused: some"}),
        ("video", 30, {"pictures: some"}),
    ],
)
def test_messages_at_random_are_read_or_refused(
    monkeypatch: pytest.MonkeyPatch, target: str, cases: int, expected: set[str]
) -> None:
    """In this process; the first cases of another seed than that of `make fuzz`."""
    monkeypatch.syspath_prepend(RUN.parent)
    monkeypatch.syspath_prepend(RUN.parents[1] / "sources")
    run, messages = importlib.import_module("run"), importlib.import_module("messages")
    read = getattr(messages, target)
    outcomes = Counter(read(run.generator(target, case, 1)) for case in range(cases))
    assert expected <= set(outcomes)
    assert read(run.generator(target, 7, 1)) == read(run.generator(target, 7, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "cases"),
    [
        pytest.param("media", 30, marks=pytest.mark.long),
        ("models", 12),
        pytest.param("ros_node", 200, marks=pytest.mark.long),
    ],
)
def test_files_models_and_services_at_random(target: str, cases: int) -> None:
    command = [
        sys.executable,
        str(RUN),
        target,
        "--cases",
        str(cases),
        "--workers",
        "1",
        "--seed",
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_case_that_fails_is_told_and_counted(tmp_path: Path) -> None:
    """A target that raises, ends its process, and is slow."""
    (tmp_path / "bad.py").write_text(BAD)
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(paths=[str(RUN.parent), str(tmp_path)]))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "bad: 9 cases, 3 failed" in done.stdout
    assert "case 5: Traceback" in done.stdout
    assert "case 6: the process ended: 9" in done.stdout
    assert "case 7: 0." in done.stdout


PROGRAM = """
import sys
sys.path[:0] = {paths}
import run
run.TARGETS["bad"] = run.Target("bad", "bad", 9)
if __name__ == "__main__":
    raise SystemExit(run.main(["bad", "--cases", "9", "--workers", "1"]))
"""
BAD = """
import os, time, run
def bad(rng):
    states = [run.generator("bad", case, 0).bit_generator.state for case in range(9)]
    case = states.index(rng.bit_generator.state)
    if case == 5:
        raise KeyError("a bug")
    if case == 6:
        os._exit(9)
    if case == 7:
        begin = time.process_time()
        while time.process_time() < begin + 0.6:
            pass
    return "fine"
"""
