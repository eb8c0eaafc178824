"""Lifecycle transitions that do not fit the node's state are refused, as by nodes in C++."""

from __future__ import annotations

from collections.abc import Callable

from lifecycle_msgs.srv import ChangeState
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode

__all__ = ["refuse_impossible_transitions"]

Callback = Callable[[ChangeState.Request, ChangeState.Response], ChangeState.Response]


def refuse_impossible_transitions(node: LifecycleNode) -> None:
    """Let `~/change_state` answer success=false where rclpy would end the process."""
    for service in node.services:
        if service.srv_name.endswith("/change_state"):
            service.callback = _guarded(node, service.callback)


def _guarded(node: LifecycleNode, change_state: Callback) -> Callback:
    def guarded(
        request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        try:
            return change_state(request, response)
        except rclpy_implementation.RCLError as error:
            node.get_logger().warning(f"transition {request.transition.id} refused: {error}")
            response.success = False
            return response

    return guarded
