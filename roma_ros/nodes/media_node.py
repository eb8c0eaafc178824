"""The node `media`: plays a file, a folder of files or a stream as a camera and a microphone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from rclpy.node import Node

from roma_ros.nodes.device_node import RECONNECT_SECONDS, now_ns
from roma_ros.nodes.parameter_spec import ParameterSpec, declare_parameters
from roma_ros.nodes.rclpy_compat import is_running
from roma_ros.nodes.run_node import run
from roma_ros.nodes.sensor_publisher import (
    FRAME_ID,
    IMAGE_TRANSPORT,
    RELIABILITY,
    SensorPublisher,
    SourceThread,
)
from roma_ros.nodes.source_log import SourceLog
from roma_ros.sources import Item, MediaError, Reconnect, Source, open_media, paced

__all__ = ["FIRST_STAMP", "MediaNode", "main"]

FIRST_STAMP = "the first stamp is"
"""In the log, before the ns: to tell what of the media a unit is."""
POLL = 0.05  # seconds between two looks for subscribers

SPECS = (
    ParameterSpec(
        name="path",
        default="",
        description="A video or audio file, or a folder of them, played in the order of names; or "
        "an address such as rtsp://HOST/PATH; or a ROS 2 bag.",
    ),
    ParameterSpec(
        name="topics",
        default="",
        description="Of a ROS 2 bag: the image topic, the audio topic, or both with a comma "
        "between them; empty: those that it has.",
    ),
    ParameterSpec(
        name="loop",
        default=False,
        description="Begin again at the end of a recording, with stamps that go on.",
    ),
    ParameterSpec(
        name="rate",
        default=1.0,
        low=0.1,
        high=100.0,
        description="Seconds of the media in a second. Stamps go by the media's time, so they are "
        "ROS time at rate 1 only. A live stream has its own pace.",
    ),
    ParameterSpec(
        name="wait_for_subscribers",
        default=0.0,
        low=0.0,
        high=3600.0,
        description="How long to wait at the beginning for subscribers to all topics [s].",
    ),
    ParameterSpec(
        name="exit_at_end",
        default=True,
        description="Whether the process ends when all was played.",
    ),
    RECONNECT_SECONDS,
    IMAGE_TRANSPORT,
    RELIABILITY,
    FRAME_ID,
)


class MediaNode(Node):
    """Publishes the frames and the sound of media in real time, stamped with ROS time.

    A live stream that is lost is opened again and again, as the parameters say.

    Raises:
        SourceError: the path has nothing that can be played.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__("media", **arguments)
        self.exit_status: int | None = None
        self._log = SourceLog(self)
        declare_parameters(self, SPECS, lambda: "the media plays already; start another node")
        path = self._get("path")
        if not path:
            raise MediaError("parameter path is empty; give a file or folder: -p path:=clip.mp4")
        self._media = self._open(0)
        self._publisher = SensorPublisher(
            self,
            self._media,
            reliability=self._get("reliability"),
            frame_id=self._get("frame_id"),
            image_transport=self._get("image_transport"),
        )
        self._thread = SourceThread(self, self._play(), self._publisher.publish, self._end)

    def _open(self, start_stamp: int) -> Source:
        seconds = self._get("reconnect_seconds")
        return open_media(
            self._get("path"),
            loop=self._get("loop"),
            start_stamp=start_stamp,
            topics=[topic for topic in self._get("topics").split(",") if topic],
            reconnect=Reconnect(give_up_after=seconds) if seconds > 0 else None,
            clock=now_ns(self),
        )

    def destroy_node(self) -> None:
        if hasattr(self, "_thread"):
            self._thread.close(self._media.close)
        self._log.close()
        super().destroy_node()

    def _play(self) -> Iterator[Item]:
        """In the source's thread: the items when they are due."""
        self._wait_for_subscribers()
        start = self.get_clock().now().nanoseconds
        name = self._media.name
        if self._media.live:
            self.get_logger().info(f"following {name}")
            yield from self._media
            return
        self._media = self._open(start)
        self.get_logger().info(f"playing {name}; {FIRST_STAMP} {start}")
        yield from paced(self._media, self._get("rate"))

    def _wait_for_subscribers(self) -> None:
        patience = time.monotonic() + self._get("wait_for_subscribers")
        while time.monotonic() < patience and is_running(self.context):
            if self._publisher.has_subscribers:
                return
            time.sleep(POLL)

    def _end(self, failed: bool) -> None:
        if not failed:
            self.get_logger().info("all was played")
        if failed or self._get("exit_at_end"):
            self.exit_status = int(failed)

    def _get(self, name: str) -> Any:
        return self.get_parameter(name).value


def main(arguments: Sequence[str] | None = None) -> int:
    """Play until the end, or until told to stop."""
    return run(MediaNode, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
