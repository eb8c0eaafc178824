"""The node is killed in the middle of its work, in a process of its own, and started again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from roma_ros.msg import Alert

from roma_ros.journal import DamagedLine, Record, journal_paths, read_lines
from roma_ros.nodes.client import RomaClient
from roma_ros.nodes.stamps import stamp_of

from .conftest import SECOND, Robot, until

KILLS = 3
ALERTS_A_LIFE = 8


class Sensors:
    """Publishes faster than real time, and begins a new stream every three seconds of its own.

    So each watch with a low threshold has an alert every three seconds.
    """

    def __init__(self, robot: Robot) -> None:
        self._robot = robot
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._publish)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _publish(self) -> None:
        number = 0
        while not self._ended.wait(0.1):
            self._robot.publish_second_blindly()
            number += 1
            if number % 3 == 0:
                self._robot.now += 100 * SECOND


class Subscriber:
    """Takes each alert once, as a program should that may itself be restarted.

    Attributes:
        alerts: watch and stamp, by sequence number.
    """

    def __init__(self, name: str, context: Any) -> None:
        self.alerts: dict[int, tuple[str, int]] = {}
        self._name, self._context = name, context
        self._client: RomaClient | None = None

    def connect(self) -> None:
        self._client = RomaClient(self._name, on_message=self._take, context=self._context)
        assert self._client.wait_until_active()
        self.catch_up()

    def disconnect(self) -> None:
        assert self._client is not None
        self._client.close()

    def catch_up(self) -> None:
        assert self._client is not None
        after, more = 0, True  # from the beginning: it may have missed one between two that came
        while more:
            reply = self._client.events_since(after, kinds=["alert"], limit=7)
            assert reply, reply.message
            for event in reply.events:
                self._put(event.sequence, event.watch, stamp_of(event.header.stamp))
            after, more = reply.next, reply.more

    def _take(self, message: Any) -> None:
        if isinstance(message, Alert):
            self._put(message.sequence, message.watch, stamp_of(message.header.stamp))

    def _put(self, sequence: int, watch: str, stamp: int) -> None:
        assert self.alerts.setdefault(sequence, (watch, stamp)) == (watch, stamp)


Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(namespace: str, tmp_path: Path) -> Iterator[Start]:
    processes: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        parameters = {
            "device": "cpu",
            "alert.instructions": "[Somebody comes in.]",
            "alert.threshold": 1e-9,
            "journal.folder": tmp_path / "journal",
            "watches.state_file": tmp_path / "watches.json",
        }
        command = [sys.executable, "-m", "roma_ros.nodes.roma_node", "--ros-args"]
        command += ["-r", f"__ns:={namespace}"]
        for name, value in parameters.items():
            command += ["-p", f"{name}:={value}"]
        processes.append(subprocess.Popen(command))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def alerts_of(folder: Path) -> list[Record]:
    lines = [line for path in journal_paths(folder) for line in read_lines(path)]
    return [line for line in lines if isinstance(line, Record) and line.kind == "alert"]


@pytest.mark.long  # a node is started four times
def test_no_alert_is_lost_or_told_twice_when_the_node_is_killed(
    start: Start, robot: Robot, ros: Any, namespace: str, tmp_path: Path
) -> None:
    folder = tmp_path / "journal"
    always = Subscriber(f"{namespace}/roma", ros)
    now_and_then = Subscriber(f"{namespace}/roma", ros)
    process = start()
    assert robot.roma.wait_until_active()
    assert robot.roma.watch("A dog barks.", name="dog", threshold=0.5)
    assert robot.roma.watch("A cat.", name="cat", threshold=0.75)
    assert robot.roma.unwatch("cat")
    assert robot.roma.adjust("dog", threshold=1e-9, cooldown=1.0)
    watches = [(w.id, w.threshold, w.cooldown) for w in robot.roma.list_watches().watches]
    assert [watch[0] for watch in watches] == ["alert_1", "dog"]
    sensors = Sensors(robot)
    try:
        for life in range(KILLS):
            always.connect()
            if life == 1:
                now_and_then.connect()
            before = len(alerts_of(folder))
            until(lambda n=before: len(alerts_of(folder)) >= n + ALERTS_A_LIFE, "alerts", 120.0)
            time.sleep(random.Random(life).uniform(0.0, 0.3))
            process.send_signal(signal.SIGKILL)
            process.wait()
            always.disconnect()
            if life == 1:
                now_and_then.disconnect()
            process = start()
            assert robot.roma.wait_until_active()
            restored = robot.roma.list_watches().watches
            assert [(w.id, w.threshold, w.cooldown) for w in restored] == watches
            assert [w.restored for w in restored] == [False, True]
    finally:
        sensors.close()
    always.connect()
    now_and_then.connect()
    always.disconnect()
    now_and_then.disconnect()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30.0) == 0

    lines = [line for path in journal_paths(folder) for line in read_lines(path)]
    assert sum(isinstance(line, DamagedLine) for line in lines) <= KILLS
    numbers = [line.sequence for line in lines if isinstance(line, Record)]
    assert numbers == sorted(set(numbers))
    told = {r.sequence: (r.event.watch, r.event.stamp) for r in alerts_of(folder)}  # type: ignore[union-attr]
    assert len(told) >= KILLS * ALERTS_A_LIFE
    assert len(set(told.values())) == len(told)  # no alert stands there twice
    assert always.alerts == told
    assert now_and_then.alerts == told
