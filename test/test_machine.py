"""The commit of a checkout, of a wheel, and of neither; versions; memory of this process."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from roma_ros import __version__, machine
from roma_ros.machine import commit, describe_versions, libraries, library_version


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
    module = folder / "roma_ros" / "machine.py"
    monkeypatch.setattr(machine, "__file__", str(module))
    monkeypatch.setattr(machine, "BAKED", module.with_name("commit.txt"))
    return folder


def test_a_checkout_tells_its_commit_and_whether_it_was_edited(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "--short", "HEAD")
    assert re.fullmatch("[0-9a-f]{7,}", head)
    assert commit() == head
    (checkout / "package.xml").write_text("<package></package>")
    assert commit() == f"{head}+changes"
    assert commit(mark_changes=False) == head


def test_without_git_the_commit_is_what_was_baked_in_or_unknown(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert commit() == ""
    assert "(commit unknown)" in describe_versions()
    machine.BAKED.write_text("1a2b3c4\n")
    assert commit() == "1a2b3c4"


def test_a_folder_of_another_repository_is_not_taken_for_ours(checkout: Path) -> None:
    (checkout / "package.xml").unlink()
    assert commit() == ""


def test_versions_are_those_that_are_installed() -> None:
    import numpy
    import torch

    assert libraries()["torch"] == torch.__version__
    lines = describe_versions().splitlines()
    assert lines[0].startswith(f"roma {__version__} (commit ")
    assert f"numpy {numpy.__version__}" in lines
    assert library_version("no-such-library") == ""


def test_memory_of_the_process_is_part_of_the_machines() -> None:
    assert 2**20 < machine.resident_bytes() <= machine.peak_resident_bytes()
    assert machine.peak_resident_bytes() < machine.total_memory()


def test_a_processor_without_a_name_is_named_by_its_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: AMD EPYC 7B13\nmodel name\t: AMD EPYC 7B13\n")
    monkeypatch.setattr(machine, "CPU_INFO", info)
    assert machine.processor() == "AMD EPYC 7B13"
    info.write_text("processor\t: 0\n")
    assert machine.processor() == machine.architecture()
    info.unlink()
    assert machine.processor() == machine.architecture()
