"""Two releases of ROS, each with pins of its own, which nothing mixes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

tomllib = pytest.importorskip("tomllib", reason="tomllib came with Python 3.11")

EXTRAS = {"jazzy": "ros", "kilted": "ros-kilted"}


def pins(lines: Iterable[str]) -> dict[str, str]:
    """Specifier by package name."""
    texts = (line.partition("#")[0].strip() for line in lines)
    requirements = [Requirement(text) for text in texts if text]
    return {canonicalize_name(item.name): str(item.specifier) for item in requirements}


def pins_of(repository: Path, name: str) -> dict[str, str]:
    return pins((repository / name).read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(("release", "extra"), EXTRAS.items())
def test_what_a_release_asks_for_is_what_its_file_pins(repository: Path, release: str, extra: str):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = pins(project["optional-dependencies"][extra])
    assert asked.pop("roma-ros") == ""  # for the extra that both share
    pinned = pins_of(repository, f"constraints-{release}.txt")
    assert len(asked) > 25
    assert {name: pinned[name] for name in asked} == asked
    assert f"ros-{release}-rclpy" in asked
    assert all(name.startswith("ros-") for name in pinned)


def test_the_releases_differ_and_the_common_file_has_neither(repository: Path):
    jazzy, kilted = (pins_of(repository, f"constraints-{name}.txt") for name in EXTRAS)
    assert (jazzy["ros-rclpy"], kilted["ros-rclpy"]) == ("==7.1.6", "==9.1.2")
    assert "ros-fastrtps" in jazzy
    assert "ros-fastdds" in kilted
    assert not [name for name in pins_of(repository, "constraints.txt") if name[:4] == "ros-"]
