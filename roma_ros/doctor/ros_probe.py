"""Process that starts a node and imports the messages.

`python -m roma_ros.doctor.ros_probe`
"""

from __future__ import annotations

import importlib

from roma_ros.doctor.probe import attempt

__all__ = ["MESSAGES", "NODE", "ROS_PACKAGES", "main"]

NODE = "node"
MESSAGES = "messages"
ROS_PACKAGES = ("diagnostic_msgs", "lifecycle_msgs", "sensor_msgs", "std_srvs")


def main() -> None:
    """Run both attempts, even if one fails."""
    attempt(NODE, _node)
    attempt(MESSAGES, _messages)


def _node() -> str:
    """Start a node, and return the name of its middleware."""
    import rclpy
    from rclpy.utilities import get_rmw_implementation_identifier, try_shutdown

    rclpy.init(args=[])
    try:
        node = rclpy.create_node("roma_doctor")
        node.destroy_node()  # type: ignore[no-untyped-call]
        return str(get_rmw_implementation_identifier())
    finally:
        try_shutdown()


def _messages() -> str:
    for package in ROS_PACKAGES:
        importlib.import_module(package)
    importlib.import_module("roma_ros.msg")
    importlib.import_module("roma_ros.srv")
    return "roma_ros, " + ", ".join(ROS_PACKAGES)


if __name__ == "__main__":
    main()
