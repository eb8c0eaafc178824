"""Checks of ROS: its release, whether a node starts, and Fast DDS's settings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from roma_ros.doctor import ros_probe
from roma_ros.doctor.check import Check, Section, Status
from roma_ros.doctor.machine import shared_memory_check
from roma_ros.doctor.probe import Attempt
from roma_ros.ros_release import profiles_variable, ros_release

__all__ = ["has_rclpy", "ros_checks"]

FAST_DDS = "rmw_fastrtps_cpp"
BOTH_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")


def has_rclpy() -> bool:
    """Return whether rclpy is installed, without importing it."""
    try:
        return find_spec("rclpy") is not None
    except (ImportError, ValueError):
        return False


def ros_checks(attempts: Mapping[str, Attempt]) -> Iterator[Check]:
    """Yield the checks of ROS, which is optional.

    Args:
        attempts: attempts of ros_probe; empty without rclpy.
    """
    release = ros_release()
    if not attempts:
        yield _check(
            "release",
            Status.ABSENT,
            f"{release or 'no ROS'}, and no rclpy: `roma` works, the nodes do not",
            "source /opt/ros/RELEASE/setup.bash; without ROS: docs/ros_releases.md",
        )
        return
    yield _check("release", Status.OK, release or "rclpy of an unknown release")
    node = attempts.get(ros_probe.NODE) or Attempt(False, "not tried")
    yield _from(node, "node", "see the error; `env | grep -e ROS -e RMW -e DDS` shows the settings")
    yield _from(
        attempts.get(ros_probe.MESSAGES) or Attempt(False, "not tried"),
        "messages",
        "colcon build --packages-select roma_ros, then source install/setup.bash",
    )
    if find_spec("launch_ros") is None:
        yield _check(
            "launch",
            Status.ABSENT,
            "no launch_ros: the nodes work, `ros2 launch` does not",
            f"apt install ros-{release or 'RELEASE'}-launch-ros",
        )
    else:
        yield _check("launch", Status.OK, "launch_ros")
    yield from _dds_checks(node)


def _dds_checks(node: Attempt) -> Iterator[Check]:
    """Yield the checks of Fast DDS; other middleware has settings of its own."""
    if node.ok and node.detail != FAST_DDS:
        return
    yield _profile_check()
    yield shared_memory_check()


def _profile_check() -> Check:
    wanted = profiles_variable()
    (other,) = set(BOTH_VARIABLES) - {wanted}
    name, path = "Fast DDS profile", os.environ.get(wanted)
    remedy = f"export {wanted}=$(ros2 pkg prefix roma_ros)/share/roma_ros/config/fastdds.xml"
    if path and Path(path).is_file():
        return _check(name, Status.OK, path)
    if path:
        return _check(name, Status.WARNING, f"{wanted} is {path}, which is not a file", remedy)
    if other in os.environ:
        detail = f"{other} is set, which Fast DDS of this release does not read"
        return _check(name, Status.WARNING, detail, f"name the file in {wanted} instead")
    detail = f"{wanted} is not set: raw images of 640x480 and above may be lost"
    return _check(name, Status.WARNING, detail, remedy)


def _from(attempt: Attempt, name: str, remedy: str) -> Check:
    if attempt.ok:
        return _check(name, Status.OK, attempt.detail)
    return _check(name, Status.FAILED, attempt.detail, remedy)


def _check(name: str, status: Status, detail: str, remedy: str = "") -> Check:
    return Check(section=Section.ROS, name=name, status=status, detail=detail, remedy=remedy)
