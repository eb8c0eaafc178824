"""The commit of a checkout, of a wheel, and of neither."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from roma_ros import __version__, version_info
from roma_ros.version_info import commit, describe_versions, library_versions


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another checkout, in which the module believes to be."""
    folder = tmp_path / "checkout"
    (folder / "roma_ros").mkdir(parents=True)
    (folder / "package.xml").write_text("<package/>")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    module = folder / "roma_ros" / "version_info.py"
    monkeypatch.setattr(version_info, "__file__", str(module))
    monkeypatch.setattr(version_info, "BAKED", module.with_name("commit.txt"))
    return folder


def test_a_checkout_tells_its_commit_and_whether_it_was_edited(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "--short", "HEAD")
    assert re.fullmatch("[0-9a-f]{7,}", head)
    assert commit() == head
    (checkout / "package.xml").write_text("<package></package>")
    assert commit() == f"{head}+changes"


def test_without_git_the_commit_is_what_was_baked_in_or_unknown(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert commit() == ""
    assert "(commit unknown)" in describe_versions()
    version_info.BAKED.write_text("1a2b3c4\n")
    assert commit() == "1a2b3c4"


def test_a_folder_of_another_repository_is_not_taken_for_ours(checkout: Path) -> None:
    (checkout / "package.xml").unlink()
    assert commit() == ""


def test_versions_are_those_that_are_installed() -> None:
    import numpy
    import torch

    assert library_versions()["torch"] == torch.__version__
    lines = describe_versions().splitlines()
    assert lines[0].startswith(f"roma {__version__} (commit ")
    assert f"numpy {numpy.__version__}" in lines
