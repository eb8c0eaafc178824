"""A ROS graph for tests: the real node, and the rest of a robot around it."""

from __future__ import annotations

import array
import gc
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from roma_ros.msg import Audio, SpeakProbability, StreamEvent
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from roma_ros.nodes.client import Message, RomaClient
from roma_ros.nodes.roma_node import RomaNode
from roma_ros.nodes.stamps import stamp_of

SECOND = 1_000_000_000
BASE = 1_700_000_000 * SECOND  # stamps begin here: the assembler goes by them, not by the clock
HEIGHT, WIDTH = 48, 64
RATE = 16_000
PIECE = RATE // 10

numbers = itertools.count(1)


def until(condition: Callable[[], Any], what: str, timeout: float = 30.0) -> Any:
    """Wait for something to become true, and return it."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f"waited {timeout} s in vain: {what}"
        time.sleep(0.001)
    return result


class Spinner:
    """Spins nodes, each by an executor and a thread of its own, and fails if a callback raises."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._spun: list[tuple[Node, SingleThreadedExecutor, threading.Thread]] = []
        self.errors: list[BaseException] = []

    def __call__(self, node: Any) -> Any:
        executor = SingleThreadedExecutor(context=self._context)
        executor.add_node(node)
        thread = threading.Thread(target=self._spin, args=(executor,), daemon=True)
        thread.start()
        self._spun.append((node, executor, thread))
        return node

    def _spin(self, executor: SingleThreadedExecutor) -> None:
        try:
            executor.spin()
        except ExternalShutdownException:
            pass
        except BaseException as error:
            self.errors.append(error)

    def close_one(self, node: Node) -> None:
        """Destroy a node before the others."""
        (spun,) = (spun for spun in self._spun if spun[0] is node)
        self._spun.remove(spun)
        _, executor, thread = spun
        executor.shutdown()
        thread.join(timeout=10.0)
        node.destroy_node()

    def close(self) -> None:
        for node, _, _ in reversed(list(self._spun)):
            self.close_one(node)
        assert not self.errors


class Robot:
    """A camera, a microphone, and a program that uses the node.

    Attributes:
        roma: the client that the program uses.
        messages: what the node has published; in order within a topic.
        stream: what it has published on ~/stream.
        diagnostics: the last status by the last word of its name: inputs, units, thinker, state.
        now: where the next second of the sensors begins, ns.
    """

    def __init__(
        self,
        context: Context,
        namespace: str,
        spin: Spinner,
        *,
        reliability: ReliabilityPolicy = ReliabilityPolicy.BEST_EFFORT,
        image_topic: str = "image",
        compressed: bool = False,
    ) -> None:
        self.messages: list[Message] = []
        self.stream: list[StreamEvent] = []
        self.diagnostics: dict[str, Any] = {}
        self.now = BASE
        self.namespace = namespace
        self.node: Node = spin(Node("robot", context=context, namespace=namespace))
        self.roma = RomaClient(
            f"{namespace}/roma",
            on_message=self.messages.append,
            on_stream=self.stream.append,
            context=context,
        )
        profile = QoSProfile(depth=20, reliability=reliability)
        image_type = CompressedImage if compressed else Image
        self.images = self.node.create_publisher(image_type, image_topic, profile)
        self.audio = self.node.create_publisher(Audio, "audio", profile)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._diagnose, 10)

    def close(self) -> None:
        self.roma.close()

    def _diagnose(self, diagnostics: DiagnosticArray) -> None:
        for status in diagnostics.status:
            name, _, kind = status.name.partition(": ")
            if name == f"{self.namespace.lstrip('/')}/roma":
                self.diagnostics[kind] = status

    def diagnostic(self, kind: str, key: str) -> str:
        """A value of the last diagnostics; empty if it was not there yet."""
        status = self.diagnostics.get(kind)
        values = {} if status is None else {value.key: value.value for value in status.values}
        return str(values.get(key, ""))

    def probabilities(self, watch: str | None = None) -> list[SpeakProbability]:
        """p(speak) that has come, of one watch or of all."""
        return [
            message
            for message in list(self.messages)
            if isinstance(message, SpeakProbability) and watch in (None, message.watch)
        ]

    def meet(self, roma: RomaNode) -> None:
        """Wait until all that matters of the graph is known on both sides."""
        self._node_under_test = roma
        assert self.roma.wait_until_active()
        for monitor in roma.inputs:
            (publisher,) = (p for p in self.node.publishers if p.topic_name == monitor.topic)
            until(publisher.get_subscription_count, f"the node subscribes to {monitor.topic}")
        for publisher in roma.publishers:
            if publisher.topic_name.startswith(f"{self.namespace}/roma/") and (
                publisher.topic_name.rpartition("/")[2]
                in ("alert", "narration", "speak_probability", "stream")
            ):
                until(publisher.get_subscription_count, f"{publisher.topic_name} has a subscriber")

    def play(self, seconds: int) -> None:
        """Publish so many seconds of picture and sound, and wait for p(speak) of their units.

        The last unit waits for what comes after it, so the first second must have been played.
        """
        for _ in range(seconds):
            before = len(self.probabilities())
            opening = self.now == BASE
            self.publish_second()
            if not opening:
                until(lambda n=before: len(self.probabilities()) > n, "p(speak) of the unit")

    def publish_second(self) -> None:
        """One second, from `now` on."""
        for piece in range(10):
            stamp = self.now + piece * SECOND // 10
            if piece % 5 == 0:
                self.see(image(stamp))
            self.hear(audio(stamp))
        self.now += SECOND

    def publish_second_blindly(self) -> None:
        """As `publish_second`, to a node in another process: nobody knows what has arrived."""
        for piece in range(10):
            stamp = self.now + piece * SECOND // 10
            if piece % 5 == 0:
                self.images.publish(image(stamp))
            self.audio.publish(audio(stamp))
        self.now += SECOND

    def see(self, message: Image | CompressedImage) -> None:
        """Publish an image."""
        self._send(self.images, message)

    def hear(self, message: Audio) -> None:
        """Publish a piece of audio."""
        self._send(self.audio, message)

    def _send(self, publisher: Publisher, message: Any) -> None:
        """Publish, and wait until the node has it: faster than real time, yet nothing overtakes."""
        inputs = self._node_under_test.inputs
        (monitor,) = (monitor for monitor in inputs if monitor.topic == publisher.topic_name)
        count = monitor.count
        publisher.publish(message)
        until(lambda: monitor.count > count, f"the message on {monitor.topic} arrives")


def header(stamp: int, frame_id: str = "") -> Header:
    stamped = Time(sec=stamp // SECOND, nanosec=stamp % SECOND)
    return Header(stamp=stamped, frame_id=frame_id)


def image(stamp: int, **changes: Any) -> Image:
    """A grey picture; `changes` are fields to set otherwise."""
    data = array.array("B", bytes([128]) * (3 * WIDTH * HEIGHT))
    fields = {"height": HEIGHT, "width": WIDTH, "encoding": "rgb8", "step": 3 * WIDTH, "data": data}
    return Image(header=header(stamp, "camera"), **{**fields, **changes})


def audio(stamp: int, **changes: Any) -> Audio:
    """A tenth of a second of a tone; `changes` are fields to set otherwise."""
    tone = 8_000 * np.sin(2 * np.pi * 440 / RATE * np.arange(PIECE))
    data = array.array("B", tone.astype("<i2").tobytes())
    fields = {"sample_rate": RATE, "channels": 1, "format": "s16le", "data": data}
    return Audio(header=header(stamp, "microphone"), **{**fields, **changes})


def ends(messages: list[Any]) -> list[float]:
    """Stamps of messages, seconds since BASE."""
    return [(stamp_of(message.header.stamp) - BASE) / SECOND for message in messages]


@pytest.fixture(scope="session")
def ros() -> Iterator[Context]:
    # The node collects garbage whenever it frees its model, which takes half a second with all that
    # torch and transformers consist of: half of the time of many a test.
    gc.collect()
    gc.freeze()
    context = Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()


@pytest.fixture
def spin(ros: Context) -> Iterator[Spinner]:
    spinner = Spinner(ros)
    yield spinner
    spinner.close()


@pytest.fixture
def namespace() -> str:
    """One for each test, so that no test hears of another one's node."""
    return f"/test_{next(numbers)}"


@pytest.fixture
def make_roma(ros: Context, spin: Spinner, namespace: str) -> Callable[..., RomaNode]:
    """Makes the node, spun, with parameters that suit sensors faster than real time."""

    def make(parameters: dict[str, Any] | None = None, *arguments: str) -> RomaNode:
        values = {"device": "cpu", "max_backlog": 60, **(parameters or {})}
        node = RomaNode(
            context=ros,
            namespace=namespace,
            parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
            cli_args=["--ros-args", *arguments] if arguments else None,
        )
        spin(node)
        return node

    return make


@pytest.fixture
def make_robot(ros: Context, spin: Spinner, namespace: str) -> Iterator[Callable[..., Robot]]:
    robots: list[Robot] = []

    def make(**arguments: Any) -> Robot:
        robots.append(Robot(ros, arguments.pop("namespace", namespace), spin, **arguments))
        return robots[-1]

    yield make
    for robot in robots:
        robot.close()


@pytest.fixture
def robot(make_robot: Callable[..., Robot]) -> Robot:
    return make_robot()
