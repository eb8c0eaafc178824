"""Client side of a goal of the action `~/ask`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.action.client import ActionClient, ClientGoalHandle
from rclpy.executors import Executor

from roma_ros.action import Ask

__all__ = ["AskGoal"]


class AskGoal:
    """A question under way. Call its methods from any thread except the executor's.

    Only the executor uses the action client: a reply that arrives while another thread sends is
    lost (ros2/rclpy issue 1123).

    Args:
        executor: spins the node of `client`.
        client: action client, whose server is available.
        goal: the question.
        on_text: called in the executor's thread with the answer generated so far.

    Attributes:
        result: the result; `None` before the end, and if the goal was not accepted.
        status: how the goal ended, a constant of action_msgs/GoalStatus.
    """

    def __init__(
        self,
        executor: Executor,
        client: ActionClient,
        goal: Ask.Goal,
        on_text: Callable[[str], object] | None = None,
    ) -> None:
        self.result: Ask.Result | None = None
        self.status = GoalStatus.STATUS_UNKNOWN
        self._executor = executor
        self._client = client
        self._goal = goal
        self._on_text = on_text
        self._handle: ClientGoalHandle | None = None
        self._cancelled = False
        self._done = threading.Event()
        executor.create_task(self._send)

    @property
    def done(self) -> bool:
        """Whether the goal has ended or was refused."""
        return self._done.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of the goal at most `timeout` seconds; return whether it has ended."""
        return self._done.wait(timeout)

    def cancel(self) -> None:
        """Request the cancellation; an answer that is complete by then is returned anyway."""
        self._cancelled = True
        self._executor.create_task(self._send_cancel)

    # --- in the executor's thread ---

    def _send(self) -> None:
        sent = self._client.send_goal_async(self._goal, self._on_feedback)
        sent.add_done_callback(self._on_accepted)

    def _send_cancel(self) -> None:
        if self._handle is not None and not self._done.is_set():
            self._handle.cancel_goal_async()

    def _on_accepted(self, sent: Any) -> None:
        handle = sent.result()
        if not handle.accepted:
            self._done.set()
            return
        self._handle = handle
        handle.get_result_async().add_done_callback(self._on_result)
        if self._cancelled:
            self._send_cancel()

    def _on_feedback(self, message: Any) -> None:
        if self._on_text is not None:
            self._on_text(message.feedback.text)

    def _on_result(self, ended: Any) -> None:
        response = ended.result()
        self.result, self.status = response.result, response.status
        self._done.set()
