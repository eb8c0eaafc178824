"""Base class of the nodes for a camera and for a microphone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from roma_ros.nodes.parameter_spec import ParameterSpec
from roma_ros.nodes.sensor_publisher import SensorPublisher, SourceThread
from roma_ros.nodes.source_log import SourceLog
from roma_ros.sources import Reconnect, Source

__all__ = ["RECONNECT_SECONDS", "DeviceNode", "now_ns"]

RECONNECT_SECONDS = ParameterSpec(
    name="reconnect_seconds",
    default=86_400.0,
    unit="s",
    low=0.0,
    high=1e9,
    description="How long to try to reopen a lost device or stream, with pauses of up to 10 s, "
    "before the node ends with status 1; 0: it ends at once.",
)


class DeviceNode(Node):
    """Node that publishes the data of a device; if the device is lost, it ends with status 1."""

    exit_status: int | None = None

    def __init__(self, name: str, **arguments: Any) -> None:
        super().__init__(name, **arguments)
        self._log = SourceLog(self)

    def publish_device(self, source: Source, publisher: SensorPublisher) -> None:
        """Start to publish, in a thread."""
        self._source = source
        self._thread = SourceThread(self, source, publisher.publish, self._end)

    def destroy_node(self) -> None:
        if hasattr(self, "_thread"):
            self._thread.close(self._source.close)
        self._log.close()
        super().destroy_node()

    def _end(self, failed: bool) -> None:
        self.exit_status = int(failed)

    def get(self, name: str) -> Any:
        """Return the value of a parameter."""
        return self.get_parameter(name).value

    def reconnect(self) -> Reconnect | None:
        """Return the settings of `reconnect_seconds`; `None`: do not reconnect."""
        seconds = self.get(RECONNECT_SECONDS.name)
        return Reconnect(give_up_after=seconds) if seconds > 0 else None


def now_ns(node: Node) -> Callable[[], int]:
    """Return a clock for stamps: ROS time, ns."""
    return lambda: node.get_clock().now().nanoseconds
