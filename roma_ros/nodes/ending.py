"""How threads end with the node that they work for, whichever of the two ends first.

ROS may be shut down by a signal, by a thread of ours or by another program's code. From Kilted on a
context that is shut down also destroys its nodes: in the thread that shuts it down, and holding the
context's lock. A thread that shuts down is therefore never waited for in itself, every wait has an
end, and nothing here asks for that lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

__all__ = ["is_up", "join", "unless_gone"]


def is_up(context: Context) -> bool:
    """Whether a context is initialised and not shut down: `context.ok()` that never waits."""
    handle = context.handle
    if handle is None:
        return False
    try:
        with handle:
            return bool(handle.ok())
    except InvalidHandle:
        return False


def join(thread: threading.Thread, timeout: float) -> bool:
    """Wait for the end of a thread, unless it is the calling one.

    Args:
        timeout: s.

    Returns:
        Whether the thread has ended.
    """
    if thread is not threading.current_thread():
        thread.join(timeout)
    return not thread.is_alive()


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
        if not is_up(node.context):
            return True
        time.sleep(0.05)
    return False
