"""The completion scripts, by the shells that run them."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from roma_ros.cli import main
from roma_ros.cli.main import COMMANDS


def complete_in_bash(script: str, words: list[str]) -> set[str]:
    """What bash offers after `roma WORDS`, the last of which is being typed."""
    line = " ".join(f"'{word}'" for word in ["roma", *words])
    asking = f"""
{script}
COMP_WORDS=({line}); COMP_CWORD={len(words)}; COMP_TYPE=9
cur=; prev=
entry=$(complete -p roma); entry=${{entry##*-F }}; entry=${{entry%% *}}
$entry roma "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", asking], capture_output=True, text=True, timeout=30
    )
    return {word.strip() for word in done.stdout.splitlines()}


@pytest.fixture(scope="module")
def bash_script() -> str:
    command = [sys.executable, "-m", "roma_ros", "completion", "bash"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_bash_completes_commands(bash_script: str) -> None:
    assert complete_in_bash(bash_script, [""]) >= set(COMMANDS)
    assert complete_in_bash(bash_script, ["do"]) == {"doctor"}


def test_bash_completes_options_and_choices(bash_script: str) -> None:
    assert "--json" in complete_in_bash(bash_script, ["doctor", "--"])
    assert complete_in_bash(bash_script, ["run", "--"]) >= {"--model", "--plot", "--threshold"}
    assert complete_in_bash(bash_script, ["completion", "z"]) == {"zsh"}


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_can_read_its_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    script = capsys.readouterr().out
    subprocess.run(["zsh", "-n"], input=script, check=True, text=True, timeout=30)


def test_zsh_gets_a_script_for_roma(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    script = capsys.readouterr().out
    assert script.startswith("#compdef roma")
    assert "doctor" in script


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "powershell"])
    assert "bash" in capsys.readouterr().err
