"""The node `camera`: a camera without a driver of its own, by OpenCV, or one of the network."""

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
        description="Number or path of the camera, or an address such as rtsp://HOST/PATH, of "
        "which the picture is taken (media_node takes the sound too).",
    ),
    ParameterSpec(name="width", default=640, low=16, high=8192, description="Wanted [pixels]."),
    ParameterSpec(name="height", default=480, low=16, high=8192, description="Wanted [pixels]."),
    ParameterSpec(name="fps", default=15.0, low=0.5, high=240.0, description="Wanted [Hz]."),
    RECONNECT_SECONDS,
    IMAGE_TRANSPORT,
    RELIABILITY,
    FRAME_ID,
)


class CameraNode(DeviceNode):
    """Publishes a camera on `image`, stamped with ROS time as soon as a frame was taken.

    Raises:
        CameraError: it cannot be opened.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__("camera", **arguments)
        declare_parameters(self, SPECS, lambda: "the camera runs already; start another node")
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
    """Run the node until it is told to end, or the camera is gone."""
    return run(CameraNode, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
