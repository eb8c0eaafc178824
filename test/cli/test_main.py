"""The `roma` command itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from roma_ros import __version__
from roma_ros.cli import main
from roma_ros.cli.main import COMMANDS


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


NESTED = {"data": ["data", "build"], "world": ["world", "render"], "eval": ["eval", "world"]}


@pytest.mark.parametrize(
    "command",
    [[], ["data"], ["world"], ["eval"], *([*NESTED.get(name, [name])] for name in COMMANDS)],
)
def test_help(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    usage, empty, summary, *others = capsys.readouterr().out.splitlines()
    assert usage.startswith(f"usage: {' '.join(['roma', *command])} ")
    assert not empty
    assert summary
    assert [line for line in (usage, summary, *others) if len(line) > 80] == []
    assert "examples:" in others
    assert command in (["data"], ["world"], ["eval"]) or any(
        line.startswith("exit codes") for line in others
    )


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("roma run", ["run", "clip.mp4", "--treshold", "0.5"]),
        ("roma world render", ["world", "render", "--sed", "1", "x.mp4"]),
        ("roma bench", ["bench", "--random-weights"]),
    ],
)
def test_an_unknown_option_prints_the_usage_of_its_command(
    command: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    usage, error = capsys.readouterr().err.splitlines()
    assert usage.startswith(f"usage: {command} [OPTIONS]")
    assert error.startswith(f"{command}: error: unrecognized arguments: --")


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["run", "a.mp4", "--window", "two"]])
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.slow
def test_help_needs_neither_torch_nor_ros() -> None:
    code = (
        "import sys\n"
        "from roma_ros.cli import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(' '.join({'torch', 'transformers', 'rclpy'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-", "--events /dev/full > /dev/null"])
def test_an_output_that_cannot_be_written_is_one_line(tmp_path: Path, redirection: str) -> None:
    clip = tmp_path / "clip.mp4"
    assert main(["world", "render", "--seconds", "1", str(clip)]) == 0
    code = "import sys; from roma_ros.cli import main; sys.exit(main())"
    command = f"'{sys.executable}' -c '{code}' run {clip} --fast {redirection}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    reason = "No space left on device" if "full" in redirection else "standard output is closed"
    assert reason in done.stderr


def test_an_empty_source_or_model_is_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = tmp_path / "clip.mp4"
    assert main(["world", "render", "--seconds", "1", str(clip)]) == 0
    assert main(["run", "", "--fast"]) == 2
    assert "SOURCE is empty" in capsys.readouterr().err
    for model, said in (("", "is empty"), (str(tmp_path), "it has no config.json")):
        assert main(["run", str(clip), "--fast", "--model", model]) == 2
        assert said in capsys.readouterr().err
