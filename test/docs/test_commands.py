"""The `roma` commands that README and docs/ print are commands that `roma` takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from roma_ros.cli.main import make_parser

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands_of(text: str) -> list[str]:
    """Return the command lines in the blocks of a page."""
    blocks = re.split(r"^ *```.*$", text, flags=re.MULTILINE)[1::2]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    stripped = [line.strip().removeprefix("$ ") for line in lines]
    return [line for line in stripped if re.match(r"roma (--|[a-z])", line)]


EXAMPLES = [
    pytest.param(command, id=f"{page.name}: {command[:70]}")
    for page in PAGES
    for command in commands_of(page.read_text(encoding="utf-8"))
]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 35


@pytest.mark.parametrize("command", EXAMPLES)
def test_the_command_line_is_accepted(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(re.split(r" [|>&] | &$", command)[0], comments=True)
    if words[1:] == ["--version"]:
        with pytest.raises(SystemExit, match="0"):
            make_parser().parse_args(words[1:])
    else:
        assert make_parser().parse_args(words[1:]).command, capsys.readouterr().err
