"""The node's ears and eyes: subscriptions that only note what came and hand it on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.subscription import Subscription

from roma_ros.nodes import qos
from roma_ros.nodes.audio_input import AudioInput
from roma_ros.nodes.faults import Faults
from roma_ros.nodes.image_transport import ImageInput, VideoPackets, input_topic
from roma_ros.nodes.input_monitor import InputMonitor
from roma_ros.nodes.intake import Arrival
from roma_ros.nodes.stamps import AudioCountedOn, message_stamp
from roma_ros.units import AudioChunk

__all__ = ["Senses"]


class Senses:
    """Subscriptions to the sensors' topics.

    Callbacks keep a reference to the message and return: reading, decoding and resampling are
    done where `put` leads to.

    Args:
        node: whose subscriptions they are.
        put: takes what arrived; must not wait.
        faults: where bad input is counted.

    Attributes:
        monitors: one for each input.
        enabled: false: what comes in is let go.
    """

    def __init__(self, node: Node, put: Callable[[Arrival], None], faults: Faults) -> None:
        self.monitors: list[InputMonitor] = []
        self.enabled = True
        self._node = node
        self._put = put
        self._faults = faults
        self._subscriptions: list[Subscription] = []

    def look(self, transport: str, images: ImageInput) -> None:
        """Subscribe to images.

        Args:
            transport: one of IMAGE_TRANSPORTS, which names the topic.
            images: reads its messages.
        """
        topic = input_topic(self._node, transport)
        profile = qos.VIDEO if isinstance(images, VideoPackets) else qos.IMAGES
        self._subscribe(images.message_type, topic, self._on_image, images, profile)

    def listen(self, audio: AudioInput) -> None:
        """Subscribe to audio, and to what announces its format if the messages do not say it."""
        self._counted_on = AudioCountedOn()
        self._subscribe(audio.message_type, "audio", self._on_audio, audio, profile=qos.AUDIO)
        topic = audio.format_topic
        if topic is not None:
            for profile in (qos.AUDIO_INFO, qos.AUDIO_INFO_LATCHED):
                self._subscriptions.append(
                    self._node.create_subscription(
                        topic.message_type, topic.name, topic.callback, profile
                    )
                )

    def close(self) -> None:
        """End the subscriptions."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()

    def _subscribe(
        self,
        message_type: Any,
        topic: str,
        callback: Callable[..., None],
        reader: Any,
        profile: Any,
    ) -> None:
        package, module, *_ = message_type.__module__.split(".")
        monitor = InputMonitor(
            self._node.resolve_topic_name(topic), f"{package}/{module}/{message_type.__name__}"
        )
        self.monitors.append(monitor)

        arrived: Any = partial(callback, monitor, reader)  # of message and info, as rclpy can tell
        self._subscriptions.append(
            self._node.create_subscription(message_type, topic, arrived, profile)
        )

    def _on_image(
        self, monitor: InputMonitor, images: ImageInput, message: Any, info: dict[str, Any]
    ) -> None:
        stamp, received = self._stamps(monitor, message)
        if self.enabled:
            sequence = info.get("publication_sequence_number")
            read = partial(images.frames, message, stamp or received, sequence)
            self._put(Arrival(monitor.topic, read, len(message.data)))

    def _on_audio(self, monitor: InputMonitor, audio: AudioInput, message: Any, _info: Any) -> None:
        stamp, received = self._stamps(monitor, message)
        if self.enabled:
            self._put(Arrival(monitor.topic, partial(self._hear, audio, message, stamp, received)))

    def _hear(self, audio: AudioInput, message: Any, stamp: int, received: int) -> AudioChunk:
        """The samples, in the intake's thread."""
        chunk = audio.chunk(message, stamp or received)
        if stamp:
            return chunk
        return AudioChunk(
            self._counted_on.stamp(received, chunk.duration), chunk.rate, chunk.samples
        )

    def _stamps(self, monitor: InputMonitor, message: Any) -> tuple[int, int]:
        """The message's stamp, 0 if it has none, and the time of its arrival, ns."""
        stamp = message_stamp(message)
        received = self._node.get_clock().now().nanoseconds
        monitor.arrived((received - stamp) / 1e9 if stamp else 0.0)
        if not stamp and hasattr(message, "header"):
            self._faults.report(
                monitor.topic,
                "no stamp",
                "header.stamp is zero: the driver does not fill it in; the time of arrival is "
                "taken instead, and sound and picture may not fit together well",
            )
        return stamp, received
