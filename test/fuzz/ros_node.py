"""Services, parameters and messages with all fields at random, against the real node over ROS."""

from __future__ import annotations

import atexit
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import psutil
import rclpy
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import ListParameters, SetParameters, SetParametersAtomically
from rclpy.node import Node
from rclpy.utilities import get_default_context
from roma_ros.msg import Audio
from sensor_msgs.msg import Image
from values import random_message, random_text

__all__ = ["ros_node"]

PATIENCE = 20.0  # seconds for an answer: others may compute on this machine
SHUTDOWNS = (5, 6, 7)  # transitions that end the node, as they should


class Subject:
    """The node in a process of its own, and a client of it."""

    def __init__(self) -> None:
        namespace = f"/fuzz_{os.getpid()}_{time.monotonic_ns() % 1_000_000}"
        self.name = f"{namespace}/roma"
        written = tempfile.NamedTemporaryFile()  # noqa: SIM115  # as long as the process
        self.log = open(written.name, "rb")  # noqa: SIM115  # with a place of its own to read from
        command = [sys.executable, "-m", "roma_ros.nodes.roma_node", "--ros-args"]
        command += ["-r", f"__ns:={namespace}", "-p", "device:=cpu"]
        self.process = subprocess.Popen(command, stdout=written, stderr=written)
        atexit.register(self.process.kill)
        self.node = Node("client", namespace=namespace)
        self.images = self.node.create_publisher(Image, "image", 5)
        self.audio = self.node.create_publisher(Audio, "audio", 5)
        self.clients: dict[str, Any] = {}
        self.activate()
        services = self.node.get_service_names_and_types_by_node("roma", namespace)
        self.services = {name: _imported(kinds[0]) for name, kinds in services}
        self.parameters = self.call(
            ListParameters, f"{self.name}/list_parameters", ListParameters.Request()
        ).result.names
        self.began = self.megabytes

    @property
    def megabytes(self) -> int:
        """Resident memory."""
        return int(psutil.Process(self.process.pid).memory_info().rss // 2**20)

    def call(self, kind: Any, name: str, request: Any) -> Any:
        """The answer of a service. Raises TimeoutError."""
        client = self.clients.get(name) or self.node.create_client(kind, name)
        self.clients[name] = client
        if not client.wait_for_service(timeout_sec=60.0):
            raise TimeoutError(f"{name} is not there")
        asked = client.call_async(request)
        rclpy.spin_until_future_complete(self.node, asked, timeout_sec=PATIENCE)
        if not asked.done():
            raise TimeoutError(f"{name} gave no answer to {str(request)[:500]}")
        return asked.result()

    def activate(self) -> None:
        """Bring the node where messages are read."""
        for _ in range(100):
            state = self.call(GetState, f"{self.name}/get_state", GetState.Request())
            transition = {"unconfigured": 1, "inactive": 3}.get(state.current_state.label)
            if state.current_state.label == "active":
                return
            if transition is not None:
                request = ChangeState.Request()
                request.transition.id = transition
                self.call(ChangeState, f"{self.name}/change_state", request)
            time.sleep(0.1)
        raise TimeoutError(f"the node does not become active: {state.current_state.label}")

    def new_log(self) -> str:
        """What the node has written since the last look."""
        return self.log.read().decode(errors="replace")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.node.destroy_node()


def _imported(kind: str) -> Any:
    """The class of a service's type; an action's services are parts of its own class."""
    package, folder, name = kind.split("/")
    module = importlib.import_module(f"{package}.{folder}")
    if folder == "srv":
        return getattr(module, name)
    action, _, part = name.rpartition("_")
    return getattr(getattr(module, action).Impl, f"{part}Service")


@cache
def _subject() -> Subject:
    if not get_default_context().ok():
        rclpy.init()
    return Subject()


def ros_node(rng: np.random.Generator) -> str:
    """One request, or ten messages."""
    subject = _subject()
    try:
        outcome = _ACTIONS[int(rng.integers(len(_ACTIONS)))](subject, rng)
        _check(subject)
    except Exception:
        subject.close()
        _subject.cache_clear()
        raise
    return outcome


def _check(subject: Subject) -> None:
    if subject.process.poll() is not None:
        raise RuntimeError(f"the node ended: {subject.process.returncode}: {subject.new_log()}")
    log = subject.new_log()
    if "Traceback" in log:
        raise RuntimeError(log)
    if subject.megabytes > subject.began + 500:
        raise RuntimeError(f"{subject.megabytes} MB, {subject.began} MB at the beginning")


def _service(subject: Subject, rng: np.random.Generator) -> str:
    name = str(rng.choice(sorted(subject.services)))
    kind = subject.services[name]
    request = random_message(rng, kind.Request)
    if kind is ChangeState:
        if request.transition.id in SHUTDOWNS:
            request.transition.id = int(rng.integers(0, 5))
        request.transition.label = ""
    answer = subject.call(kind, name, request)
    if kind is ChangeState:
        subject.activate()
    success = getattr(answer, "success", None)
    if success is False and not getattr(answer, "message", "-"):
        raise RuntimeError(f"{name} refused without a reason: {request}")
    return f"service {name.rpartition('/')[2]}: {'answered' if success is None else success}"


def _parameter(subject: Subject, rng: np.random.Generator) -> str:
    known = rng.random() < 0.8
    name = str(rng.choice(subject.parameters)) if known else random_text(rng)
    value = random_message(rng, ParameterValue)
    if rng.random() < 0.8:
        value.type = int(rng.integers(0, 11))
    parameter = Parameter(name=name, value=value)
    if rng.random() < 0.5:
        request = SetParameters.Request(parameters=[parameter] * int(rng.integers(1, 3)))
        answer = subject.call(SetParameters, f"{subject.name}/set_parameters", request)
        results = answer.results
        if len(results) != len(request.parameters):
            raise RuntimeError(f"{len(results)} results for {len(request.parameters)} parameters")
    else:
        name = f"{subject.name}/set_parameters_atomically"
        request = SetParametersAtomically.Request(parameters=[parameter])
        results = [subject.call(SetParametersAtomically, name, request).result]
    for result in results:
        if not result.successful and not result.reason:
            raise RuntimeError(f"refused without a reason: {parameter}")
    return f"parameter: {'set' if results[0].successful else 'refused'}"


def _messages(subject: Subject, rng: np.random.Generator) -> str:
    import messages

    for _ in range(10):
        _, message = messages.any_image(rng)
        if isinstance(message, Image):
            subject.images.publish(message)
        _, message = messages.any_audio(rng)
        if isinstance(message, Audio):
            subject.audio.publish(message)
    time.sleep(0.01)
    return "messages"


_ACTIONS: tuple[Callable[[Subject, np.random.Generator], str], ...] = (
    _service,
    _parameter,
    _messages,
)
