"""A camera and a microphone as drivers publish them: `python sensor_rig.py [WIDTH HEIGHT]`.

30 Hz rgb8 images and 48 kHz stereo sound in chunks of 20 ms, both best effort, stamped with the
system clock when they are published, until the process receives SIGINT.
"""

from __future__ import annotations

import array
import contextlib
import sys

import numpy as np
import rclpy
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from roma_ros.msg import Audio
from sensor_msgs.msg import Image

__all__ = ["SensorRig"]

FRAMES_PER_SECOND = 30
PIECES_PER_SECOND = 50
RATE = 48_000


class SensorRig(Node):
    """Publisher of `image` and `audio`, driven by two timers."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__("sensor_rig")
        noise = np.random.default_rng(0)
        self._image = Image(height=height, width=width, encoding="rgb8", step=3 * width)
        self._image.data = array.array(
            "B", noise.integers(0, 256, 3 * width * height, dtype=np.uint8).tobytes()
        )
        piece = noise.normal(0, 1_000, RATE // PIECES_PER_SECOND * 2).astype("<i2")
        self._audio = Audio(sample_rate=RATE, channels=2, format="s16le")
        self._audio.data = array.array("B", piece.tobytes())
        self._images = self.create_publisher(Image, "image", qos_profile_sensor_data)
        self._sound = self.create_publisher(Audio, "audio", qos_profile_sensor_data)
        self._began = self.get_clock().now()
        self._pieces = 0
        self.create_timer(1 / FRAMES_PER_SECOND, self._publish_image)
        self.create_timer(1 / PIECES_PER_SECOND, self._publish_audio)

    def _publish_image(self) -> None:
        self._image.header.stamp = self.get_clock().now().to_msg()
        self._images.publish(self._image)

    def _publish_audio(self) -> None:
        """Publish a chunk, stamped by a steady sound card's clock, however late the timer is."""
        passed = Duration(seconds=self._pieces / PIECES_PER_SECOND)
        self._pieces += 1
        self._audio.header.stamp = (self._began + passed).to_msg()
        self._sound.publish(self._audio)


def main() -> None:
    width, height = (int(number) for number in sys.argv[1:3])
    rclpy.init()
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(SensorRig(width, height))


if __name__ == "__main__":
    main()
