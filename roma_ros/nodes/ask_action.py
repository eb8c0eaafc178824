"""The action `~/ask`: a question with the answer's text as feedback, which can be cancelled."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial

from rclpy.action.server import CancelResponse, GoalResponse, ServerGoalHandle
from rclpy.node import Node

from roma_ros.action import Ask
from roma_ros.events import Answer
from roma_ros.nodes import qos
from roma_ros.nodes.rclpy_compat import DeferredActionServer, ignore_shutdown_errors
from roma_ros.nodes.stamps import time_of

__all__ = ["AskAction"]

RESULT_TIMEOUT = 60  # s of the node's clock that a result is kept
MAX_GOALS = 2_000  # under way or with a kept result; rclpy 7.1 has no bound
LOG_PERIOD = 5.0  # s between two lines of the same kind

AskQuestion = Callable[[Ask.Goal, Callable[[str], object]], tuple[Future[Answer], str]]


class AskAction:
    """Server of the action `~/ask`.

    Args:
        node: the node to serve with.
        ask: queues a question, given the goal and a function that takes the text so far; returns
            its future answer and a warning. It must not block.
        refusals: exceptions of `ask` that are returned to the client as a message.
    """

    def __init__(self, node: Node, ask: AskQuestion, refusals: tuple[type[Exception], ...]) -> None:
        self._node = node
        self._ask = ask
        self._refusals = refusals
        self._asked: dict[bytes, Future[Answer]] = {}  # by goal; only the executor's
        self._server = DeferredActionServer(
            node,
            Ask,
            "~/ask",
            execute_callback=_unused,
            goal_callback=self._accept,
            handle_accepted_callback=self._begin,
            cancel_callback=self._cancel,
            goal_service_qos_profile=qos.QUESTIONS,
            result_service_qos_profile=qos.QUESTIONS,
            cancel_service_qos_profile=qos.QUESTIONS,
            feedback_pub_qos_profile=qos.ANSWER_TEXTS,
            result_timeout=RESULT_TIMEOUT,
        )

    def close(self) -> None:
        """Destroy the server; call this before the node is destroyed."""
        self._server.destroy()

    def _accept(self, _goal: Ask.Goal) -> GoalResponse:
        if self._server.goal_count < MAX_GOALS:
            return GoalResponse.ACCEPT
        self._node.get_logger().warning(
            f"a goal of ~/ask is rejected: {MAX_GOALS} are under way or have results that are kept "
            f"for {RESULT_TIMEOUT} s of the node's clock",
            throttle_duration_sec=LOG_PERIOD,
        )
        return GoalResponse.REJECT

    def _begin(self, goal: ServerGoalHandle) -> None:
        goal.execute()
        try:
            asked, warning = self._ask(goal.request, partial(self._publish_text, goal))
        except self._refusals as error:
            result = Ask.Result(success=False, message=str(error))
            self._server.finish(goal, lambda _: self._end(goal, result))
            return
        self._asked[_key(goal)] = asked
        asked.add_done_callback(partial(self._finish, goal, warning))

    def _cancel(self, goal: ServerGoalHandle) -> CancelResponse:
        asked = self._asked.get(_key(goal))
        if asked is None or not asked.cancel():
            return CancelResponse.REJECT
        return CancelResponse.ACCEPT

    def _publish_text(self, goal: ServerGoalHandle, text: str) -> None:
        """Publish the text so far; called in the worker's thread."""
        with ignore_shutdown_errors(self._node):
            goal.publish_feedback(Ask.Feedback(text=text))

    def _finish(self, goal: ServerGoalHandle, warning: str, asked: Future[Answer]) -> None:
        """Finish a goal; called in the thread that has the answer."""
        result = _result(asked)
        result.warning = warning
        executor = self._node.executor
        if executor is None or not self._node.context.ok():
            return  # the node is being destroyed
        # An executor that was shut down has no guard condition any more.
        with ignore_shutdown_errors(self._node), suppress(AttributeError):
            self._server.finish(goal, lambda _: self._end(goal, result))

    def _end(self, goal: ServerGoalHandle, result: Ask.Result) -> Ask.Result:
        """Set the final state of a goal; called in the executor."""
        self._asked.pop(_key(goal), None)
        if result.success:
            goal.succeed()
        elif goal.is_cancel_requested:
            goal.canceled()
        else:
            goal.abort()
        return result


def _result(asked: Future[Answer]) -> Ask.Result:
    """Convert a finished question to a result."""
    try:
        answer = asked.result()
    except CancelledError:
        return Ask.Result(success=False, message="the question was cancelled before the answer")
    except Exception as error:
        return Ask.Result(success=False, message=str(error))
    return Ask.Result(
        success=True, answer=answer.text, stamp=time_of(answer.stamp), latency=answer.latency
    )


def _key(goal: ServerGoalHandle) -> bytes:
    return bytes(goal.goal_id.uuid)


def _unused(_goal: ServerGoalHandle) -> Ask.Result:
    raise RuntimeError("DeferredActionServer must not execute goals")
