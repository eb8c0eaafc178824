"""Callbacks that raise: the node lives, counts, says it once, and its services answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy import parameter
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import Trigger

from roma_ros.nodes.callback_errors import GuardedExecutor, guard_services
from roma_ros.nodes.input_errors import InputErrors
from roma_ros.nodes.roma_node import RomaNode

from .conftest import until

OFF = parameter.Parameter("autostart", value=False)
UNKNOWN = Parameter(name="hold", value=ParameterValue(type=77))


@pytest.fixture
def guard(ros) -> Iterator[Callable[[Node], list[str]]]:
    """Spins a node as `run` does; returns the lines of its log."""
    running = []

    def start(node: Node) -> list[str]:
        lines: list[str] = []
        errors = InputErrors(lines.append)
        guard_services(node, errors)
        executor = GuardedExecutor(node, errors, context=ros)
        thread = threading.Thread(target=_spin, args=(executor,), daemon=True)
        thread.start()
        running.append((executor, thread, node))
        return lines

    yield start
    for executor, thread, node in running:
        executor.shutdown()
        thread.join(timeout=10.0)
        assert not thread.is_alive()
        node.destroy_node()


def _spin(executor: GuardedExecutor) -> None:
    with suppress(ExternalShutdownException):
        executor.spin()


def call(client_node: Node, srv_type: type, name: str, request: Any) -> Any:
    client = client_node.create_client(srv_type, name)
    assert client.wait_for_service(timeout_sec=20.0)
    asked = client.call_async(request)
    until(asked.done, f"{name} answers", timeout=10.0)
    return asked.result()


def test_a_subscription_that_raises_is_said_once_and_goes_on(ros, spin, namespace, guard):
    node = Node("listener", context=ros, namespace=namespace)
    heard = []

    def listen(message: String) -> None:
        heard.append(message.data)
        raise ZeroDivisionError("a bug")

    node.create_subscription(String, "text", listen, 10)
    log = guard(node)
    talker = spin(Node("talker", context=ros, namespace=namespace))
    publisher = talker.create_publisher(String, "text", 10)
    until(publisher.get_subscription_count, "the listener is there")
    for number in range(5):
        publisher.publish(String(data=str(number)))
    until(lambda: len(heard) == 5, "every message is heard")
    assert len(log) == 1
    assert "ZeroDivisionError: a bug" in log[0]
    assert "test_callback_errors.py:" in log[0]


def test_a_service_that_raises_answers_with_the_reason(ros, spin, namespace, guard):
    node = Node("server", context=ros, namespace=namespace)

    def fail(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = True
        raise KeyError("nothing there")

    node.create_service(Trigger, "fail", fail)
    log = guard(node)
    client = spin(Node("client", context=ros, namespace=namespace))
    for _ in range(2):
        answer = call(client, Trigger, "fail", Trigger.Request())
        assert not answer.success
        assert "KeyError: 'nothing there'" in answer.message
    assert len(log) == 1


def test_a_parameter_of_unknown_type_is_refused_and_the_others_are_set(ros, spin, namespace, guard):
    node = RomaNode(context=ros, namespace=namespace, parameter_overrides=[OFF])
    guard(node)
    client = spin(Node("client", context=ros, namespace=namespace))
    value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=3.5)
    known = Parameter(name="hold", value=value)
    request = SetParameters.Request(parameters=[UNKNOWN, known, UNKNOWN])
    answer = call(client, SetParameters, f"{namespace}/roma/set_parameters", request)
    assert [result.successful for result in answer.results] == [False, True, False]
    assert "77 is not a valid" in answer.results[0].reason
    assert node.get_parameter("hold").value == 3.5

    name = f"{namespace}/roma/set_parameters_atomically"
    together = SetParametersAtomically.Request(parameters=[known, UNKNOWN])
    answer = call(client, SetParametersAtomically, name, together)
    assert not answer.result.successful
    assert "77 is not a valid" in answer.result.reason
