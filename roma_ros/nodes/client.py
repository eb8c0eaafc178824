"""For programs that use a running roma node, without a thought about executors and futures."""

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
from roma_ros.nodes.asking import Asking
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

REMEMBERED = 100  # alerts, and narrations, that wait to be taken


class Outcome(enum.Enum):
    """How a call to the node ended."""

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    """The node said no; the reply's message says why."""
    CANCELLED = "cancelled"
    """The caller gave it up."""
    TIMED_OUT = "timed out"
    """No reply in time: the node is not there, or busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a call.

    Attributes:
        outcome: how it ended.
        message: what the node had to say, above all why it refused.
    """

    outcome: Outcome
    message: str = ""

    def __bool__(self) -> bool:
        return self.outcome is Outcome.SUCCEEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReply(Reply):
    """What came of `watch`.

    Attributes:
        id: of the new watch; empty without one.
        warning: what the model cannot know, see or hear of the instruction; empty: nothing.
    """

    id: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerReply(Reply):
    """What came of `ask`.

    Attributes:
        answer: in words; empty without one.
        stamp: end of the last unit that the answer knows, ns on the sensor clock.
        latency: from the question to the whole answer, by the node's clock, s.
        warning: what the model cannot know, see or hear of the question; empty: nothing.
    """

    answer: str = ""
    stamp: int = 0
    latency: float = 0.0
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchesReply(Reply):
    """What came of `list_watches` and `adjust`.

    Attributes:
        watches: those that run, oldest first; of `adjust`, the one that was meant.
    """

    watches: tuple[WatchInfo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsReply(Reply):
    """What came of `events_since`.

    Attributes:
        events: oldest first.
        next: the sequence number to ask on from.
        more: whether there may be more after it.
        oldest: the lowest number that the journal keeps; what is below it was rotated away.
        newest: the highest number that was given.
    """

    events: tuple[JournalEvent, ...] = ()
    next: int = 0
    more: bool = False
    oldest: int = 0
    newest: int = 0


class PendingAnswer:
    """A question that was put, and whose answer may be given up; made by `RomaClient.begin_ask`."""

    def __init__(self, asking: Asking | None, silence: Callable[[float], str]) -> None:
        self._asking = asking
        self._silence = silence

    @property
    def done(self) -> bool:
        """Whether `wait` returns at once: the question was answered or refused, or never sent."""
        return self._asking is None or self._asking.done

    def wait(self, timeout: float = 60.0) -> AnswerReply:
        """Wait for the answer; without one in time, the question is cancelled."""
        asking = self._asking
        if asking is None or not asking.wait(timeout):
            self.cancel()
            return AnswerReply(outcome=Outcome.TIMED_OUT, message=self._silence(timeout))
        result = asking.result
        if result is None:
            return AnswerReply(outcome=Outcome.REFUSED, message="the node keeps too many questions")
        cancelled = asking.status == GoalStatus.STATUS_CANCELED
        return _answer_reply(result, Outcome.CANCELLED if cancelled else _outcome(result))

    def cancel(self) -> None:
        """Give the question up; its place is free at once, and `wait` returns soon."""
        if self._asking is not None:
            self._asking.cancel()


class RomaClient:
    """A client of one roma node; it spins by itself, in a thread.

    Use as a context manager. Its methods wait for their results and may be called from any thread
    but that of `on_message`.

    Args:
        name: full name of the roma node.
        on_message: called in the client's thread with every alert, narration and p(speak).
        on_stream: called in the client's thread with every StreamEvent, the last few of before
            among them.
        context: of rclpy; `None`: one of its own, which ends with the client.
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
            Alert: deque(maxlen=REMEMBERED),
            Narration: deque(maxlen=REMEMBERED),
        }
        self._node = rclpy.create_node("roma_client", context=self._context)
        self._create_clients()
        for topic, message_type, profile in (
            ("alert", Alert, qos.NARRATIONS),  # not latched: what was before is of no use here
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
        """Leave the graph."""
        # The thread ends first: an executor that is shut down while it builds its wait set loses
        # the guard condition that would wake it.
        self._closing.set()
        self._executor.wake()
        join_thread(self._thread, timeout=5.0)
        self._executor.shutdown(timeout_sec=0.0)
        self._ask_action.destroy()
        self._node.destroy_node()
        if self._own_context:
            self._context.try_shutdown()

    def wait_until_active(self, timeout: float = 60.0) -> Reply:
        """Wait until the node is there and active, which is when its model is loaded."""
        deadline = time.monotonic() + timeout
        state = "not there"
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
        """Begin to watch the stream for something.

        Args:
            instruction: what to watch for, in words.
            kind: an alert says once that something has happened, a narration keeps describing.
            name: id of the watch; empty: one is made.
            threshold, window, cooldown: `None`: the node's defaults; else as in Watch.srv.
            reply: let an alert also say what happened.
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
            return WatchReply(outcome=Outcome.TIMED_OUT, message=self._silence(timeout))
        return WatchReply(
            outcome=_outcome(response),
            message=response.message,
            id=response.id,
            warning=response.warning,
        )

    def unwatch(self, name: str, *, timeout: float = 10.0) -> Reply:
        """End a watch, by its id."""
        return self._simple(self._unwatch, Unwatch.Request(id=name), timeout)

    def list_watches(self, *, timeout: float = 10.0) -> WatchesReply:
        """The watches that run, with their settings."""
        response = self._call(self._list_watches, ListWatches.Request(), timeout)
        if response is None:
            return WatchesReply(outcome=Outcome.TIMED_OUT, message=self._silence(timeout))
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
        """Give a running watch other settings; its session goes on.

        Args:
            name: id of the watch.
            threshold, window, cooldown: `None`: as it is; -2: follow the node's parameter; else as
                in AdjustWatch.srv.
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
            return WatchesReply(outcome=Outcome.TIMED_OUT, message=self._silence(timeout))
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
        """Events of the node's journal that were missed; ask on with `next` while there are `more`.

        Args:
            sequence: events with a higher number, such as that of the last alert that was seen; 0:
                from the oldest that is kept.
            since: only events with this stamp or a later one, ns on the sensor clock; 0: any.
            kinds: such as "alert"; empty: all that the journal keeps.
            limit: events in the reply, 1 to 1,000.
        """
        request = EventsSince.Request(
            sequence=sequence, since=time_of(since), kinds=list(kinds), limit=limit
        )
        response = self._call(self._events_since, request, timeout)
        if response is None:
            return EventsReply(outcome=Outcome.TIMED_OUT, message=self._silence(timeout))
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
        """Ask about all that was seen and heard up to now.

        Args:
            question: in words, at most 2,000 characters.
            watch: id of the watch whose session answers; empty: the oldest.
            keep: let question and answer become part of what the session remembers.
            on_text: called in the client's thread with the answer so far, every few words.
        """
        if on_text is not None:
            return self.begin_ask(
                question, watch=watch, keep=keep, on_text=on_text, timeout=timeout
            ).wait(timeout)
        request = Ask.Request(question=question, watch=watch, keep=keep)
        response = self._call(self._ask, request, timeout)
        if response is None:
            return AnswerReply(outcome=Outcome.TIMED_OUT, message=self._silence(timeout))
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
        """Ask as `ask` does, and go on meanwhile.

        Args:
            timeout: seconds to wait for the node to be there.
        """
        asking = None
        if self._ask_action.wait_for_server(timeout_sec=timeout):
            goal = AskAction.Goal(question=question, watch=watch, keep=keep)
            asking = Asking(self._executor, self._ask_action, goal, on_text)
        return PendingAnswer(asking, self._silence)

    def reset(self, *, timeout: float = 10.0) -> Reply:
        """Let the node forget the stream; its watches stay."""
        return self._simple(self._reset, Trigger.Request(), timeout)

    def enable(self, on: bool, *, timeout: float = 10.0) -> Reply:
        """Let the node see and hear, or not; `enable_audio` and `enable_video` hold as well."""
        return self._simple(self._enable, SetBool.Request(data=on), timeout)

    def enable_audio(self, on: bool, *, timeout: float = 10.0) -> Reply:
        """Let the node hear, or not: such as while the robot speaks itself."""
        return self._simple(self._enable_audio, SetBool.Request(data=on), timeout)

    def enable_video(self, on: bool, *, timeout: float = 10.0) -> Reply:
        """Let the node see, or not."""
        return self._simple(self._enable_video, SetBool.Request(data=on), timeout)

    def wait_for_alert(self, *, timeout: float | None = None) -> Alert | None:
        """The oldest alert that was not taken yet; waits for one, `None` if none comes in time."""
        return self._wait_for(Alert, timeout)

    def wait_for_narration(self, *, timeout: float | None = None) -> Narration | None:
        """The oldest narration not taken yet; waits for one, `None` if none comes in time."""
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
            return Reply(outcome=Outcome.TIMED_OUT, message=self._silence(timeout))
        return Reply(outcome=_outcome(response), message=response.message)

    def _call(self, client: Client, request: Any, timeout: float) -> Any:
        """The response, or `None` if it does not come in time."""
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

    def _silence(self, timeout: float) -> str:
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
