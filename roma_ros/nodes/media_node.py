"""The node `media`: publishes a file, a folder of files or a stream as camera and microphone."""

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
"""In the log, before the stamp in ns: maps units to the time of the media."""
POLL_PERIOD = 0.05  # s between two checks for subscribers

SPECS = (
    ParameterSpec(
        name="path",
        default="",
        description="What to play: a video or audio file, a folder of them in the order of their "
        "names, a ROS 2 bag, or a URL such as rtsp://HOST/PATH.",
    ),
    ParameterSpec(
        name="topics",
        default="",
        description="Topics of a ROS 2 bag to play: one of images, one of audio, or both separated "
        "by a comma; empty: those that the bag has.",
    ),
    ParameterSpec(
        name="loop",
        default=False,
        description="Whether to start over at the end of a file; stamps keep increasing.",
    ),
    ParameterSpec(
        name="rate",
        default=1.0,
        low=0.1,
        high=100.0,
        description="Playback speed, 1.0 for real time. Stamps follow the media, so they are ROS "
        "time at rate 1.0 only. Live streams ignore it.",
    ),
    ParameterSpec(
        name="wait_for_subscribers",
        default=0.0,
        unit="s",
        low=0.0,
        high=3600.0,
        description="How long to wait for a subscriber on every topic before playing.",
    ),
    ParameterSpec(
        name="exit_at_end",
        default=True,
        description="Whether the process ends after the last frame.",
    ),
    RECONNECT_SECONDS,
    IMAGE_TRANSPORT,
    RELIABILITY,
    FRAME_ID,
)


class MediaNode(Node):
    """Node that publishes the frames and the audio of media in real time, stamped with ROS time.

    A live stream that ends is reopened; see the parameter `reconnect_seconds`.

    Raises:
        SourceError: the path cannot be played.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__("media", **arguments)
        self.exit_status: int | None = None
        self._log = SourceLog(self)
        declare_parameters(self, SPECS, lambda: "the node is playing; restart it")
        path = self._get("path")
        if not path:
            raise MediaError("path is empty; expected a file, folder or URL: -p path:=clip.mp4")
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
        """Yield each item when it is due; runs in the source's thread."""
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
        deadline = time.monotonic() + self._get("wait_for_subscribers")
        while time.monotonic() < deadline and is_running(self.context):
            if self._publisher.has_subscribers:
                return
            time.sleep(POLL_PERIOD)

    def _end(self, failed: bool) -> None:
        if not failed:
            self.get_logger().info("end of the media")
        if failed or self._get("exit_at_end"):
            self.exit_status = int(failed)

    def _get(self, name: str) -> Any:
        return self.get_parameter(name).value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node; returns the exit status."""
    return run(MediaNode, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
