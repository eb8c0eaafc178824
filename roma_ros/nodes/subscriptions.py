"""Subscriptions to the sensors' topics."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.subscription import Subscription

from roma_ros.nodes import qos
from roma_ros.nodes.audio_input import AudioInput
from roma_ros.nodes.conversions import ImageInput, VideoPackets, input_topic
from roma_ros.nodes.input_errors import InputErrors
from roma_ros.nodes.input_monitor import InputMonitor
from roma_ros.nodes.input_switches import InputSwitches
from roma_ros.nodes.input_thread import ReceivedMessage
from roma_ros.nodes.stamps import ARRIVAL_TOLERANCE, message_stamp, stamp_by_arrival
from roma_ros.sources import Item
from roma_ros.sources.sample_clock import SampleClock
from roma_ros.units import AudioChunk, Modality

__all__ = ["SensorSubscriptions"]

MAX_FRAME_ID = 256  # characters


class SensorSubscriptions:
    """Subscriptions to the topics of the camera and the microphone.

    Callbacks pass on a reference to the message and return: decoding and resampling are done by
    the receiver.

    Args:
        node: the node to subscribe with.
        put: called with each message in the executor's thread; must not block.
        errors: where bad input is counted.

    Attributes:
        monitors: rate and age of each input.
        switches: which inputs are enabled; messages of a disabled input are counted and dropped.
    """

    def __init__(
        self, node: Node, put: Callable[[ReceivedMessage], None], errors: InputErrors
    ) -> None:
        self.monitors: list[InputMonitor] = []
        self.switches = InputSwitches.of(())
        self._frame_ids: dict[Modality, str] = {}  # of the last message of each input
        self._audio_clock: SampleClock | None = None  # for audio without stamps
        self._node = node
        self._put = put
        self._errors = errors
        self._subscriptions: list[Subscription] = []

    @property
    def enabled(self) -> bool:
        """Whether any input is enabled."""
        return any(self.switches.enabled(modality) for modality in self.switches.present)

    @property
    def frame_id(self) -> str:
        """The coordinate frame of the last image; without a camera, of the last audio."""
        return self._frame_ids.get(Modality.VIDEO) or self._frame_ids.get(Modality.AUDIO, "")

    def subscribe_images(self, transport: str, images: ImageInput) -> None:
        """Subscribe to images.

        Args:
            transport: one of IMAGE_TRANSPORTS; decides the topic.
            images: reader of the transport's messages.
        """
        self._add_input(Modality.VIDEO)
        topic = input_topic(self._node, transport)
        profile = qos.VIDEO if isinstance(images, VideoPackets) else qos.IMAGES
        self._subscribe(images.message_type, topic, self._on_image, images, profile)

    def subscribe_audio(self, audio: AudioInput) -> None:
        """Subscribe to audio, and to the topic of its format if the messages do not contain it."""
        self._add_input(Modality.AUDIO)
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
        """Destroy the subscriptions."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()

    def _add_input(self, modality: Modality) -> None:
        self.switches = InputSwitches.of((*self.switches.present, modality))

    def _accepts(self, modality: Modality, message: Any) -> bool:
        """Return whether an input is enabled; if so, note the coordinate frame of the message."""
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
        profile: Any,
    ) -> None:
        package, module, *_ = message_type.__module__.split(".")
        monitor = InputMonitor(
            self._node.resolve_topic_name(topic), f"{package}/{module}/{message_type.__name__}"
        )
        self.monitors.append(monitor)

        # rclpy passes the message info too, because the callback has two parameters left.
        on_message: Any = partial(callback, monitor, reader)
        self._subscriptions.append(
            self._node.create_subscription(message_type, topic, on_message, profile)
        )

    def _on_image(
        self, monitor: InputMonitor, images: ImageInput, message: Any, info: dict[str, Any]
    ) -> None:
        stamp, received = self._stamps(monitor, message)
        if self._accepts(Modality.VIDEO, message):
            sequence = info.get("publication_sequence_number")
            read = partial(images.frames, message, stamp or received, sequence)
            self._queue(monitor, read, received, size=len(message.data))

    def _on_audio(self, monitor: InputMonitor, audio: AudioInput, message: Any, _info: Any) -> None:
        stamp, received = self._stamps(monitor, message)
        if self._accepts(Modality.AUDIO, message):
            self._queue(
                monitor, partial(self._read_audio, audio, message, stamp, received), received
            )

    def _queue(
        self,
        monitor: InputMonitor,
        read: Callable[[], Item | Sequence[Item]],
        received: int,
        size: int = 0,
    ) -> None:
        # ROS time of a simulation is zero until the first message on /clock.
        now = time.monotonic_ns()
        self._put(ReceivedMessage(monitor.topic, read, now, received or None, size))

    def _read_audio(self, audio: AudioInput, message: Any, stamp: int, received: int) -> AudioChunk:
        """Convert a message to audio, in the input thread."""
        chunk = audio.chunk(message, stamp or received)
        if stamp:
            return chunk
        if self._audio_clock is None or self._audio_clock.rate != chunk.rate:
            self._audio_clock = SampleClock(chunk.rate, ARRIVAL_TOLERANCE)
        return stamp_by_arrival(chunk, received, self._audio_clock)

    def _stamps(self, monitor: InputMonitor, message: Any) -> tuple[int, int]:
        """Return the message's stamp, 0 if it has none, and its time of arrival, ns of ROS time."""
        stamp = message_stamp(message)
        received = self._node.get_clock().now().nanoseconds
        monitor.arrived((received - stamp) / 1e9 if stamp else 0.0)
        if not stamp and hasattr(message, "header"):
            self._errors.report(
                monitor.topic,
                "no stamp",
                "header.stamp is 0; expected the time of capture. The time of arrival is used "
                "instead, and audio and video may be misaligned; let the driver fill in the stamp",
            )
        return stamp, received
