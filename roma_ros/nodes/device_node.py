"""What the nodes for a camera and for a microphone have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from roma_ros.nodes.sensor_publisher import SensorPublisher, SourceThread
from roma_ros.sources import Source

__all__ = ["DeviceNode", "now_ns"]


class DeviceNode(Node):
    """Publishes what a device gives; if the device fails, the process ends with status 1."""

    exit_status: int | None = None

    def publish_device(self, source: Source, publisher: SensorPublisher) -> None:
        """Begin to publish, in a thread."""
        self._source = source
        self._thread = SourceThread(self, source, publisher.publish, self._end)

    def destroy_node(self) -> None:
        if hasattr(self, "_thread"):
            self._thread.close(self._source.close)
        super().destroy_node()

    def _end(self, failed: bool) -> None:
        self.exit_status = int(failed)

    def get(self, name: str) -> Any:
        """Value of a parameter."""
        return self.get_parameter(name).value


def now_ns(node: Node) -> Callable[[], int]:
    """A clock for stamps: ROS time in ns."""
    return lambda: node.get_clock().now().nanoseconds
