"""Services that answer later, from whichever thread has the answer.

Awaiting a future in a callback would do in principle, but rclpy of Jazzy asks a waiting coroutine
again and again without a pause: a busy loop that takes the interpreter from the model.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.service import Service

from roma_ros.nodes.ending import unless_gone
from roma_ros.nodes.paced_replies import PacedReplies

__all__ = ["Respond", "create_deferred_service", "defer"]

Respond = Callable[[Any], None]


def create_deferred_service(
    node: Node,
    srv_type: type,
    name: str,
    callback: Callable[[Any, Respond], None],
    profile: QoSProfile,
    replies: PacedReplies | None = None,
) -> Service:
    """Create a service whose callback gets the request and a function to respond with.

    Args:
        callback: called by the executor; it must not wait. The function that it is given takes
            the response, once, in any thread.
        replies: sends the responses; `None`: they are sent at once.
    """
    service = node.create_service(srv_type, name, lambda request, _: request, qos_profile=profile)
    defer(node, service, callback, replies)
    return service


def defer(
    node: Node,
    service: Service,
    callback: Callable[[Any, Respond], None],
    replies: PacedReplies | None = None,
) -> None:
    """Let a service of a node respond later; arguments are as for `create_deferred_service`."""
    send = service.send_response

    def begin(request: Any, header: Any) -> None:
        def send_now(response: Any) -> None:
            with unless_gone(node):
                send(response, header)

        def respond(response: Any) -> None:
            if replies is None:
                send_now(response)
            else:
                replies.put(partial(send_now, response))

        callback(request, respond)

    # The executor gives what a service's callback returns to `send_response`, with the header that
    # says who asked. It gets the request back here, and the response is sent when there is one.
    service.callback = lambda request, _: request  # type: ignore[assignment,return-value]
    service.send_response = begin  # type: ignore[assignment,method-assign]
