"""Commands that are run for an event, with real programs."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from roma_ros.hooks import CommandHook, DeliveryError, HookError

from .conftest import alert

WRITE = (
    "import json, os, sys; json.dump({'env': dict(os.environ), 'line': sys.stdin.readline(), "
    "'arguments': sys.argv[2:]}, open(sys.argv[1], 'w'))"
)


def test_a_command_is_given_the_event(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    CommandHook([sys.executable, "-c", WRITE, str(out), "$HOME", "a b"]).deliver(alert())
    got = json.loads(out.read_text())
    environment = got["env"]
    assert environment["ROMA_EVENT"] == "alert"
    assert environment["ROMA_WATCH"] == "door"
    assert environment["ROMA_P_SPEAK"] == "0.7500"
    assert environment["ROMA_SECONDS"] == "3.000"
    assert environment["ROMA_STAMP_NS"] == "1700000003000000000"
    line = json.loads(got["line"])
    assert (line["event"], line["watch"], line["sequence"]) == ("alert", "door", 1)
    assert got["arguments"] == ["$HOME", "a b"]  # no shell has seen them


def test_no_shell_reads_what_an_instruction_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    CommandHook(f"{sys.executable} -c 'import os; os.environ[\"ROMA_INSTRUCTION\"]'").deliver(
        alert()
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "expected a program"),
        ("no-such-program-at-all x", "is not found"),
        ("echo 'x", "cannot be split"),
        ([sys.executable, 3], "expected a program"),
    ],
)
def test_a_command_that_cannot_run_is_refused_at_once(command, said) -> None:
    with pytest.raises(HookError, match=said):
        CommandHook(command)


@pytest.mark.slow
def test_a_failure_and_a_command_that_hangs_are_told() -> None:
    with pytest.raises(DeliveryError, match="exit status 3"):
        CommandHook([sys.executable, "-c", "raise SystemExit(3)"]).deliver(alert())
    began = time.monotonic()
    with pytest.raises(DeliveryError, match=r"killed after 0\.5 s"):
        CommandHook(["sleep", "60"], timeout=0.5).deliver(alert())
    assert time.monotonic() - began < 10


def test_a_command_that_does_not_read_its_input_is_fine() -> None:
    CommandHook("true").deliver(alert())
