"""Descriptions of errors that keep ROS from starting, in one line with their remedy."""

from __future__ import annotations

import os
import re

from rclpy.impl.implementation_singleton import rclpy_implementation

__all__ = ["describe_start_error"]

PLACES = re.compile(r", at /\S+:\d+")  # in rcl's sources
PREFIXES = re.compile(
    r"(failed to initialize (rcl|logging)|error creating node|Failed to [a-z ]+): "
)
REMEDIES = (
    (
        "security libraries",
        "the ROS wheels from PyPI are such; install ROS from its own packages, or unset "
        "ROS_SECURITY_ENABLE",
    ),
    (
        "SECURITY ERROR",
        "make the keystore and the enclave as docs/security_ros2.md says, or unset "
        "ROS_SECURITY_ENABLE",
    ),
    ("ROS_DOMAIN_ID", "set ROS_DOMAIN_ID to a number from 0 to 101"),
    ("log", "set ROS_LOG_DIR to a folder that can be written"),
)
NO_KEYSTORE = (
    "ROS security is enforced (ROS_SECURITY_STRATEGY), and ROS_SECURITY_KEYSTORE is not set; name "
    "the keystore's folder, made as docs/security_ros2.md says, or unset ROS_SECURITY_ENABLE"
)


def describe_start_error(error: Exception) -> str:
    """Describe an error of `rclpy.init` or of making a node.

    Args:
        error: rclpy's, whose text has places in rcl's sources and may carry no message.
    """
    text = PREFIXES.sub("", PLACES.sub("", " ".join(str(error).split()))).rstrip(". ")
    text = text.partition(" Please compile Fast DDS")[0]  # advice for builders of ROS
    if text == "error not set":  # rcl gives no message
        if _security_is_on() and not os.environ.get("ROS_SECURITY_KEYSTORE"):
            return NO_KEYSTORE
        return str(error)
    if isinstance(error, rclpy_implementation.UnknownROSArgsError):
        return f"there are no such ROS arguments: {error}"
    for word, remedy in REMEDIES:
        if word in text:
            return f"{text}; {remedy}"
    return text


def _security_is_on() -> bool:
    return os.environ.get("ROS_SECURITY_ENABLE", "").lower() == "true"
