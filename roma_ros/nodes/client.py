"""Client of a running roma node that hides executors and futures."""

from __future__ import annotations

import enum
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import rclpy
from action_msgs.msg import GoalStatus
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rclpy.action.client import ActionClient
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from std_srvs.srv import SetBool, Trigger

from roma_ros.action import Ask as AskAction
from roma_ros.msg import (
    Alert,
    JournalEvent,
    Narration,
    SpeakProbability,
    StreamEvent,
    WatchInfo,
)
from roma_ros.nodes import qos
from roma_ros.nodes.ask_goal import AskGoal
from roma_ros.nodes.rclpy_compat import (
    SPIN_TIMEOUT,
    ignore_shutdown_errors,
    is_running,
    join_thread,
)
from roma_ros.nodes.stamps import stamp_of, time_of
from roma_ros.srv import AdjustWatch, Ask, EventsSince, ListWatches, Unwatch, Watch
from roma_ros.watch import WatchKind

__all__ = [
    "AnswerReply",
    "EventsReply",
    "Message",
    "Outcome",
    "PendingAnswer",
    "Reply",
    "RomaClient",
    "WatchReply",
    "WatchesReply",
]

Message: TypeAlias = "Alert | Narration | SpeakProbability"

MAX_QUEUED = 100  # alerts, and narrations, that wait for `wait_for_alert` and `wait_for_narration`


class Outcome(enum.Enum):
    """Outcome of a call to the node."""

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    """The node refused; the reply's message is the reason."""
    CANCELLED = "cancelled"
    """The caller cancelled it."""
    TIMED_OUT = "timed out"
    """No reply in time: the node is not running, or busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Result of a call; true if it succeeded.

    Attributes:
        outcome: how the call ended.
        message: message of the node, such as the reason why it refused.
    """

    outcome: Outcome
    message: str = ""

    def __bool__(self) -> bool:
        return self.outcome is Outcome.SUCCEEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReply(Reply):
    """Result of `watch`.

    Attributes:
        id: id of the new watch; empty if it was refused.
        warning: what the model was not trained for in the instruction; empty: nothing.
    """

    id: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReply(Reply):
    """Result of `ask`.

    Attributes:
        answer: the answer; empty if the question was refused.
        stamp: end of the last unit that the answer is based on, ns on the sensor clock.
        latency: time from the question to the complete answer, s.
        warning: what the model was not trained for in the question; empty: nothing.
    """

    answer: str = ""
    stamp: int = 0
    latency: float = 0.0
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchesReply(Reply):
    """Result of `list_watches` and `adjust`.

    Attributes:
        watches: the running watches, oldest first; of `adjust`, the adjusted watch.
    """

    watches: tuple[WatchInfo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsReply(Reply):
    """Result of `events_since`.

    Attributes:
        events: the events, oldest first.
        next: sequence number to pass to the next call.
        more: whether there may be more events.
        oldest: lowest number that the journal keeps; earlier events were deleted by rotation.
        newest: highest number so far.
    """

    events: tuple[JournalEvent, ...] = ()
    next: int = 0
    more: bool = False
    oldest: int = 0
    newest: int = 0


class PendingAnswer:
    """A question under way, which can be cancelled; returned by `RomaClient.begin_ask`."""

    def __init__(self, ask_goal: AskGoal | None, no_reply: Callable[[float], str]) -> None:
        self._goal = ask_goal
        self._no_reply = no_reply

    @property
    def done(self) -> bool:
        """Whether `wait` returns at once: the question was answered or refused, or never sent."""
        return self._goal is None or self._goal.done

    def wait(self, timeout: float = 60.0) -> AnswerReply:
        """Wait for the answer; after `timeout` seconds without one the question is cancelled."""
        ask_goal = self._goal
        if ask_goal is None or not ask_goal.wait(timeout):
            self.cancel()
            return AnswerReply(outcome=Outcome.TIMED_OUT, message=self._no_reply(timeout))
        result = ask_goal.result
        if result is None:
            return AnswerReply(
                outcome=Outcome.REFUSED, message="the node has too many questions; ask again later"
            )
        cancelled = ask_goal.status == GoalStatus.STATUS_CANCELED
        return _answer_reply(result, Outcome.CANCELLED if cancelled else _outcome(result))

    def cancel(self) -> None:
        """Cancel the question; `wait` returns soon after."""
        if self._goal is not None:
            self._goal.cancel()


class RomaClient:
    """Client of one roma node, which spins in a thread of its own. Use as a context manager.

    Its methods block until they have a result, and may be called from any thread except in the
    callbacks.

    Args:
        name: full name of the roma node.
        on_message: called in the client's thread with every Alert, Narration and SpeakProbability.
        on_stream: called in the client's thread with every StreamEvent, including the last few
            from before the client started.
        context: rclpy context; `None`: create one, and shut it down in `close`.
    """

    def __init__(
        self,
        name: str = "/roma",
        *,
        on_message: Callable[[Message], None] | None = None,
        on_stream: Callable[[StreamEvent], None] | None = None,
        context: Context | None = None,
    ) -> None:
        self._own_context = context is None
        self._context = context or Context()
        if self._own_context:
            rclpy.init(context=self._context)
        self._name = name
        self._on_message = on_message
        self._arrived = threading.Condition()
        self._waiting: dict[type, deque[Any]] = {
            Alert: deque(maxlen=MAX_QUEUED),
            Narration: deque(maxlen=MAX_QUEUED),
        }
        self._node = rclpy.create_node("roma_client", context=self._context)
        self._create_clients()
        for topic, message_type, profile in (
            ("alert", Alert, qos.NARRATIONS),  # without the alerts from before the client started
            ("narration", Narration, qos.NARRATIONS),
            ("speak_probability", SpeakProbability, qos.SPEAK_PROBABILITIES),
        ):
            self._node.create_subscription(message_type, f"{name}/{topic}", self._take, profile)
        if on_stream is not None:
            self._node.create_subscription(
                StreamEvent, f"{name}/stream", on_stream, qos.STREAM_EVENTS
            )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._spin, name="roma_client", daemon=True)
        self._thread.start()

    def _create_clients(self) -> None:
        create = self._node.create_client
        self._get_state = create(GetState, f"{self._name}/get_state")
        self._ask = create(Ask, f"{self._name}/ask", qos_profile=qos.QUESTIONS)
        self._watch = create(Watch, f"{self._name}/watch")
        self._unwatch = create(Unwatch, f"{self._name}/unwatch")
        self._list_watches = create(ListWatches, f"{self._name}/list_watches")
        self._adjust = create(AdjustWatch, f"{self._name}/adjust")
        self._events_since = create(
            EventsSince, f"{self._name}/events_since", qos_profile=qos.QUESTIONS
        )
        self._reset = create(Trigger, f"{self._name}/reset")
        self._enable = create(SetBool, f"{self._name}/enable")
        self._enable_audio = create(SetBool, f"{self._name}/enable_audio")
        self._enable_video = create(SetBool, f"{self._name}/enable_video")
        self._ask_action = ActionClient(
            self._node,
            AskAction,
            f"{self._name}/ask",
            goal_service_qos_profile=qos.QUESTIONS,
            result_service_qos_profile=qos.QUESTIONS,
            cancel_service_qos_profile=qos.QUESTIONS,
            feedback_sub_qos_profile=qos.ANSWER_TEXTS,
        )

    def __enter__(self) -> RomaClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Destroy the client's node and end its thread."""
        # The thread ends first: an executor that is shut down while it builds its wait set loses
        # the guard condition that would wake it. A task ends `spin_once`; `wake` does not.
        self._closing.set()
        self._executor.create_task(lambda: None)
        join_thread(self._thread, timeout=5.0)
        self._executor.shutdown(timeout_sec=0.0)
        self._ask_action.destroy()
        self._node.destroy_node()
        if self._own_context:
            self._context.try_shutdown()

    def wait_until_active(self, timeout: float = 60.0) -> Reply:
        """Wait until the node runs, has loaded its model and is active.

        Args:
            timeout: longest wait, s.
        """
        deadline = time.monotonic() + timeout
        state = "not running"
        while (left := deadline - time.monotonic()) > 0:
            response = self._call(self._get_state, GetState.Request(), min(left, 2.0))
            if response is not None:
                state = response.current_state.label
                if response.current_state.id == State.PRIMARY_STATE_ACTIVE:
                    return Reply(outcome=Outcome.SUCCEEDED)
                time.sleep(0.1)
        return Reply(outcome=Outcome.TIMED_OUT, message=f"{self._name} is {state}")

    def watch(
        self,
        instruction: str,
        *,
        kind: WatchKind = WatchKind.ALERT,
        name: str = "",
        threshold: float | None = None,
        window: int | None = None,
        cooldown: float | None = None,
        reply: bool = False,
        timeout: float = 10.0,
    ) -> WatchReply:
        """Add a watch.

        Args:
            instruction: what to watch for, such as "Tell me when the kettle boils."
            kind: an alert is raised when an event happens; a narration keeps describing.
            name: id of the watch; empty: generate one.
            threshold: p(speak) that triggers, above 0 to 1; `None`: the node's parameter.
            window: consecutive units at or above the threshold, 1 to 60; `None`: the node's
                parameter.
            cooldown: shortest time between two alerts, 0 to 3600 s; `None`: the node's parameter.
            reply: whether an alert has a text that describes what happened.
            timeout: longest wait for the node's reply, s.
        """
        request = Watch.Request(kind=_KINDS[kind], id=name, instruction=instruction, reply=reply)
        if threshold is not None:
            request.threshold = float(threshold)
        if window is not None:
            request.window = window
        if cooldown is not None:
            request.cooldown = float(cooldown)
        response = self._call(self._watch, request, timeout)
        if response is None:
            return WatchReply(outcome=Outcome.TIMED_OUT, message=self._no_reply(timeout))
        return WatchReply(
            outcome=_outcome(response),
            message=response.message,
            id=response.id,
            warning=response.warning,
        )

    def unwatch(self, name: str, *, timeout: float = 10.0) -> Reply:
        """Remove a watch.

        Args:
            name: id of the watch.
            timeout: longest wait for the node's reply, s.
        """
        return self._simple(self._unwatch, Unwatch.Request(id=name), timeout)

    def list_watches(self, *, timeout: float = 10.0) -> WatchesReply:
        """Return the running watches with their settings."""
        response = self._call(self._list_watches, ListWatches.Request(), timeout)
        if response is None:
            return WatchesReply(outcome=Outcome.TIMED_OUT, message=self._no_reply(timeout))
        return WatchesReply(
            outcome=_outcome(response), message=response.message, watches=tuple(response.watches)
        )

    def adjust(
        self,
        name: str,
        *,
        threshold: float | None = None,
        window: int | None = None,
        cooldown: float | None = None,
        timeout: float = 10.0,
    ) -> WatchesReply:
        """Change the settings of a running watch; its session continues.

        Args:
            name: id of the watch.
            threshold: as in `watch`; `None`: unchanged; -2: the node's parameter.
            window: likewise.
            cooldown: likewise.
            timeout: longest wait for the node's reply, s.
        """
        request = AdjustWatch.Request(id=name)
        if threshold is not None:
            request.threshold = float(threshold)
        if window is not None:
            request.window = window
        if cooldown is not None:
            request.cooldown = float(cooldown)
        response = self._call(self._adjust, request, timeout)
        if response is None:
            return WatchesReply(outcome=Outcome.TIMED_OUT, message=self._no_reply(timeout))
        watches = (response.watch,) if response.watch.id else ()
        return WatchesReply(outcome=_outcome(response), message=response.message, watches=watches)

    def events_since(
        self,
        sequence: int = 0,
        *,
        since: int = 0,
        kinds: Collection[str] = (),
        limit: int = 100,
        timeout: float = 10.0,
    ) -> EventsReply:
        """Read events of the node's journal; call again with `next` while there are `more`.

        Args:
            sequence: only events with a higher number, such as that of the last alert received; 0:
                from the oldest one kept.
            since: only events with this or a later stamp, ns on the sensor clock; 0: any.
            kinds: kinds of events, such as "alert"; empty: all kinds.
            limit: most events in the reply, 1 to 1,000.
            timeout: longest wait for the node's reply, s.
        """
        request = EventsSince.Request(
            sequence=sequence, since=time_of(since), kinds=list(kinds), limit=limit
        )
        response = self._call(self._events_since, request, timeout)
        if response is None:
            return EventsReply(outcome=Outcome.TIMED_OUT, message=self._no_reply(timeout))
        return EventsReply(
            outcome=_outcome(response),
            message=response.message,
            events=tuple(response.events),
            next=response.next,
            more=response.more,
            oldest=response.oldest,
            newest=response.newest,
        )

    def ask(
        self,
        question: str,
        *,
        watch: str = "",
        keep: bool = False,
        on_text: Callable[[str], object] | None = None,
        timeout: float = 60.0,
    ) -> AnswerReply:
        """Ask a question about the stream so far.

        Args:
            question: the question, at most 2,000 characters.
            watch: id of the watch whose session is asked; empty: the oldest watch.
            keep: whether question and answer stay in the session's context.
            on_text: called in the client's thread with the answer generated so far, every few
                words.
            timeout: longest wait for the answer, s.
        """
        if on_text is not None:
            return self.begin_ask(
                question, watch=watch, keep=keep, on_text=on_text, timeout=timeout
            ).wait(timeout)
        request = Ask.Request(question=question, watch=watch, keep=keep)
        response = self._call(self._ask, request, timeout)
        if response is None:
            return AnswerReply(outcome=Outcome.TIMED_OUT, message=self._no_reply(timeout))
        return _answer_reply(response, _outcome(response))

    def begin_ask(
        self,
        question: str,
        *,
        watch: str = "",
        keep: bool = False,
        on_text: Callable[[str], object] | None = None,
        timeout: float = 10.0,
    ) -> PendingAnswer:
        """Ask a question like `ask`, without waiting for the answer.

        Args:
            question: the question, at most 2,000 characters.
            watch: id of the watch whose session is asked; empty: the oldest watch.
            keep: whether question and answer stay in the session's context.
            on_text: called in the client's thread with the answer generated so far, every few
                words.
            timeout: longest wait for the node to run, s.
        """
        ask_goal = None
        if self._ask_action.wait_for_server(timeout_sec=timeout):
            goal = AskAction.Goal(question=question, watch=watch, keep=keep)
            ask_goal = AskGoal(self._executor, self._ask_action, goal, on_text)
        return PendingAnswer(ask_goal, self._no_reply)

    def reset(self, *, timeout: float = 10.0) -> Reply:
        """Reset the stream and all sessions; the watches are kept."""
        return self._simple(self._reset, Trigger.Request(), timeout)

    def enable(self, on: bool, *, timeout: float = 10.0) -> Reply:
        """Enable or disable all inputs; `enable_audio` and `enable_video` apply as well."""
        return self._simple(self._enable, SetBool.Request(data=on), timeout)

    def enable_audio(self, on: bool, *, timeout: float = 10.0) -> Reply:
        """Enable or disable the audio input, such as while the robot speaks."""
        return self._simple(self._enable_audio, SetBool.Request(data=on), timeout)

    def enable_video(self, on: bool, *, timeout: float = 10.0) -> Reply:
        """Enable or disable the image input."""
        return self._simple(self._enable_video, SetBool.Request(data=on), timeout)

    def wait_for_alert(self, *, timeout: float | None = None) -> Alert | None:
        """Return the oldest alert not returned yet; wait for one if there is none.

        Args:
            timeout: longest wait, s; `None`: no limit.

        Returns:
            The alert; `None` if there is none in time.
        """
        return self._wait_for(Alert, timeout)

    def wait_for_narration(self, *, timeout: float | None = None) -> Narration | None:
        """Return the oldest narration not returned yet; wait for one if there is none.

        Args:
            timeout: longest wait, s; `None`: no limit.

        Returns:
            The narration; `None` if there is none in time.
        """
        return self._wait_for(Narration, timeout)

    def _wait_for(self, message_type: type, timeout: float | None) -> Any:
        waiting = self._waiting[message_type]
        with self._arrived:
            self._arrived.wait_for(lambda: waiting, timeout)
            return waiting.popleft() if waiting else None

    def _take(self, message: Message) -> None:
        waiting = self._waiting.get(type(message))
        if waiting is not None:
            with self._arrived:
                waiting.append(message)
                self._arrived.notify_all()
        if self._on_message is not None:
            self._on_message(message)

    def _spin(self) -> None:
        with suppress(ExternalShutdownException), ignore_shutdown_errors(self._node):
            while is_running(self._context) and not self._closing.is_set():
                self._executor.spin_once(timeout_sec=SPIN_TIMEOUT)

    def _simple(self, client: Client, request: Any, timeout: float) -> Reply:
        response = self._call(client, request, timeout)
        if response is None:
            return Reply(outcome=Outcome.TIMED_OUT, message=self._no_reply(timeout))
        return Reply(outcome=_outcome(response), message=response.message)

    def _call(self, client: Client, request: Any, timeout: float) -> Any:
        """Return the response, or `None` if there is none in time."""
        deadline = time.monotonic() + timeout
        if not client.wait_for_service(timeout_sec=timeout):
            return None
        done = threading.Event()
        future = client.call_async(request)
        future.add_done_callback(lambda _: done.set())
        if not done.wait(max(0.0, deadline - time.monotonic())):
            client.remove_pending_request(future)
            return None
        return future.result()

    def _no_reply(self, timeout: float) -> str:
        return f"no reply from {self._name} within {timeout:g} s; is it running?"


_KINDS = {
    WatchKind.ALERT: Watch.Request.ALERT,
    WatchKind.NARRATION: Watch.Request.NARRATION,
}


def _answer_reply(response: Any, outcome: Outcome) -> AnswerReply:
    return AnswerReply(
        outcome=outcome,
        message=response.message,
        answer=response.answer,
        stamp=stamp_of(response.stamp),
        latency=response.latency,
        warning=response.warning,
    )


def _outcome(response: Any) -> Outcome:
    return Outcome.SUCCEEDED if response.success else Outcome.REFUSED
