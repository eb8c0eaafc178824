"""Work-arounds for rclpy, all in one place: functions that the nodes need and rclpy lacks.

Each entry names the behaviour that it works around and the rclpy version that has it (Jazzy is
7.1, Kilted 9), so that it can be removed once the oldest supported release behaves.

| what | works around | rclpy |
|---|---|---|
| `SPIN_TIMEOUT` | an executor that misses the wake-up of a signal waits for ever | 7.1, 9 |
| `is_running` | `Context.ok()` takes a lock that `shutdown` holds while it destroys nodes | 9 |
| `join_thread` | `shutdown` may run in the thread that a node waits for | 9 |
| `ignore_shutdown_errors` | publishing races with a signal that shuts ROS down | 7.1, 9 |
| `create_deferred_service` | an awaited future in a service callback is a busy loop | 7.1 |
| `DeferredActionServer` | the same in an action's execute callback | 7.1 |
| `LifecycleTransitions` | a transition blocks the executor; a wrong one raises out of it | 7.1, 9 |
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.action.server import ActionServer, ServerGoalHandle
from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.service import Service

from roma_ros.nodes.paced_replies import PacedReplies

__all__ = [
    "SPIN_TIMEOUT",
    "DeferredActionServer",
    "LifecycleTransitions",
    "Respond",
    "create_deferred_service",
    "ignore_shutdown_errors",
    "is_running",
    "join_thread",
]

Respond = Callable[[Any], None]

# --- shutdown ---
#
# A signal, a thread of the node or another program's code may shut ROS down. From rclpy 9 (Kilted)
# on, a context that is shut down also destroys its nodes: in the thread that shuts it down, with
# the context's lock held. So no thread waits for itself, every wait has a timeout, and nothing here
# takes that lock.

SPIN_TIMEOUT = 0.25
"""Timeout of `Executor.spin_once`, s. rclpy's signal handler wakes the executor before it shuts the
context down: an executor that checks the context in between and then waits without a timeout is
never woken again (3 of 200 nodes without a timer, rclpy 7.1)."""

SHUTDOWN_CHECKS = 20
SHUTDOWN_CHECK_PERIOD = 0.05  # s; a signal's work is done by a thread, within a second


def is_running(context: Context) -> bool:
    """Return whether a context is initialised and not shut down: `context.ok()` without its lock.

    In rclpy 9 `Context.shutdown` holds the lock while it destroys the context's nodes, and
    `Context.ok` waits for it: a thread that the node waits for would never end.
    """
    handle = context.handle
    if handle is None:
        return False
    try:
        with handle:
            return bool(handle.ok())
    except InvalidHandle:
        return False


def join_thread(thread: threading.Thread, timeout: float) -> bool:
    """Wait for a thread to end, unless it is the calling thread.

    In rclpy 9 a thread that shuts ROS down also runs the `destroy_node` of its own node.

    Args:
        thread: the thread to wait for.
        timeout: longest wait, s.

    Returns:
        Whether the thread has ended.
    """
    if thread is not threading.current_thread():
        thread.join(timeout)
    return not thread.is_alive()


@contextmanager
def ignore_shutdown_errors(node: Node) -> Iterator[None]:
    """Suppress errors that are only due to the node being destroyed or ROS being shut down.

    A signal shuts ROS down at once, while other threads still publish. rclpy 7.1 and 9 then raise
    `InvalidHandle`, `RCLError` or `RuntimeError` from whatever call is under way.
    """
    try:
        yield
    except InvalidHandle:
        pass
    except (rclpy_implementation.RCLError, RuntimeError):
        # RuntimeError: the signal came while a message was converted to Python.
        if not _is_shutting_down(node.context):
            raise


def _is_shutting_down(context: Context) -> bool:
    """Return whether ROS is shut down, or is within a second."""
    for _ in range(SHUTDOWN_CHECKS):
        if not is_running(context):
            return True
        time.sleep(SHUTDOWN_CHECK_PERIOD)
    return False


# --- services and actions that respond later ---
#
# A coroutine as callback would do in principle, but the executor of rclpy 7.1 resumes a coroutine
# that awaits a future again and again without a pause: a busy loop that takes the interpreter from
# the model.


def create_deferred_service(
    node: Node,
    srv_type: type,
    name: str,
    callback: Callable[[Any, Respond], None],
    profile: QoSProfile,
    replies: PacedReplies | None = None,
) -> Service:
    """Create a service that responds later, from any thread.

    Args:
        node: the node to create the service on.
        srv_type: type of the service.
        name: name of the service, relative to the node.
        callback: called by the executor with the request and a function that sends the response. It
            must not block. The function is to be called once, from any thread.
        profile: quality of service.
        replies: queue that sends the responses; `None`: send each at once.
    """
    service = node.create_service(srv_type, name, lambda request, _: request, qos_profile=profile)
    _defer(node, service, callback, replies)
    return service


def _defer(
    node: Node,
    service: Service,
    callback: Callable[[Any, Respond], None],
    replies: PacedReplies | None = None,
) -> None:
    """Let an existing service respond later; arguments as for `create_deferred_service`."""
    send = service.send_response

    def begin(request: Any, header: Any) -> None:
        def send_now(response: Any) -> None:
            with ignore_shutdown_errors(node):
                send(response, header)

        def respond(response: Any) -> None:
            if replies is None:
                send_now(response)
            else:
                replies.put(partial(send_now, response))

        callback(request, respond)

    # The executor passes what a service's callback returns to `send_response`, with the header that
    # identifies the client. Here it gets the request back; the response is sent when there is one.
    service.callback = lambda request, _: request  # type: ignore[assignment,return-value]
    service.send_response = begin  # type: ignore[assignment,method-assign]


class DeferredActionServer(ActionServer):
    """Action server whose goals are executed outside of the executor.

    `goal.execute()` marks a goal as executing and calls nothing. Call `finish` once per goal, from
    any thread, when its result is there.
    """

    def notify_execute(
        self, goal: ServerGoalHandle, callback: Callable[[ServerGoalHandle], object] | None
    ) -> None:
        if callback is not None:
            super().notify_execute(goal, callback)

    @property
    def goal_count(self) -> int:
        """Number of goals under way, and of goals whose result is kept."""
        return len(self._goal_handles)

    def finish(
        self, goal: ServerGoalHandle, callback: Callable[[ServerGoalHandle], object]
    ) -> None:
        """Let the executor call a function that ends the goal and returns its result."""
        self.notify_execute(goal, callback)


# --- lifecycle ---

SHUTDOWNS = (
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
    Transition.TRANSITION_INACTIVE_SHUTDOWN,
    Transition.TRANSITION_ACTIVE_SHUTDOWN,
)
ABANDON_TIMEOUT = 2.0  # s to wait for a configure that was abandoned
MAX_LABEL = 40  # characters of a requested label in the log


class LifecycleTransitions:
    """The service `~/change_state` of a node whose configure takes long.

    rclpy 7.1 and 9 run every transition in the executor, so that a node that loads a model
    answers nothing meanwhile; and raise RCLError out of the executor on a transition that does not
    fit the node's state.

    Here configure runs in a thread of its own; all other transitions are short and run in the
    executor. While the node configures, transitions are refused, except shutdown, which ends the
    configure first. A transition that does not fit the node's state is refused, as rclcpp does.

    Args:
        node: the lifecycle node.
        abandon: makes a configure under way return soon; called from any thread.
    """

    def __init__(self, node: LifecycleNode, abandon: Callable[[], None]) -> None:
        self._node = node
        self._abandon = abandon
        self._configuring: threading.Thread | None = None
        (service,) = (s for s in node.services if s.srv_name.endswith("/change_state"))
        self._change_state = service.callback
        _defer(node, service, self._on_request)

    def start(self) -> None:
        """Configure the node in a thread, then activate it."""
        self._run_in_thread(self._configure_and_activate)

    def close(self) -> None:
        """End a configure under way."""
        thread = self._configuring
        if thread is None or thread is threading.current_thread():
            return
        deadline = time.monotonic() + ABANDON_TIMEOUT
        while thread.is_alive() and time.monotonic() < deadline:
            self._abandon()  # repeated: the configure may have only just begun
            thread.join(0.02)

    def _on_request(self, request: ChangeState.Request, respond: Respond) -> None:
        """Handle a request, in the executor."""
        label, number = request.transition.label, request.transition.id
        if label == "shutdown" or (not label and number in SHUTDOWNS):
            self.close()
        if self._configuring is not None:
            why = "the node is configuring; only shutdown is possible"
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
        name = request.transition.label[:MAX_LABEL] or request.transition.id
        self._node.get_logger().warning(f"transition {name} refused: {why}")
        return ChangeState.Response(success=False)

    # In the thread that configures:

    def _run_in_thread(self, configure: Callable[[], object]) -> None:
        def run() -> None:
            with ignore_shutdown_errors(self._node):
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
