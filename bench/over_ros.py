"""Latency, CPU use and lost units of the node in its own process, over real topics."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from roma_ros.msg import SpeakProbability

from roma_ros.ros_release import profiles_variable
from roma_ros.speed import Spread

__all__ = ["OverRos", "measure_over_ros"]

FRESH = ("--ros-args", "-p", "watches.state_file:=''", "-p", "journal.folder:=''")
"""Neither stored watches nor a journal."""
HERE = Path(__file__).parent
# Fast DDS loses most raw images of this size with its own settings; read when rclpy starts.
os.environ.setdefault(profiles_variable(), str(HERE.parent / "config" / "fastdds.xml"))


@dataclass(frozen=True, slots=True)
class OverRos:
    """Result for one camera and microphone.

    Attributes:
        camera: size, encoding and rate of the images.
        latency: seconds from the end of a unit, by the sensors' stamps, to the arrival of its
            p(speak) in another process.
        units: number of p(speak) messages.
        missed: missing unit numbers among them.
        node_cores: CPU time of the node's process per second, in cores.
        node_memory_mb: resident memory of the node's process in MB.
        diagnostics: values of the node's diagnostics: late, dropped and filled data.
    """

    camera: str
    latency: Spread
    units: int
    missed: int
    node_cores: float
    node_memory_mb: float
    diagnostics: dict[str, str]


class ProbabilitySubscriber(Node):
    """Subscriber that records the arrival of every p(speak)."""

    def __init__(self) -> None:
        super().__init__("bench_listener")
        self.units: list[int] = []
        self.latencies: list[float] = []
        self.diagnostics: dict[str, str] = {}
        self.create_subscription(SpeakProbability, "roma/speak_probability", self._on_p, 10)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def _on_p(self, message: SpeakProbability) -> None:
        stamp = message.header.stamp
        self.latencies.append(time.time() - (stamp.sec + stamp.nanosec * 1e-9))
        self.units.append(message.unit)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.diagnostics |= {value.key: value.value for value in status.values}


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen([sys.executable, *arguments], start_new_session=True)
    try:
        yield started
    finally:
        os.killpg(started.pid, signal.SIGINT)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)


def measure_over_ros(*, width: int, height: int, seconds: float = 60.0) -> OverRos:
    """Run node, sensors and subscriber for `seconds` after the first units have arrived."""
    rclpy.init()
    listener = ProbabilitySubscriber()
    try:
        with (
            process("-m", "roma_ros.nodes.roma_node", *FRESH) as node,
            process(str(HERE / "sensor_rig.py"), str(width), str(height)),
        ):
            _spin_until(listener, lambda: len(listener.units) >= 5, 60)
            listener.units.clear()
            listener.latencies.clear()
            watched = psutil.Process(node.pid)
            before, start = watched.cpu_times(), time.perf_counter()
            _spin_until(listener, lambda: time.perf_counter() - start >= seconds, seconds + 10)
            after, elapsed = watched.cpu_times(), time.perf_counter() - start
            used = after.user + after.system - before.user - before.system
            memory = watched.memory_info().rss
    finally:
        listener.destroy_node()
        rclpy.shutdown()
    units = listener.units
    return OverRos(
        camera=f"{width}x{height} rgb8 30 Hz",
        latency=Spread.of(listener.latencies),
        units=len(units),
        missed=units[-1] - units[0] + 1 - len(units),
        node_cores=round(used / elapsed, 3),
        node_memory_mb=round(memory / 1e6, 1),
        diagnostics=listener.diagnostics,
    )


def _spin_until(node: Node, done: Callable[[], bool], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing after {timeout} s; does the node run? see its log above")
        rclpy.spin_once(node, timeout_sec=0.1)
