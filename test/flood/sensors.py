"""A well-behaved camera and microphone: `python test/flood/sensors.py NAMESPACE [compressed]`.

10 Hz images of 160x120 (raw, or JPEG) and 16 kHz sound in chunks of 100 ms, stamped with the system
clock, until the process is ended.
"""

from __future__ import annotations

import array
import contextlib
import sys

import cv2
import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from roma_ros.msg import Audio
from sensor_msgs.msg import CompressedImage, Image

__all__ = ["Sensors"]

WIDTH, HEIGHT, RATE, CHUNK_PERIOD = 160, 120, 16_000, 0.1


class Sensors(Node):
    """Publishes `image` (or `image/compressed`) and `audio` by one timer."""

    def __init__(self, namespace: str, *, compressed: bool) -> None:
        super().__init__("sensors", namespace=namespace)
        rng = np.random.default_rng(0)
        picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        if compressed:
            jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
            self._image = CompressedImage(format="jpeg", data=array.array("B", jpeg))
        else:
            self._image = Image(height=HEIGHT, width=WIDTH, encoding="rgb8", step=3 * WIDTH)
            self._image.data = array.array("B", picture.tobytes())
        sound = rng.normal(0, 300, int(RATE * CHUNK_PERIOD)).astype("<i2")
        self._audio = Audio(sample_rate=RATE, channels=1, format="s16le")
        self._audio.data = array.array("B", sound.tobytes())
        topic = "image/compressed" if compressed else "image"
        self._images = self.create_publisher(type(self._image), topic, qos_profile_sensor_data)
        self._chunks = self.create_publisher(Audio, "audio", qos_profile_sensor_data)
        self.create_timer(CHUNK_PERIOD, self._publish)

    def _publish(self) -> None:
        stamp = self.get_clock().now().to_msg()
        self._image.header.stamp = self._audio.header.stamp = stamp
        self._images.publish(self._image)
        self._chunks.publish(self._audio)


def main() -> None:
    rclpy.init()
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(Sensors(sys.argv[1], compressed="compressed" in sys.argv[2:]))


if __name__ == "__main__":
    main()
