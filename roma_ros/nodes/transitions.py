"""Lifecycle transitions that may take long, or that do not fit the node's state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

from roma_ros.nodes.deferred import Respond, defer
from roma_ros.nodes.ending import unless_gone

__all__ = ["Transitions"]

SHUTDOWNS = (
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
    Transition.TRANSITION_INACTIVE_SHUTDOWN,
    Transition.TRANSITION_ACTIVE_SHUTDOWN,
)
END_TIMEOUT = 2.0  # seconds to wait for a configure that was told to end


class Transitions:
    """The service `~/change_state` of a node whose configure takes long.

    Configure is run in a thread, so that the executor goes on; all other transitions are quick and
    are run by the executor. While the node configures, a transition is refused, but for shutdown,
    which ends the configure first. One that does not fit the node's state is refused, as by nodes
    in C++; rclpy would end the process.

    Args:
        node: whose transitions they are.
        abandon: makes a configure under way return soon; called in any thread.
    """

    def __init__(self, node: LifecycleNode, abandon: Callable[[], None]) -> None:
        self._node = node
        self._abandon = abandon
        self._configuring: threading.Thread | None = None
        (service,) = (s for s in node.services if s.srv_name.endswith("/change_state"))
        self._change_state = service.callback
        defer(node, service, self._on_request)

    def start(self) -> None:
        """Configure, and activate once that is done."""
        self._run_in_thread(self._configure_and_activate)

    def close(self) -> None:
        """End a configure under way; for the end of the node."""
        thread = self._configuring
        if thread is None or thread is threading.current_thread():
            return
        deadline = time.monotonic() + END_TIMEOUT
        while thread.is_alive() and time.monotonic() < deadline:
            self._abandon()  # again, in case that it has only just begun
            thread.join(0.02)

    def _on_request(self, request: ChangeState.Request, respond: Respond) -> None:
        """In the executor."""
        label, number = request.transition.label, request.transition.id
        if label == "shutdown" or (not label and number in SHUTDOWNS):
            self.close()
        if self._configuring is not None:
            why = "the node is configuring; shutdown would end that"
            respond(self._refused(request, why))
        elif label == "configure" or (not label and number == Transition.TRANSITION_CONFIGURE):
            self._run_in_thread(lambda: self._configure_for(request, respond))
        else:
            respond(self._change(request))

    def _change(self, request: ChangeState.Request) -> ChangeState.Response:
        try:
            return self._change_state(request, ChangeState.Response())
        except rclpy_implementation.RCLError as error:
            return self._refused(request, str(error))

    def _refused(self, request: ChangeState.Request, why: str) -> ChangeState.Response:
        name = request.transition.label[:40] or request.transition.id
        self._node.get_logger().warning(f"transition {name} refused: {why}")
        return ChangeState.Response(success=False)

    # --- in the thread that configures ---

    def _run_in_thread(self, configure: Callable[[], object]) -> None:
        def run() -> None:
            with unless_gone(self._node):
                configure()

        self._configuring = threading.Thread(target=run, name="configure", daemon=True)
        self._configuring.start()

    def _configure_for(self, request: ChangeState.Request, respond: Respond) -> None:
        try:
            response = self._change(request)
        finally:
            self._configuring = None  # before the response: the next request may follow at once
        respond(response)

    def _configure_and_activate(self) -> None:
        try:
            done = self._node.trigger_configure()
        finally:
            self._configuring = None
        executor = self._node.executor
        if done == TransitionCallbackReturn.SUCCESS and executor is not None:
            executor.create_task(self._activate)

    def _activate(self) -> None:
        try:
            self._node.trigger_activate()
        except rclpy_implementation.RCLError as error:
            self._node.get_logger().warning(f"not activated: {error}")
