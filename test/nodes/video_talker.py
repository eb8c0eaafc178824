"""A camera that sends H.264, run as a process where the messages are built.

python video_talker.py NAMESPACE TRANSPORT: "ffmpeg" or "foxglove".
"""

from __future__ import annotations

import array
import importlib
import sys
import time
from pathlib import Path
from typing import Any

import rclpy
from builtin_interfaces.msg import Time
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import qos_profile_sensor_data

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
video_encoder = importlib.import_module("video_encoder")
GOP, encoded = video_encoder.GOP, video_encoder.encoded

RATE = 10  # pictures a second of the stamps


def message_of(transport: str, data: bytes, number: int) -> Any:
    """One packet, stamped."""
    stamp = Time(sec=1_000 + number // RATE, nanosec=number % RATE * (1_000_000_000 // RATE))
    payload = array.array("B", data)
    if transport == "ffmpeg":
        messages = importlib.import_module("ffmpeg_image_transport_msgs.msg")
        message = messages.FFMPEGPacket(encoding="h264;yuv420p;bgr8;bgr8", pts=number, data=payload)
        message.header.stamp = stamp
        return message
    messages = importlib.import_module("foxglove_msgs.msg")
    return messages.CompressedVideo(timestamp=stamp, format="h264", data=payload)


def main(namespace: str, transport: str) -> None:
    rclpy.init()
    node = Node("talker", namespace=namespace)
    packets = encoded("libx264")
    first = message_of(transport, packets[0].data, 0)
    publisher = begin(node, type(first), f"image/{transport}")
    for number in range(10_000):
        if number == 5 * GOP + 5:  # the driver starts again, and a packet is lost
            node.destroy_publisher(publisher)
            publisher = begin(node, type(first), f"image/{transport}")
            continue
        publisher.publish(message_of(transport, packets[number % len(packets)].data, number))
        time.sleep(0.01)


def begin(node: Node, message_type: type, topic: str) -> Publisher:
    """A publisher that has its subscription."""
    publisher = node.create_publisher(message_type, topic, qos_profile_sensor_data)
    while not publisher.get_subscription_count():
        time.sleep(0.01)
    time.sleep(0.3)
    return publisher


if __name__ == "__main__":
    main(*sys.argv[1:])
