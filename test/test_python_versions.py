"""Python 3.10 is what a Jetson with JetPack 6 has, and no machine of ours: what can be told here.

mypy checks the same code against the standard library of 3.10 in `make lint`.
"""

from __future__ import annotations

import ast
import importlib.metadata
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

FOLDERS = ("roma_ros", "launch", "docs", "cmake", "bench", "test")
OLDEST = (3, 10)


@pytest.mark.parametrize("folder", FOLDERS)
def test_python_3_10_can_read_every_file(repository: Path, folder: str) -> None:
    paths = sorted((repository / folder).rglob("*.py"))
    assert paths
    for path in paths:
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=OLDEST)


@pytest.mark.parametrize(
    ("setting", "pattern"),
    [
        ("requires-python", r'^requires-python = ">=3\.10,'),
        ("mypy", r'^python_version = "3\.10"$'),
        ("ruff", r'^target-version = "py310"$'),
    ],
)
def test_the_oldest_python_is_the_one_that_is_checked(
    repository: Path, setting: str, pattern: str
) -> None:
    text = (repository / "pyproject.toml").read_text(encoding="utf-8")  # tomllib came with 3.11
    assert re.search(pattern, text, re.MULTILINE), setting


@pytest.mark.parametrize(
    "later",
    [
        "try:\n    pass\nexcept* ValueError:\n    pass\n",
        "def first[T](items: list[T]) -> T:\n    return items[0]\n",
        "type Name = str\n",
    ],
)
def test_what_came_later_would_be_found(later: str) -> None:
    with pytest.raises(SyntaxError):
        ast.parse(later, feature_version=OLDEST)


def test_every_pinned_package_can_be_installed_on_it(repository: Path) -> None:
    """By what the packages that are installed here say of themselves."""
    on_oldest = {"python_version": "3.10", "python_full_version": "3.10.12"}
    checked = 0
    lines = [
        line
        for path in sorted(repository.glob("constraints*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    for line in lines:
        if not (text := line.partition("#")[0].strip()):
            continue
        pin = Requirement(text)
        if pin.marker is not None and not pin.marker.evaluate(on_oldest):
            continue
        try:
            package = importlib.metadata.distribution(pin.name)
        except importlib.metadata.PackageNotFoundError:
            continue  # a pin for another kind of machine
        if not pin.specifier.contains(package.version, prereleases=True):
            continue  # a pin for 3.10 alone, or of another release of ROS
        needed = SpecifierSet(package.metadata["Requires-Python"] or "")
        assert needed.contains("3.10.12"), f"{text} needs Python {needed}"
        checked += 1
    assert checked > 100


def test_make_chooses_among_the_pythons_that_the_package_allows(repository: Path) -> None:
    project = (repository / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"$', project, re.MULTILINE)
    assert found is not None
    oldest, newest = int(found[1]), int(found[2]) - 1
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    assert f"(3, {oldest}) <= v <= (3, {newest})" in makefile
    assert f"no Python 3.{oldest} to 3.{newest} with venv" in makefile
    (tried,) = re.findall(r"^PYTHON \?= \$\(shell for python in (.*); do", makefile, re.MULTILINE)
    assert set(tried.split()) == {
        *(f"python3.{minor}" for minor in range(oldest, newest + 1)),
        "python3",
    }
    pins = (repository / "constraints.txt").read_text(encoding="utf-8")
    assert f"for CPython 3.{oldest} to 3.{newest} on Linux" in pins
    readme = (repository / "README.md").read_text(encoding="utf-8")
    assert f"with Python 3.{oldest} to 3.{newest} (" in readme
