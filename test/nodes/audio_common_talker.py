"""A microphone that speaks audio_common_msgs, run as a process where one of its flavours is built.

python audio_common_talker.py NAMESPACE CODING: coding is "wave" or "mp3", for ros-drivers' flavour,
or "plain": its AudioData without stamp or format, in real time.
"""

from __future__ import annotations

import array
import sys
import time
from typing import Any

import numpy as np
import rclpy
from audio_common_msgs import msg as messages  # type: ignore[import-not-found]
from builtin_interfaces.msg import Time
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data

RATE = 16_000
TONE = (8_000 * np.sin(2 * np.pi * 440 / RATE * np.arange(RATE // 10))).astype("<i2")


def drivers_message() -> Any:
    message = messages.AudioDataStamped()
    message.audio.data = array.array("B", TONE.tobytes())
    return message


def portaudio_message() -> Any:
    message = messages.AudioStamped()
    message.audio.audio_data.int16_data = array.array("h", TONE.tobytes())
    info = message.audio.info
    info.format, info.channels, info.rate, info.chunk = 8, 1, RATE, len(TONE)
    return message


def main(namespace: str, coding: str) -> None:
    rclpy.init()
    node = Node("talker", namespace=namespace)
    if coding == "plain":
        publisher = node.create_publisher(messages.AudioData, "audio", qos_profile_sensor_data)
        begin = time.monotonic()
        for piece in range(10_000):
            publisher.publish(messages.AudioData(data=array.array("B", TONE.tobytes())))
            time.sleep(max(0.0, begin + (piece + 1) / 10 - time.monotonic()))
        return
    if hasattr(messages, "AudioDataStamped"):
        message = drivers_message()
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        announcer = node.create_publisher(messages.AudioInfo, "audio_info", latched)
        announcer.publish(
            messages.AudioInfo(
                channels=1, sample_rate=RATE, sample_format="S16LE", coding_format=coding
            )
        )
    else:
        message = portaudio_message()
    publisher = node.create_publisher(type(message), "audio", qos_profile_sensor_data)
    while not publisher.get_subscription_count():
        time.sleep(0.01)
    time.sleep(0.3)  # the announcement has no order with the audio
    for piece in range(10_000):
        message.header.stamp = Time(sec=1_000 + piece // 10, nanosec=piece % 10 * 100_000_000)
        publisher.publish(message)
        time.sleep(0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
