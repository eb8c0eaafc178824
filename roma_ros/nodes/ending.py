"""What threads do when the node under them has gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

__all__ = ["unless_gone"]


@contextmanager
def unless_gone(node: Node) -> Iterator[None]:
    """Pass over what fails only because the node is destroyed or ROS is shut down.

    A signal shuts ROS down at once, while threads are at work; they end soon after.
    """
    try:
        yield
    except InvalidHandle:
        pass
    except (rclpy_implementation.RCLError, RuntimeError):
        # RuntimeError: a signal came while a message was turned into Python.
        if not _goes(node):
            raise


def _goes(node: Node) -> bool:
    """Whether ROS is shut down, or is within a second: a signal's work is done by a thread."""
    for _ in range(20):
        if not node.context.ok():
            return True
        time.sleep(0.05)
    return False
