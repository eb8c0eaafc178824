"""A process that tries things, and may die of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from roma_ros.doctor.probe import Attempt, attempt, parse, run_probe


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a script as a probe."""

    def run(script: str, timeout: float = 30.0) -> dict[str, Attempt]:
        (tmp_path / "probe_of_test.py").write_text(
            f"import os, signal, sys, time\nfrom roma_ros.doctor.probe import attempt\n{script}"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
        return run_probe("probe_of_test", timeout=timeout)

    return run


def test_results_and_errors_come_back_and_other_output_is_passed_over(probe):
    attempts = probe(
        "def fails(): raise OSError('no such library\\nsecond line')\n"
        "attempt('good', lambda: print('noise\\n[1]\\n7') or 'found')\n"
        "attempt('bad', fails)\n"
        "attempt('exits', lambda: sys.exit(3))\n"
    )
    assert attempts == {
        "good": Attempt(True, "found"),
        "bad": Attempt(False, "OSError: no such library"),
        "exits": Attempt(False, "SystemExit: 3"),
    }


def test_what_a_process_dies_of_is_told(probe):
    attempts = probe(
        "attempt('good', lambda: 'found')\n"
        "attempt('crash', lambda: os.kill(os.getpid(), signal.SIGSEGV))\n"
        "attempt('never', lambda: 'reached')\n"
    )
    assert attempts["good"] == Attempt(True, "found")
    assert attempts["crash"] == Attempt(False, "the process ended with -11")
    assert "never" not in attempts


@pytest.mark.slow
def test_what_hangs_is_ended(probe):
    attempts = probe("attempt('hang', lambda: time.sleep(600))\n", timeout=1.0)
    assert attempts["hang"] == Attempt(False, "no result within 1 s")


def test_a_python_that_cannot_be_started_is_an_attempt_that_failed(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    (only,) = run_probe("anything", timeout=1.0).values()
    assert not only.ok
    assert "/no/such/python" in only.detail


def test_an_attempt_tells_whether_it_succeeded(capsys):
    assert attempt("good", lambda: "x" * 1000)
    assert not attempt("bad", lambda: str(1 / 0))
    attempts = parse(capsys.readouterr().out, "")
    assert attempts["good"].detail == "x" * 200
    assert attempts["bad"].detail == "ZeroDivisionError: division by zero"
