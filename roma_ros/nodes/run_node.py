"""Main loop of a node's process, from arguments to exit status."""

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
from roma_ros.nodes.input_errors import InputErrors
from roma_ros.nodes.rclpy_compat import SPIN_TIMEOUT, ignore_shutdown_errors, is_running
from roma_ros.nodes.shared_memory import sweep_dead_segments
from roma_ros.nodes.start_errors import describe_start_error
from roma_ros.nodes.undeclared import warn_of_undeclared
from roma_ros.sources import SourceError

__all__ = ["run"]

BAD_START = (InvalidParameterTypeException, InvalidParameterValueException, SourceError)
ROS_FAILED = (rclpy_implementation.RCLError, rclpy_implementation.UnknownROSArgsError)


def run(make_node: Callable[[], Node], arguments: Sequence[str] | None = None) -> int:
    """Create a node, spin it until it ends, and destroy it.

    SIGINT and SIGTERM shut the node down in order. A node ends itself by setting its attribute
    `exit_status`, `None` until then, from any thread. A callback that raises does not end the node:
    the error is logged, and counted by the node's attribute `input_errors` if it has one.

    If the node's attribute `has_unstoppable_thread` is true at the end, this function ends the
    process without returning. Shared memory of killed processes is removed first.

    Args:
        make_node: creates the node, after `rclpy.init`.
        arguments: command line; `None`: `sys.argv`.

    Returns:
        The exit status: the node's `exit_status`, 0 if it has none; 2 if the node cannot be created
        because a device, a file or a valid parameter is missing, or because ROS cannot start.
    """
    swept = sweep_dead_segments()
    try:
        rclpy.init(args=None if arguments is None else list(arguments))
        with warnings.catch_warnings():
            # rclpy warns of a node that could not be created, in addition to the error.
            warnings.filterwarnings("ignore", message="Failed to fini")
            node = make_node()
    except (*BAD_START, *ROS_FAILED) as error:
        reason = str(error) if isinstance(error, BAD_START) else describe_start_error(error)
        print(f"cannot start: {reason}", file=sys.stderr)
        get_default_context().try_shutdown()
        return 2
    if swept.segments:
        node.get_logger().info(str(swept))
    warn_of_undeclared(node)
    errors = getattr(node, "input_errors", None) or InputErrors(node.get_logger().error)
    guard_services(node, errors)
    executor = GuardedExecutor(node, errors)
    try:
        # A signal may shut ROS down between any two steps of the executor, which then raises.
        with suppress(KeyboardInterrupt, ExternalShutdownException), ignore_shutdown_errors(node):
            while is_running(node.context) and _exit_status(node) is None:
                executor.spin_once(timeout_sec=SPIN_TIMEOUT)
    finally:
        _ignore_signals()
        node.destroy_node()
        get_default_context().try_shutdown()
        _ignore_signals()  # shutting down has restored the previous handlers
    status = _exit_status(node) or 0
    if getattr(node, "has_unstoppable_thread", False):
        # The thread is inside a library and cannot be stopped: at exit the interpreter would wait
        # for it, or crash.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _ignore_signals() -> None:
    """Ignore signals while the node ends: after Ctrl-C `ros2 launch` sends one more."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _exit_status(node: Node) -> int | None:
    status: int | None = getattr(node, "exit_status", None)
    return status
