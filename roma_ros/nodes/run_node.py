"""The life of a node's process, from arguments to exit status."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress

import rclpy
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import ExternalShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.utilities import get_default_context

from roma_ros.nodes.callback_errors import GuardedExecutor, guard_services
from roma_ros.nodes.ending import is_up, unless_gone
from roma_ros.nodes.input_errors import Faults
from roma_ros.nodes.shared_memory import sweep_dead_segments
from roma_ros.nodes.start_errors import describe_start_error
from roma_ros.nodes.undeclared import warn_of_undeclared
from roma_ros.sources import SourceError

__all__ = ["run"]

LONGEST_WAIT = 0.25
"""Seconds between two looks at whether ROS is shut down. rclpy's signal handler wakes the executor
before it shuts the context down: an executor that looks in between and then waits for ever never
ends (3 of 200 nodes without a timer)."""

BAD_START = (InvalidParameterTypeException, InvalidParameterValueException, SourceError)
ROS_FAILED = (rclpy_implementation.RCLError, rclpy_implementation.UnknownROSArgsError)


def run(make_node: Callable[[], Node], arguments: Sequence[str] | None = None) -> int:
    """Make a node and spin it until it is told to end.

    SIGINT and SIGTERM end it in good order. A node ends by its attribute `exit_status`, which is
    `None` as long as it has to run, and may be set by any thread. A callback that raises does not
    end it: its error is logged, and counted by the node's attribute `faults`, if it has one.

    Where the node's attribute `leaves_a_thread` is true, the process ends here.

    Shared memory of processes that were killed is removed first.

    Returns:
        The process's exit status: that of the node, 0 if it has none; 2 if it could not be made
        for want of a device, a file or a right parameter, or because ROS could not start.
    """
    swept = sweep_dead_segments()
    try:
        rclpy.init(args=None if arguments is None else list(arguments))
        with warnings.catch_warnings():
            # Of a node that could not be made, besides the error.
            warnings.filterwarnings("ignore", message="Failed to fini")
            node = make_node()
    except (*BAD_START, *ROS_FAILED) as error:
        is_ours = isinstance(error, BAD_START)
        said = str(error) if is_ours else describe_start_error(error)
        print(f"cannot start: {said}", file=sys.stderr)
        get_default_context().try_shutdown()
        return 2
    if swept.segments:
        node.get_logger().info(str(swept))
    warn_of_undeclared(node)
    faults = getattr(node, "faults", None) or Faults(node.get_logger().error)
    guard_services(node, faults)
    executor = GuardedExecutor(node, faults)
    try:
        # A signal shuts ROS down between any two steps of the executor, which may trip over it.
        with suppress(KeyboardInterrupt, ExternalShutdownException), unless_gone(node):
            while is_up(node.context) and _exit_status(node) is None:
                executor.spin_once(timeout_sec=LONGEST_WAIT)
    finally:
        _ignore_signals()
        node.destroy_node()
        get_default_context().try_shutdown()
        _ignore_signals()  # rclpy has put the handlers of before back
    status = _exit_status(node) or 0
    if getattr(node, "leaves_a_thread", False):
        # It is at work in a library and cannot be stopped: an interpreter that ends would wait for
        # it, or crash under it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _ignore_signals() -> None:
    """Let nothing disturb the end: after Ctrl-C, `ros2 launch` sends a signal of its own."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _exit_status(node: Node) -> int | None:
    status: int | None = getattr(node, "exit_status", None)
    return status
