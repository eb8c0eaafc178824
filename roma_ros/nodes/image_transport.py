"""How images travel: raw or compressed, on which topic."""

from __future__ import annotations

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

__all__ = ["IMAGE_TRANSPORTS", "image_topic"]

IMAGE_TRANSPORTS = ("raw", "compressed")


def image_topic(node: Node, transport: str) -> tuple[type, str]:
    """Message type and topic of a node's images.

    As with image_transport, compressed images are where `image` is remapped to, plus /compressed.
    """
    if transport == "raw":
        return Image, "image"
    return CompressedImage, node.resolve_topic_name("image") + "/compressed"
