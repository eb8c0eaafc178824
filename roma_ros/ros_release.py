"""Name of the installed ROS 2 release, read without importing rclpy."""

from __future__ import annotations

import os

from roma_ros.machine import library_version

__all__ = ["profiles_variable", "ros_release"]

RELEASES = {3: "humble", 4: "iron", 7: "jazzy", 9: "kilted"}
"""Release by rclpy's major version; 5, 6 and 8 were of no release."""
BEFORE_FAST_DDS_3 = ("humble", "iron", "jazzy")


def ros_release() -> str | None:
    """Return the name of the ROS release: of the sourced environment, else by rclpy's version.

    Returns:
        Such as "jazzy"; "rclpy 10.0.1" for a release that this package does not know; `None`
        without ROS.
    """
    if release := os.environ.get("ROS_DISTRO"):
        return release
    for package in ("ros-rclpy", "rclpy"):  # as the wheel names it, as colcon and Debian do
        if not (version := library_version(package)):
            continue
        major = version.partition(".")[0]
        known = RELEASES.get(int(major)) if major.isdecimal() else None
        return known or f"rclpy {version}"
    return None


def profiles_variable() -> str:
    """Return the environment variable of Fast DDS's profiles; Fast DDS 3 (Kilted) renamed it."""
    old = ros_release() in BEFORE_FAST_DDS_3
    return "FASTRTPS_DEFAULT_PROFILES_FILE" if old else "FASTDDS_DEFAULT_PROFILES_FILE"
