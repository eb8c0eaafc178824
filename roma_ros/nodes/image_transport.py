"""How images travel, on which topic, and how each kind of message is read."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from roma_ros.nodes.conversions import compressed_frame, raw_frame
from roma_ros.sources.video_packets import PacketDecoder, codec_of
from roma_ros.units import Frame, RgbFrame
from roma_ros.units.frame import DEFAULT_DECODED_PIXELS

__all__ = [
    "IMAGE_TRANSPORTS",
    "OUTPUT_TRANSPORTS",
    "ImageInput",
    "ImageTransportError",
    "VideoPackets",
    "image_input",
    "image_topic",
    "input_topic",
]

OUTPUT_TRANSPORTS = ("raw", "compressed")
"""What our own sensor nodes publish."""
IMAGE_TRANSPORTS = (*OUTPUT_TRANSPORTS, "ffmpeg", "foxglove")
"""What the roma node reads, by the names of image_transport's plugins."""

UNKNOWN_SEQUENCE = (None, 0, 2**64 - 1)
"""What ROS middlewares give that do not number messages."""


KEPT_BYTES = 24 * 1024 * 1024
"""Larger raw images are decoded, and made smaller, when they come: a dozen may wait for a unit."""


class ImageTransportError(ValueError):
    """The parameter image_transport names messages that are not installed."""


class ImageInput(Protocol):
    """Reads one type of image message."""

    @property
    def message_type(self) -> type:
        """What to subscribe to."""

    def frames(self, message: Any, stamp: int, sequence: int | None) -> Sequence[Frame]:
        """The frames that a message completes.

        Args:
            stamp: of the message, ns.
            sequence: its number among those of its publisher, if that is known.

        Raises:
            ImageError: it cannot be read.
        """


class RawImages:
    """sensor_msgs/Image."""

    message_type = Image

    def frames(self, message: Image, stamp: int, _sequence: int | None) -> Sequence[Frame]:
        frame = raw_frame(message, stamp)
        if len(message.data) <= KEPT_BYTES:
            return [frame]
        return [RgbFrame(stamp, frame.decode())]


@dataclass(frozen=True, slots=True)
class CompressedImages:
    """sensor_msgs/CompressedImage.

    Attributes:
        max_pixels: larger images that can only be decoded whole are refused.
    """

    max_pixels: int = DEFAULT_DECODED_PIXELS
    message_type: type = CompressedImage

    def frames(
        self, message: CompressedImage, stamp: int, _sequence: int | None
    ) -> Sequence[Frame]:
        return [compressed_frame(message, stamp, self.max_pixels)]


class VideoPackets:
    """ffmpeg_image_transport_msgs/FFMPEGPacket and foxglove_msgs/CompressedVideo.

    The decoder has the state of one stream: messages are to be read in their order, by one thread.
    """

    def __init__(self, message_type: type) -> None:
        self.message_type = message_type
        self._decoder = PacketDecoder()
        self._sequence: int | None = None

    def frames(self, message: Any, stamp: int, sequence: int | None) -> Sequence[Frame]:
        previous, self._sequence = self._sequence, sequence
        unknown = sequence in UNKNOWN_SEQUENCE or previous in UNKNOWN_SEQUENCE
        lost = not unknown and sequence != (previous or 0) + 1
        name = message.encoding if hasattr(message, "encoding") else message.format
        codec = codec_of(name.partition(";")[0])
        return self._decoder.decode(codec, memoryview(message.data), stamp, lost=lost)


_VIDEO_MESSAGES = {
    "ffmpeg": ("ffmpeg_image_transport_msgs", "FFMPEGPacket"),
    "foxglove": ("foxglove_msgs", "CompressedVideo"),
}


def image_input(transport: str, max_pixels: int = DEFAULT_DECODED_PIXELS) -> ImageInput:
    """The reader of what a transport sends.

    Args:
        transport: one of IMAGE_TRANSPORTS.
        max_pixels: bound of compressed images that can only be decoded whole.

    Raises:
        ImageTransportError: its messages are not installed.
    """
    if transport == "raw":
        return RawImages()
    if transport == "compressed":
        return CompressedImages(max_pixels)
    package, name = _VIDEO_MESSAGES[transport]
    try:
        return VideoPackets(getattr(importlib.import_module(f"{package}.msg"), name))
    except (ImportError, AttributeError) as error:
        raise ImageTransportError(
            f"image_transport is {transport}, but {package}/{name} is not installed; install it "
            f"(apt: ros-<distro>-{package.replace('_', '-')}) and source its workspace, or let "
            "image_transport's node republish decode the topic (its parameters in_transport "
            f"{transport} and out_transport compressed) and set image_transport to compressed"
        ) from error


def image_topic(node: Node, transport: str) -> tuple[type, str]:
    """Message type and topic of the images that a node of ours publishes: raw or compressed."""
    return (Image if transport == "raw" else CompressedImage), input_topic(node, transport)


def input_topic(node: Node, transport: str) -> str:
    """The topic of a node's images.

    As with image_transport, all but raw ones are where `image` is remapped to, plus the name of the
    transport: /compressed, /ffmpeg, /foxglove.
    """
    return "image" if transport == "raw" else f"{node.resolve_topic_name('image')}/{transport}"
