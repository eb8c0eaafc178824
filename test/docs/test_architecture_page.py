"""docs/architecture.md names every file of the main paths, and no file that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PATHS = ("assistant", "thinker", "units", "training", "nodes")
MODULE = re.compile(r"`((?:\w+/)*\w+\.py)`")


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", PATHS)
def test_every_module_of_the_paths_is_named(repository: Path, page: str, package: str) -> None:
    folder = repository / "roma_ros" / package
    modules = {f"{package}/{path.name}" for path in folder.glob("*.py")} - {
        f"{package}/__init__.py"
    }
    assert modules
    missing = sorted(modules - set(MODULE.findall(page)))
    assert not missing, f"say in docs/architecture.md what they are for: {missing}"


def test_every_file_that_is_named_exists(repository: Path, page: str) -> None:
    named = set(MODULE.findall(page))
    assert len(named) > 100
    gone = sorted(
        name
        for name in named
        if not (repository / "roma_ros" / name).is_file() and not (repository / name).is_file()
    )
    assert not gone, f"docs/architecture.md names files that do not exist: {gone}"


def test_where_an_alert_is_decided_is_two_steps_from_the_readme(
    repository: Path, page: str
) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    assert "](docs/architecture.md)" in readme
    (row,) = [line for line in page.splitlines() if "Where is an alert decided?" in line]
    assert "`triggers.py`" in row
    assert "class AlertTrigger" in (repository / "roma_ros" / "triggers.py").read_text("utf-8")


def test_the_glossary_is_in_order(page: str) -> None:
    words = re.findall(r"^\| ([^|]+) \|", page.partition("## Glossary")[2], re.MULTILINE)[2:]
    assert len(words) >= 25
    assert words == sorted(words)
