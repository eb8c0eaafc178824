from __future__ import annotations

import threading
import time

from rclpy.client import Client
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_srvs.srv import Trigger

from roma_ros.nodes.deferred import create_deferred_service

from .conftest import until


def serve(ros, spin, namespace, waiting) -> tuple[Node, Client]:
    """A server that leaves its means to respond in `waiting`, and a client that has found it."""
    server = Node("server", context=ros, namespace=namespace)

    def callback(request, respond):
        waiting.append(respond)

    create_deferred_service(server, Trigger, "slow", callback, QoSProfile(depth=9))
    spin(server)
    client = spin(Node("client", context=ros, namespace=namespace)).create_client(Trigger, "slow")
    assert client.wait_for_service(timeout_sec=20.0)
    return server, client


def test_answers_come_from_any_thread_in_any_order_and_the_executor_is_idle_meanwhile(
    ros, spin, namespace
):
    waiting = []
    server = Node("server", context=ros, namespace=namespace)
    create_deferred_service(
        server,
        Trigger,
        "slow",
        lambda request, respond: waiting.append(respond),
        QoSProfile(depth=9),
    )
    spin(server)
    client_node = spin(Node("client", context=ros, namespace=namespace))
    client = client_node.create_client(Trigger, "slow")
    assert client.wait_for_service(timeout_sec=20.0)
    futures = [client.call_async(Trigger.Request()) for _ in range(3)]
    until(lambda: len(waiting) == 3, "the requests")

    used = time.process_time()
    begin = time.monotonic()
    until(lambda: time.monotonic() - begin > 0.5, "half a second")
    assert time.process_time() - used < 0.4, "somebody waits busily"

    for number in (2, 0, 1):
        response = Trigger.Response(success=True, message=str(number))
        threading.Thread(target=waiting[number], args=(response,)).start()
    until(lambda: all(future.done() for future in futures), "the answers")
    assert [future.result().message for future in futures] == ["0", "1", "2"]


def test_an_answer_that_comes_after_the_node_has_gone_harms_nobody(ros, spin, namespace):
    waiting = []
    server = Node("server", context=ros, namespace=namespace)
    create_deferred_service(
        server,
        Trigger,
        "slow",
        lambda request, respond: waiting.append(respond),
        QoSProfile(depth=9),
    )
    spin(server)
    client_node = spin(Node("client", context=ros, namespace=namespace))
    client = client_node.create_client(Trigger, "slow")
    assert client.wait_for_service(timeout_sec=20.0)
    client.call_async(Trigger.Request())
    until(lambda: waiting, "the request")
    spin.close_one(server)
    waiting[0](Trigger.Response(success=True))
