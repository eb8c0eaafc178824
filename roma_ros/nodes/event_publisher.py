"""What the assistant tells, as messages and lines of the log."""

from __future__ import annotations

from rclpy.lifecycle import LifecycleNode

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
)
from roma_ros.nodes.ending import unless_gone

__all__ = ["EventPublisher"]

LOG_PERIOD = 5.0  # seconds between two lines of the same kind


class EventPublisher:
    """Publishers of a lifecycle node; they are silent while it is not active."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._log = node.get_logger()
        create = node.create_lifecycle_publisher
        self._alerts = create(messages.Alert, "~/alert", qos.ALERTS)
        self._narrations = create(messages.Narration, "~/narration", qos.NARRATIONS)
        self._probabilities = create(
            messages.SpeakProbability, "~/speak_probability", qos.SPEAK_PROBABILITIES
        )

    def __call__(self, event: Event) -> None:
        """Take an event, in whichever thread."""
        with unless_gone(self._node):
            self._publish(event)

    def _publish(self, event: Event) -> None:
        if isinstance(event, SpeakProbability):
            self._probabilities.publish(speak_probability_message(event))
        elif isinstance(event, Alert):
            self._alerts.publish(alert_message(event))
        elif isinstance(event, Narration):
            self._narrations.publish(narration_message(event))
        elif isinstance(event, StreamStarted):
            self._log.info(f"a stream has started ({event.reason.value})")
        elif isinstance(event, Lag):
            self._log_lag(event)
        elif isinstance(event, Fault):
            whose = f" for watch {event.watch}" if event.watch else ""
            times = f", {event.count} times so far" if event.count > 1 else ""
            self._log.error(
                f"could not {event.during}{whose}{times}: {event.error}",
                throttle_duration_sec=LOG_PERIOD,
            )
        elif isinstance(event, InstructionWarning):
            whose = f"watch {event.watch}" if event.watch else f"question {event.text[:100]!r}"
            self._log.warning(f"{whose}: {event.message}")

    def _log_lag(self, lag: Lag) -> None:
        lost = f"{lag.dropped} units dropped, {lag.audio_only} heard without video"
        if lag.recovered:
            self._log.info(f"keeps up again; {lost} in all")
        else:
            self._log.warning(
                f"slower than the sensors ({lag.policy.value}): {lost}",
                throttle_duration_sec=LOG_PERIOD,
            )
