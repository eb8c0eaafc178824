"""MQTT: packets on a real socket, and Debian's mosquitto where it is installed."""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from roma_ros.hooks import DeliveryError, HookError, HookRunner, MqttHook

from .conftest import alert


class Broker:
    """Takes one connection and confirms what is published: CONNECT, PUBLISH, PING of MQTT 3.1.1."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.published: list[tuple[str, bytes]] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        try:
            connection, _ = self._socket.accept()
            with connection, connection.makefile("rb") as stream:
                while head := stream.read(1):
                    self._answer(connection, head[0], stream.read(self._length(stream)))
        except OSError:
            return

    def _length(self, stream) -> int:
        length, shift = 0, 0
        while True:
            byte = stream.read(1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return length

    def _answer(self, connection: socket.socket, head: int, body: bytes) -> None:
        if head >> 4 == 1:
            connection.sendall(b"\x20\x02\x00\x00")
        elif head >> 4 == 3:
            (size,) = struct.unpack(">H", body[:2])
            topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
            self.published.append((topic, rest[2:]))
            connection.sendall(b"\x40\x02" + rest[:2])
        elif head >> 4 == 12:
            connection.sendall(b"\xd0\x00")


@pytest.fixture
def broker() -> Iterator[Broker]:
    one = Broker()
    yield one
    one.close()


@pytest.mark.slow
def test_an_event_is_published_and_confirmed(broker) -> None:
    runner = HookRunner([MqttHook(f"mqtt://127.0.0.1:{broker.port}/robot/alerts")])
    runner.submit(alert())
    runner.close(timeout=20)
    assert runner.stats.delivered == 1
    ((topic, body),) = broker.published
    assert topic == "robot/alerts"
    assert json.loads(body)["watch"] == "door"


@pytest.mark.slow
def test_a_broker_that_is_not_there_is_told_and_does_not_stall() -> None:
    problems: list[str] = []
    runner = HookRunner([MqttHook("mqtt://127.0.0.1:1/x", attempts=1)], on_problem=problems.append)
    began = time.monotonic()
    runner.submit(alert())
    runner.close(timeout=3)
    assert time.monotonic() - began < 8
    assert "is not connected" in problems[0]
    assert runner.stats.failed == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://h/x", "address is mqtt://"),
        ("mqtt://h", "address is mqtt://"),
        ("mqtt://h/a/#", "must not have"),
        ("mqtt://user:pw@h/x", "has a user or password"),
        ("mqtt://h:port/x", "is invalid"),
    ],
)
def test_an_address_that_cannot_serve_is_refused(url, said) -> None:
    with pytest.raises(HookError, match=said):
        MqttHook(url)


@pytest.mark.skipif(not shutil.which("mosquitto"), reason="needs Debian's mosquitto")
def test_a_real_broker_that_comes_late_gets_the_event() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    hook = MqttHook(f"mqtt://127.0.0.1:{port}/robot/alerts", attempts=10)
    with pytest.raises(DeliveryError):
        hook.deliver(alert())
    broker = subprocess.Popen(["mosquitto", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        runner = HookRunner([hook])
        runner.submit(alert())
        runner.close(timeout=20)
        assert runner.stats.delivered == 1
    finally:
        broker.terminate()
        broker.wait()
