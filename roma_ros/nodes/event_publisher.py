"""Publisher of the assistant's events as messages and log lines."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import String

import roma_ros.msg as messages
from roma_ros.events import (
    Alert,
    Event,
    Fault,
    InstructionWarning,
    Lag,
    Narration,
    SpeakProbability,
    StreamStarted,
)
from roma_ros.nodes import qos
from roma_ros.nodes.conversions import (
    alert_message,
    narration_message,
    speak_probability_message,
    text_message,
)
from roma_ros.nodes.rclpy_compat import ignore_shutdown_errors
from roma_ros.nodes.stream_topic import StreamTopic

__all__ = ["EventPublisher"]

MAX_LOGGED = 200  # characters of a text in the log
LOG_PERIOD = 5.0  # s between two lines of the same kind


class EventPublisher:
    """Publishers of a lifecycle node's events; they publish only while the node is active.

    Args:
        node: the node to publish with.
        stream: publisher of `~/stream`.
        frame_id: returns the current coordinate frame for headers.
        write: called with each event before it is published; returns its number in the journal.
        deliver: called with each event and its number after it was published.
    """

    def __init__(
        self,
        node: LifecycleNode,
        stream: StreamTopic,
        frame_id: Callable[[], str],
        write: Callable[[Event], int],
        deliver: Callable[[Event, int], None] = lambda _event, _sequence: None,
    ) -> None:
        self._node = node
        self._stream = stream
        self._frame_id = frame_id
        self._write = write
        self._deliver = deliver
        self._log = node.get_logger()
        create = node.create_lifecycle_publisher
        self._alerts = create(messages.Alert, "~/alert", qos.ALERTS)
        self._narrations = create(messages.Narration, "~/narration", qos.NARRATIONS)
        self._probabilities = create(
            messages.SpeakProbability, "~/speak_probability", qos.SPEAK_PROBABILITIES
        )
        self._alert_texts = create(String, "~/alert_text", qos.ALERTS)
        self._narration_texts = create(String, "~/narration_text", qos.NARRATIONS)

    def __call__(self, event: Event) -> None:
        """Write, publish and deliver an event; from any thread."""
        sequence = self._write(event)
        with ignore_shutdown_errors(self._node):
            self._publish(event, sequence)
        self._deliver(event, sequence)

    def _publish(self, event: Event, sequence: int) -> None:
        if isinstance(event, SpeakProbability):
            self._probabilities.publish(speak_probability_message(event, self._frame_id()))
        elif isinstance(event, Alert):
            self._alerts.publish(alert_message(event, sequence, self._frame_id()))
            self._alert_texts.publish(text_message(event))
            self._log_spoken("alert", event)
        elif isinstance(event, Narration):
            self._narrations.publish(narration_message(event, sequence, self._frame_id()))
            self._narration_texts.publish(text_message(event))
            self._log_spoken("narration", event)
        elif isinstance(event, StreamStarted):
            self._stream.started(event)
            self._log.info(f"stream {event.stream} has started ({event.reason.value})")
        elif isinstance(event, Lag):
            self._stream.lag(event)
            self._log_lag(event)
        elif isinstance(event, Fault):
            self._stream.fault(event)
            whose = f" for watch {event.watch}" if event.watch else ""
            times = f", {event.count} times so far" if event.count > 1 else ""
            self._log.error(
                f"could not {event.during}{whose}{times}: {event.error}",
                throttle_duration_sec=LOG_PERIOD,
            )
        elif isinstance(event, InstructionWarning):
            whose = f"watch {event.watch}" if event.watch else f"question {event.text[:100]!r}"
            self._log.warning(f"{whose}: {event.message}")

    def _log_spoken(self, kind: str, event: Alert | Narration) -> None:
        """Log an alert or a narration as one line."""
        words = (event.text or event.instruction)[:MAX_LOGGED]
        self._log.info(
            f"{kind} {event.watch[:MAX_LOGGED]}: {' '.join(words.split())} "
            f"(p(speak) {event.p_speak:.2f}, stream {event.stream}, unit {event.unit})"
        )

    def _log_lag(self, lag: Lag) -> None:
        lost = f"{lag.dropped} units dropped, {lag.audio_only} processed without video"
        if lag.recovered:
            self._log.info(f"the model keeps up again; {lost} in total")
        else:
            self._log.warning(
                f"the model is slower than the sensors ({lag.policy.value}): {lost}",
                throttle_duration_sec=LOG_PERIOD,
            )
