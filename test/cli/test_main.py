"""The `roma` command itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from roma_ros import __version__
from roma_ros.cli import main


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith(f"roma {__version__} (commit ")
    assert any(line.startswith("torch ") for line in others)


def test_python_m_roma_ros_is_roma() -> None:
    command = [sys.executable, "-m", "roma_ros", "--version"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.startswith(f"roma {__version__} ")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "usage: roma" in text
    if "run" in arguments:
        assert "examples:" in text
        assert "exit codes" in text


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["run", "a.mp4", "--window", "two"]])
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_help_needs_neither_torch_nor_ros() -> None:
    code = (
        "import sys\n"
        "from roma_ros.cli import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(' '.join({'torch', 'transformers', 'rclpy'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
