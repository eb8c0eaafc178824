"""The node `microphone`: a microphone without a driver of its own, by PortAudio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from roma_ros.nodes.device_node import RECONNECT_SECONDS, DeviceNode, now_ns
from roma_ros.nodes.parameter_spec import ParameterSpec, declare_parameters
from roma_ros.nodes.run_node import run
from roma_ros.nodes.sensor_publisher import FRAME_ID, RELIABILITY, SensorPublisher
from roma_ros.sources import Microphone, MicrophoneConfig
from roma_ros.units.audio import MAX_CHANNELS, MAX_RATE

__all__ = ["MicrophoneNode", "main"]

SPECS = (
    ParameterSpec(
        name="device",
        default="",
        description="PortAudio's number of the microphone, or a part of its name; empty: default.",
    ),
    ParameterSpec(
        name="rate",
        default=0,
        low=0,
        high=MAX_RATE,
        description="Wanted [Hz]; 0, and where the device refuses it: the device's own.",
    ),
    ParameterSpec(name="channels", default=1, low=1, high=MAX_CHANNELS, description="Wanted."),
    ParameterSpec(
        name="block_seconds",
        default=0.02,
        low=0.005,
        high=0.5,
        description="Length of the pieces of audio [s].",
    ),
    RECONNECT_SECONDS,
    RELIABILITY,
    FRAME_ID,
)


class MicrophoneNode(DeviceNode):
    """Publishes a microphone on `audio`, stamped with the ROS time of the first sample.

    Raises:
        MicrophoneError: PortAudio is missing, the device cannot be opened, or a rate below 8 kHz.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__("microphone", **arguments)
        declare_parameters(self, SPECS, lambda: "the microphone runs already; start another node")
        device = self.get("device")
        config = MicrophoneConfig(
            device=int(device) if device.isdecimal() else device or None,
            rate=self.get("rate") or None,
            channels=self.get("channels"),
            block_seconds=self.get("block_seconds"),
            reconnect=self.reconnect(),
        )
        microphone = Microphone(config, clock=now_ns(self))
        publisher = SensorPublisher(
            self,
            microphone,
            reliability=self.get("reliability"),
            frame_id=self.get("frame_id"),
        )
        self.publish_device(microphone, publisher)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end, or the microphone is gone."""
    return run(MicrophoneNode, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
