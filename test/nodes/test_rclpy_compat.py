"""Threads and executors end, whoever shuts ROS down; services respond later."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import rclpy
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_srvs.srv import Trigger

from roma_ros.nodes.client import RomaClient
from roma_ros.nodes.device_node import DeviceNode
from roma_ros.nodes.rclpy_compat import (
    Respond,
    create_deferred_service,
    ignore_shutdown_errors,
    is_running,
    join_thread,
)
from roma_ros.nodes.sensor_publisher import SourceThread
from roma_ros.sources import Item

from .conftest import until


@pytest.fixture
def own_context() -> Iterator[Context]:
    context = Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()


class Gate:
    """A source without items, which ends when it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __iter__(self) -> Iterator[Item]:
        self.open.wait()
        return iter(())

    def close(self) -> None:
        self.open.set()


class Nobody:
    """In place of a publisher."""

    def publish(self, item: Item) -> None:
        raise AssertionError("there are no items")


class ShutsDown(DeviceNode):
    """Ends ROS from its source's thread, as any code in the process may."""

    def _end(self, failed: bool) -> None:
        self.context.try_shutdown()


def test_a_thread_does_not_wait_for_itself():
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(join_thread(thread, 5.0)))
    thread.start()
    thread.join()
    assert ended == [False]
    assert join_thread(thread, 5.0)


def test_a_thread_that_does_not_end_is_not_waited_for_for_ever():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    begin = time.monotonic()
    assert not join_thread(thread, 0.1)
    assert time.monotonic() - begin < 2.0
    stop.set()
    assert join_thread(thread, 5.0)


def test_whether_ros_is_up_is_told_while_the_context_is_locked(own_context):
    assert is_running(own_context)
    with own_context._lock:
        asked = threading.Thread(target=is_running, args=(own_context,), daemon=True)
        asked.start()
        assert join_thread(asked, 5.0)
    own_context.shutdown()
    assert not is_running(own_context)
    assert not is_running(Context())


def test_a_source_that_shuts_ros_down_in_its_own_thread_ends_the_node(own_context, monkeypatch):
    uncaught: list[object] = []
    monkeypatch.setattr(threading, "excepthook", uncaught.append)
    node = ShutsDown("device", context=own_context)
    executor = SingleThreadedExecutor(context=own_context)
    executor.add_node(node)
    node.publish_device(source := Gate(), Nobody())
    source.open.set()
    begin = time.monotonic()
    with suppress(ExternalShutdownException), ignore_shutdown_errors(node):
        while is_running(own_context) and time.monotonic() - begin < 10.0:
            executor.spin_once(timeout_sec=0.1)
    assert not is_running(own_context)
    node.destroy_node()
    assert not uncaught
    assert join_thread(node._thread._thread, 5.0)
    executor.shutdown()


def test_a_source_that_breaks_unexpectedly_fails_the_node_and_says_why(own_context, monkeypatch):
    def broken() -> Iterator[Item]:
        yield from ()
        raise ZeroDivisionError("a bug in a driver")

    node = rclpy.create_node("device", context=own_context)
    logged: list[str] = []
    log = type("Log", (), {"error": lambda _, text: logged.append(text)})()
    monkeypatch.setattr(node, "get_logger", lambda: log)
    ends: list[bool] = []
    SourceThread(node, broken(), lambda item: None, ends.append)
    until(lambda: ends, "the end")
    assert ends == [True]
    assert logged == ["the source failed: ZeroDivisionError: a bug in a driver"]


def test_a_client_leaves_soon_however_often_it_comes(own_context):
    begin = time.monotonic()
    for _ in range(5):
        RomaClient("/nobody", context=own_context).close()
    assert time.monotonic() - begin < 20.0
    assert not [thread for thread in threading.enumerate() if thread.name == "roma_client"]


def test_a_node_ends_when_ros_is_shut_down_and_nothing_wakes_the_executor():
    """As a signal does it at the worst moment: rclpy wakes the executor, then shuts down."""
    code = """
import threading, time
from rclpy.node import Node
from rclpy.utilities import get_default_context
from roma_ros.nodes.run_node import run

def make_node():
    def shut_down():
        time.sleep(0.5)
        get_default_context().handle.shutdown()
    node = Node("silent")
    threading.Thread(target=shut_down, daemon=True).start()
    return node

raise SystemExit(run(make_node, []))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30.0
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def serve(ros, spin, namespace) -> tuple[Node, Client, list[Respond]]:
    """A server that responds later, a client of it, and the functions to respond with."""
    waiting: list[Respond] = []
    server = Node("server", context=ros, namespace=namespace)
    create_deferred_service(
        server, Trigger, "slow", lambda _, respond: waiting.append(respond), QoSProfile(depth=9)
    )
    spin(server)
    client = spin(Node("client", context=ros, namespace=namespace)).create_client(Trigger, "slow")
    assert client.wait_for_service(timeout_sec=20.0)
    return server, client, waiting


def test_answers_come_from_any_thread_in_any_order_and_the_executor_is_idle_meanwhile(
    ros, spin, namespace
):
    _, client, waiting = serve(ros, spin, namespace)
    futures = [client.call_async(Trigger.Request()) for _ in range(3)]
    until(lambda: len(waiting) == 3, "the requests")

    used = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - used < 0.4, "a thread waits busily"

    for number in (2, 0, 1):
        response = Trigger.Response(success=True, message=str(number))
        threading.Thread(target=waiting[number], args=(response,)).start()
    until(lambda: all(future.done() for future in futures), "the answers")
    assert [future.result().message for future in futures] == ["0", "1", "2"]


def test_an_answer_that_comes_after_the_node_has_gone_harms_nobody(ros, spin, namespace):
    server, client, waiting = serve(ros, spin, namespace)
    client.call_async(Trigger.Request())
    until(lambda: waiting, "the request")
    spin.close_one(server)
    waiting[0](Trigger.Response(success=True))
