"""The node `microphone`: publishes a local microphone, opened by PortAudio."""

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
        description="PortAudio index of the microphone, or a part of its name; empty: the "
        "default microphone.",
    ),
    ParameterSpec(
        name="rate",
        default=0,
        unit="Hz",
        low=0,
        high=MAX_RATE,
        description="Requested sample rate; the device's own if that is 0 or not supported.",
    ),
    ParameterSpec(
        name="channels",
        default=1,
        low=1,
        high=MAX_CHANNELS,
        description="Requested number of channels.",
    ),
    ParameterSpec(
        name="block_seconds",
        default=0.02,
        unit="s",
        low=0.005,
        high=0.5,
        description="Duration of the published audio chunks.",
    ),
    RECONNECT_SECONDS,
    RELIABILITY,
    FRAME_ID,
)


class MicrophoneNode(DeviceNode):
    """Node that publishes a microphone on `audio`; a stamp is the ROS time of the first sample.

    Raises:
        MicrophoneError: PortAudio is missing, the device cannot be opened, or the rate is below
            8 kHz.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__("microphone", **arguments)
        declare_parameters(self, SPECS, lambda: "the microphone is open; restart the node")
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
    """Run the node; returns the exit status, 1 if the microphone was lost."""
    return run(MicrophoneNode, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
