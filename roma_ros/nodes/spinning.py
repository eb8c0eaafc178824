"""The life of a node's process, from arguments to exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

import rclpy
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.utilities import get_default_context

from roma_ros.nodes.callback_errors import GuardedExecutor, guard_services
from roma_ros.nodes.ending import unless_gone
from roma_ros.nodes.faults import Faults
from roma_ros.nodes.undeclared import warn_of_undeclared
from roma_ros.sources import SourceError

__all__ = ["run"]

BAD_START = (InvalidParameterTypeException, InvalidParameterValueException, SourceError)


def run(make_node: Callable[[], Node], arguments: Sequence[str] | None = None) -> int:
    """Make a node and spin it until it is told to end.

    SIGINT and SIGTERM end it in good order; so does a node that shuts its context down. A callback
    that raises does not end it: its error is logged, and counted by the node's attribute `faults`,
    if it has one.

    Returns:
        The process's exit status: the node's attribute `exit_status`, 0 if it has none; 2 if it
        could not be made for want of a device, a file or a right parameter.
    """
    rclpy.init(args=None if arguments is None else list(arguments))
    try:
        node = make_node()
    except BAD_START as error:
        print(f"cannot start: {error}", file=sys.stderr)
        get_default_context().try_shutdown()
        return 2
    warn_of_undeclared(node)
    faults = getattr(node, "faults", None) or Faults(node.get_logger().error)
    guard_services(node, faults)
    executor = GuardedExecutor(node, faults)
    try:
        # A signal shuts ROS down between any two steps of the executor, which may trip over it.
        with suppress(KeyboardInterrupt, ExternalShutdownException), unless_gone(node):
            executor.spin()
    finally:
        node.destroy_node()
        get_default_context().try_shutdown()
    return int(getattr(node, "exit_status", 0))
