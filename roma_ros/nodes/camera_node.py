"""The node `camera`: publishes a local camera, opened by OpenCV, or a network camera."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from roma_ros.nodes.device_node import RECONNECT_SECONDS, DeviceNode, now_ns
from roma_ros.nodes.parameter_spec import ParameterSpec, declare_parameters
from roma_ros.nodes.run_node import run
from roma_ros.nodes.sensor_publisher import (
    FRAME_ID,
    IMAGE_TRANSPORT,
    RELIABILITY,
    SensorPublisher,
)
from roma_ros.sources import Camera, CameraConfig, Source, is_address, open_media

__all__ = ["CameraNode", "main"]

SPECS = (
    ParameterSpec(
        name="device",
        default="0",
        description="Index or path of the camera, or a URL such as rtsp://HOST/PATH, whose video "
        "is published (media_node publishes its audio too).",
    ),
    ParameterSpec(
        name="width",
        default=640,
        unit="pixels",
        low=16,
        high=8192,
        description="Requested width of the frames; the camera may choose another.",
    ),
    ParameterSpec(
        name="height",
        default=480,
        unit="pixels",
        low=16,
        high=8192,
        description="Requested height of the frames; the camera may choose another.",
    ),
    ParameterSpec(
        name="fps",
        default=15.0,
        unit="Hz",
        low=0.5,
        high=240.0,
        description="Requested frame rate; the camera may choose another.",
    ),
    RECONNECT_SECONDS,
    IMAGE_TRANSPORT,
    RELIABILITY,
    FRAME_ID,
)


class CameraNode(DeviceNode):
    """Node that publishes a camera on `image`; a stamp is the ROS time of the capture.

    Raises:
        CameraError: the camera cannot be opened.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__("camera", **arguments)
        declare_parameters(self, SPECS, lambda: "the camera is open; restart the node")
        camera = self._open(self.get("device"))
        publisher = SensorPublisher(
            self,
            camera,
            reliability=self.get("reliability"),
            frame_id=self.get("frame_id"),
            image_transport=self.get("image_transport"),
        )
        self.publish_device(camera, publisher)

    def _open(self, device: str) -> Source:
        if is_address(device):
            return open_media(device, audio=False, reconnect=self.reconnect(), clock=now_ns(self))
        config = CameraConfig(
            index=int(device) if device.isdecimal() else device,
            width=self.get("width"),
            height=self.get("height"),
            fps=self.get("fps"),
            reconnect=self.reconnect(),
        )
        return Camera(config, clock=now_ns(self))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node; returns the exit status, 1 if the camera was lost."""
    return run(CameraNode, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
