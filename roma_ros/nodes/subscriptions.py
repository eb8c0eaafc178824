"""The node's ears and eyes: subscriptions that only note what came and hand it on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.subscription import Subscription

from roma_ros.nodes import qos
from roma_ros.nodes.audio_input import AudioInput
from roma_ros.nodes.image_transport import ImageInput, VideoPackets, input_topic
from roma_ros.nodes.input_errors import Faults
from roma_ros.nodes.input_monitor import InputMonitor
from roma_ros.nodes.input_switches import InputSwitches
from roma_ros.nodes.input_thread import Arrival
from roma_ros.nodes.stamps import message_stamp
from roma_ros.sources import Item
from roma_ros.sources.sample_clock import SampleClock
from roma_ros.units import AudioChunk, Modality

__all__ = ["Senses"]

MAX_FRAME_ID = 256  # characters; names of frames are a few words
MAX_AUDIO_JITTER = 100_000_000  # ns; audio that comes later than this follows a pause


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

    def look(self, transport: str, images: ImageInput) -> None:
        """Subscribe to images.

        Args:
            transport: one of IMAGE_TRANSPORTS, which names the topic.
            images: reads its messages.
        """
        self._have(Modality.VIDEO)
        topic = input_topic(self._node, transport)
        profile = qos.VIDEO if isinstance(images, VideoPackets) else qos.IMAGES
        self._subscribe(images.message_type, topic, self._on_image, images, profile)

    def listen(self, audio: AudioInput) -> None:
        """Subscribe to audio, and to what announces its format if the messages do not say it."""
        self._have(Modality.AUDIO)
        self._sample_clock = SampleClock(MAX_AUDIO_JITTER)
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
        if self._takes(Modality.VIDEO, message):
            sequence = info.get("publication_sequence_number")
            read = partial(images.frames, message, stamp or received, sequence)
            self._hand_on(monitor, read, received, size=len(message.data))

    def _on_audio(self, monitor: InputMonitor, audio: AudioInput, message: Any, _info: Any) -> None:
        stamp, received = self._stamps(monitor, message)
        if self._takes(Modality.AUDIO, message):
            self._hand_on(monitor, partial(self._hear, audio, message, stamp, received), received)

    def _hand_on(
        self,
        monitor: InputMonitor,
        read: Callable[[], Item | Sequence[Item]],
        received: int,
        size: int = 0,
    ) -> None:
        """A simulation's clock is zero until /clock comes, and jumps when it begins anew."""
        now = time.monotonic_ns()
        self._put(Arrival(monitor.topic, read, now, received or None, size))

    def _hear(self, audio: AudioInput, message: Any, stamp: int, received: int) -> AudioChunk:
        """The samples, in the intake's thread."""
        chunk = audio.chunk(message, stamp or received)
        if stamp:
            return chunk
        begin = received - round(chunk.duration * 1e9)
        counted = self._sample_clock.stamp(len(chunk.samples), chunk.rate, measured=begin)
        return AudioChunk(counted, chunk.rate, chunk.samples)

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
