"""What threads do when the node under them has gone."""

from __future__ import annotations

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
        if node.context.ok():
            raise
