"""The node's ears and eyes: subscriptions that only note what came and hand it on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.subscription import Subscription

from roma_ros.nodes import qos
from roma_ros.nodes.audio_input import AudioInput
from roma_ros.nodes.conversions import compressed_frame, raw_frame
from roma_ros.nodes.faults import Faults
from roma_ros.nodes.image_transport import image_topic
from roma_ros.nodes.input_monitor import InputMonitor
from roma_ros.nodes.input_switches import InputSwitches
from roma_ros.nodes.intake import Arrival
from roma_ros.nodes.stamps import AudioCountedOn, stamp_of
from roma_ros.units import AudioChunk, Frame, Modality

__all__ = ["Senses"]

MAX_FRAME_ID = 256  # characters; names of frames are a few words


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
        switches: an input that is switched off is counted and let go.
    """

    def __init__(self, node: Node, put: Callable[[Arrival], None], faults: Faults) -> None:
        self.monitors: list[InputMonitor] = []
        self.switches = InputSwitches.of(())
        self._frame_ids: dict[Modality, str] = {}  # the last of each input
        self._node = node
        self._put = put
        self._faults = faults
        self._subscriptions: list[Subscription] = []

    @property
    def enabled(self) -> bool:
        """Whether any input is taken."""
        return any(self.switches.enabled(modality) for modality in self.switches.present)

    @property
    def frame_id(self) -> str:
        """The coordinate frame of the last image; of the last audio if there is no camera."""
        return self._frame_ids.get(Modality.VIDEO) or self._frame_ids.get(Modality.AUDIO, "")

    def look(self, image_transport: str) -> None:
        """Subscribe to images, "raw" or "compressed"."""
        self._have(Modality.VIDEO)
        message_type, topic = image_topic(self._node, image_transport)
        reader = raw_frame if image_transport == "raw" else compressed_frame
        self._subscribe(message_type, topic, self._on_image, reader)

    def listen(self, audio: AudioInput) -> None:
        """Subscribe to audio, and to what announces its format if the messages do not say it."""
        self._have(Modality.AUDIO)
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

    def _have(self, modality: Modality) -> None:
        self.switches = InputSwitches.of((*self.switches.present, modality))

    def _takes(self, modality: Modality, message: Any) -> bool:
        """Whether a message is to be passed on; notes its frame if so."""
        if not self.switches.enabled(modality):
            return False
        named = getattr(message, "header", message)  # some messages have no header
        self._frame_ids[modality] = getattr(named, "frame_id", "")[:MAX_FRAME_ID]
        return True

    def _subscribe(
        self,
        message_type: Any,
        topic: str,
        callback: Callable[..., None],
        reader: Any,
        profile: Any = qos.IMAGES,
    ) -> None:
        package, module, *_ = message_type.__module__.split(".")
        monitor = InputMonitor(
            self._node.resolve_topic_name(topic), f"{package}/{module}/{message_type.__name__}"
        )
        self.monitors.append(monitor)
        self._subscriptions.append(
            self._node.create_subscription(
                message_type, topic, partial(callback, monitor, reader), profile
            )
        )

    def _on_image(
        self, monitor: InputMonitor, reader: Callable[[Any, int], Frame], message: Any
    ) -> None:
        stamp, received = self._stamps(monitor, message)
        if self._takes(Modality.VIDEO, message):
            self._put(Arrival(monitor.topic, partial(reader, message, stamp or received)))

    def _on_audio(self, monitor: InputMonitor, audio: AudioInput, message: Any) -> None:
        stamp, received = self._stamps(monitor, message)
        if self._takes(Modality.AUDIO, message):
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
        stamp = stamp_of(message.header.stamp)
        received = self._node.get_clock().now().nanoseconds
        monitor.arrived((received - stamp) / 1e9 if stamp else 0.0)
        if not stamp:
            self._faults.report(
                monitor.topic,
                "no stamp",
                "header.stamp is zero: the driver does not fill it in; the time of arrival is "
                "taken instead, and sound and picture may not fit together well",
            )
        return stamp, received
