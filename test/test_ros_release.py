"""Which release is told, by the environment or by rclpy's version, and what Fast DDS wants."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from roma_ros.ros_release import profiles_variable, ros_release

OLD, NEW = "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"


@pytest.mark.parametrize(
    ("sourced", "variable"),
    [("humble", OLD), ("jazzy", OLD), ("kilted", NEW), ("rolling", NEW), ("lyrical", NEW)],
)
def test_a_sourced_release_is_told_as_it_is(sourced, variable, monkeypatch):
    monkeypatch.setenv("ROS_DISTRO", sourced)
    assert ros_release() == sourced
    assert profiles_variable() == variable


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("3.3.16", "humble"),
        ("7.1.6", "jazzy"),
        ("9.1.2", "kilted"),
        ("10.0.1", "rclpy 10.0.1"),
        (None, None),
    ],
)
def test_without_one_the_version_of_rclpy_tells(version, release, monkeypatch):
    def version_of(name: str) -> str:
        if version is None or name != "ros-rclpy":
            raise importlib.metadata.PackageNotFoundError(name)
        return version

    monkeypatch.delenv("ROS_DISTRO", raising=False)
    monkeypatch.setattr(importlib.metadata, "version", version_of)
    assert ros_release() == release


@pytest.mark.slow
def test_fast_dds_of_the_installed_release_takes_the_variable_without_a_warning(
    repository: Path, tmp_path: Path
) -> None:
    """A profile file that is not XML is complained about only where it is read."""
    nonsense = tmp_path / "profile.xml"
    nonsense.write_text("nonsense")
    code = "import rclpy; rclpy.init(); rclpy.create_node('x'); rclpy.shutdown()"

    def said(profile: Path) -> str:
        process = subprocess.run(
            [sys.executable, "-c", code],
            env={**_environment(), profiles_variable(): str(profile)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return process.stdout + process.stderr

    assert said(repository / "config" / "fastdds.xml") == ""
    assert "XML" in said(nonsense)


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in (OLD, NEW)}
