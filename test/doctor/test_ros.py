"""What is said of ROS and of Fast DDS's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from roma_ros.doctor import Status
from roma_ros.doctor.probe import Attempt
from roma_ros.doctor.ros import BOTH_VARIABLES, has_rclpy, ros_checks

FAST = {"node": Attempt(True, "rmw_fastrtps_cpp"), "messages": Attempt(True, "all")}


def checks(attempts):
    return {check.name: check for check in ros_checks(attempts)}


@pytest.fixture(autouse=True)
def kilted(monkeypatch):
    monkeypatch.setenv("ROS_DISTRO", "kilted")
    for name in BOTH_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_rclpy_is_found_without_being_imported():
    assert has_rclpy()


def test_no_ros_is_no_failure():
    (only,) = ros_checks({})
    assert only.status is Status.ABSENT
    assert "docs/ros_releases.md" in only.remedy


def test_messages_that_were_not_built_failed():
    broken = {**FAST, "messages": Attempt(False, "No module named 'roma_ros.msg'")}
    found = checks(broken)["messages"]
    assert found.status is Status.FAILED
    assert "colcon build" in found.remedy


def test_the_profile_is_looked_for_under_the_name_of_the_release(monkeypatch, tmp_path):
    old, new = BOTH_VARIABLES
    profile = tmp_path / "fastdds.xml"
    assert "is not set" in checks(FAST)["Fast DDS profile"].detail
    monkeypatch.setenv(old, str(profile))
    assert f"in {new}" in checks(FAST)["Fast DDS profile"].remedy
    monkeypatch.setenv(new, str(profile))
    assert "is not a file" in checks(FAST)["Fast DDS profile"].detail
    Path(profile).touch()
    assert checks(FAST)["Fast DDS profile"].status is Status.OK


def test_other_middleware_is_not_asked_for_fast_dds_settings():
    found = checks({**FAST, "node": Attempt(True, "rmw_zenoh_cpp")})
    assert "Fast DDS profile" not in found
    assert "shared memory" not in found
