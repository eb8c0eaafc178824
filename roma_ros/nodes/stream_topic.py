"""The topic `~/stream`: starts, lag and faults of the stream, inputs disabled and enabled."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode

from roma_ros.events import Fault, Lag, StreamStarted
from roma_ros.msg import StreamEvent
from roma_ros.nodes import qos
from roma_ros.nodes.conversions import header_message
from roma_ros.nodes.input_switches import InputSwitches
from roma_ros.units import Modality

__all__ = ["StreamTopic"]

MAX_TEXT = 1_000  # characters of an error


class StreamTopic:
    """Publisher of StreamEvent; it publishes only while the node is active.

    Args:
        node: the node to publish with.
        frame_id: returns the current coordinate frame for headers.

    Attributes:
        switches: which inputs are enabled, for each message.
    """

    def __init__(self, node: LifecycleNode, frame_id: Callable[[], str]) -> None:
        self.switches = InputSwitches.of(())
        self._frame_id = frame_id
        self._publisher = node.create_lifecycle_publisher(
            StreamEvent, "~/stream", qos.STREAM_EVENTS
        )
        self._stream = self._stamp = 0

    def started(self, event: StreamStarted) -> None:
        """Publish the start of a stream."""
        reason = event.reason.value
        text = f"stream {event.stream} has started ({reason})"
        self._publish(event, kind=StreamEvent.STARTED, reason=reason, text=text)

    def lag(self, event: Lag) -> None:
        """Publish a lag, or its end."""
        lost = f"{event.dropped} units dropped, {event.audio_only} processed without video"
        kept_up = "the model keeps up again; in total "
        self._publish(
            event,
            kind=StreamEvent.RECOVERED if event.recovered else StreamEvent.LAG,
            reason=event.policy.value,
            text=(kept_up if event.recovered else "the model is slower than the sensors: ") + lost,
            units_dropped=event.dropped,
            units_audio_only=event.audio_only,
        )

    def fault(self, event: Fault) -> None:
        """Publish a fault."""
        self._publish(
            event,
            kind=StreamEvent.FAULT,
            reason=event.during,
            text=f"could not {event.during}: {event.error}"[:MAX_TEXT],
            watch=event.watch,
        )

    def switch(self, switches: InputSwitches) -> list[str]:
        """Set the switches; publish an event for each input that this enables or disables.

        Returns:
            The text of each event.
        """
        before, self.switches = self.switches, switches
        texts = []
        for modality in switches.present:
            enabled = switches.enabled(modality)
            if enabled != before.enabled(modality):
                state = f"disabled by {' and '.join(switches.disabled_by(modality))}"
                texts.append(f"{modality.value} is {'enabled' if enabled else state}")
                self._publish(
                    None,
                    kind=StreamEvent.ENABLED if enabled else StreamEvent.DISABLED,
                    reason=modality.value,
                    text=texts[-1],
                )
        return texts

    def _publish(self, event: StreamStarted | Lag | Fault | None, **fields: object) -> None:
        if event is not None:
            self._stream, self._stamp = max(event.stream, 0), max(event.stamp, 0)
        self._publisher.publish(
            StreamEvent(
                header=header_message(self._stamp, self._frame_id()),
                stream=self._stream,
                video_enabled=self.switches.enabled(Modality.VIDEO),
                audio_enabled=self.switches.enabled(Modality.AUDIO),
                **fields,
            )
        )
