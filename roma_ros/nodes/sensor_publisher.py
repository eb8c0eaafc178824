"""Publishers of a source's frames and audio."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import Image

from roma_ros.msg import Audio
from roma_ros.nodes import qos
from roma_ros.nodes.conversions import (
    OUTPUT_TRANSPORTS,
    audio_message,
    compressed_image,
    image_message,
    image_topic,
)
from roma_ros.nodes.parameter_spec import ParameterSpec
from roma_ros.nodes.rclpy_compat import ignore_shutdown_errors, is_running, join_thread
from roma_ros.sources import Item, Source, SourceError
from roma_ros.units import AudioChunk, UnitsError

__all__ = ["FRAME_ID", "IMAGE_TRANSPORT", "RELIABILITY", "SensorPublisher", "SourceThread"]

JOIN_TIMEOUT = 2.0  # s that a source may take for its last item, once it is closed

IMAGE_TRANSPORT = ParameterSpec(
    name="image_transport",
    default="raw",
    description="Message type and topic of the images. raw: sensor_msgs/Image on `image`; "
    "compressed: JPEG as CompressedImage on `image/compressed`.",
    choices=OUTPUT_TRANSPORTS,
)
RELIABILITY = ParameterSpec(
    name="reliability",
    default="best_effort",
    description="Reliability of the publishers' quality of service.",
    choices=("best_effort", "reliable"),
)
FRAME_ID = ParameterSpec(
    name="frame_id",
    default="",
    description="Coordinate frame in the headers of the published messages.",
)


class SensorPublisher:
    """Publishers of `image` (or `image/compressed`) and `audio`, as far as a source has them.

    Args:
        node: the node to publish with.
        source: source of the items; its topics follow from its video and audio.
        reliability: "reliable" or "best_effort".
        frame_id: coordinate frame for the headers.
        image_transport: "raw" or "compressed".
    """

    def __init__(
        self,
        node: Node,
        source: Source,
        *,
        reliability: str,
        frame_id: str,
        image_transport: str = "raw",
    ) -> None:
        self._frame_id = frame_id
        self._images: Publisher | None = None
        self._audio: Publisher | None = None
        if source.has_video:
            message_type, topic = image_topic(node, image_transport)
            self._images = node.create_publisher(message_type, topic, qos.image_output(reliability))
            self._image_message = image_message if message_type is Image else compressed_image
        if source.has_audio:
            self._audio = node.create_publisher(Audio, "audio", qos.audio_output(reliability))

    @property
    def has_subscribers(self) -> bool:
        """Whether every topic has a subscriber."""
        used = (self._images, self._audio)
        return all(publisher.get_subscription_count() for publisher in used if publisher)

    def publish(self, item: Item) -> None:
        """Publish a frame or an audio chunk.

        Raises:
            ImageError: the frame cannot be converted.
        """
        if isinstance(item, AudioChunk):
            if self._audio is not None:
                self._audio.publish(audio_message(item, self._frame_id))
        elif self._images is not None:
            self._images.publish(self._image_message(item, self._frame_id))


class SourceThread:
    """Thread that publishes the items of a source until its end.

    Args:
        node: the node that logs.
        items: frames and audio chunks; iteration may block, and ends when the source is closed.
        publish: called with each item.
        on_end: called in the thread when the items end without `close`; with true after an error.
    """

    def __init__(
        self,
        node: Node,
        items: Iterable[Item],
        publish: Callable[[Item], None],
        on_end: Callable[[bool], None],
    ) -> None:
        self._node = node
        self._items = items
        self._publish = publish
        self._on_end = on_end
        self._ending = False
        self._thread = threading.Thread(target=self._work, name="source", daemon=True)
        self._thread.start()

    def close(self, close_source: Callable[[], None]) -> None:
        """Stop publishing; waits at most `JOIN_TIMEOUT` for the current item.

        Args:
            close_source: closes the source, which ends the items.
        """
        self._ending = True
        close_source()
        join_thread(self._thread, JOIN_TIMEOUT)

    def _work(self) -> None:
        failed = False
        try:
            with ignore_shutdown_errors(self._node):
                for item in self._items:
                    if self._ending:
                        return
                    self._publish_one(item)
        except SourceError as error:
            failed = True
            self._node.get_logger().error(str(error))
        except Exception as error:  # else the node would run without publishing
            failed = True
            self._node.get_logger().error(f"the source failed: {type(error).__name__}: {error}")
        if is_running(self._node.context) and not self._ending:
            self._on_end(failed)

    def _publish_one(self, item: Item) -> None:
        try:
            self._publish(item)
        except UnitsError as error:
            self._node.get_logger().warning(str(error), throttle_duration_sec=5.0)
