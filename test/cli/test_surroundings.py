"""What surrounds a command: its outputs, and arguments that are no text."""

from __future__ import annotations

import subprocess
import sys

import pytest

from roma_ros.cli import main


def test_an_argument_that_is_not_utf8_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    watch = b"alert me when a caf\xe9 appears".decode("utf-8", "surrogateescape")
    assert main(["run", "film.mp4", "--watch", watch]) == 2
    message = capsys.readouterr().err
    assert "is not UTF-8; expected text in UTF-8" in message
    assert "caf\\xe9" in message
    assert message.count("\n") == 1


def test_a_closed_standard_error_is_no_fault() -> None:
    command = f'"{sys.executable}" -m roma_ros --version 2>&-'
    done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 0
    assert done.stdout
