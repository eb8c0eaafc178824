"""What the assistant tells, as messages and lines of the log."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode

import roma_ros.msg as messages
from roma_ros.events import (
    Alert,
    Event,
    Fault,
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
    """Publishers of a lifecycle node; they are silent while it is not active.

    Args:
        node: whose publishers they are.
        write: takes each event before it is published, and returns its number in the journal.
    """

    def __init__(self, node: LifecycleNode, write: Callable[[Event], int]) -> None:
        self._node = node
        self._write = write
        self._log = node.get_logger()
        create = node.create_lifecycle_publisher
        self._alerts = create(messages.Alert, "~/alert", qos.ALERTS)
        self._narrations = create(messages.Narration, "~/narration", qos.NARRATIONS)
        self._probabilities = create(
            messages.SpeakProbability, "~/speak_probability", qos.SPEAK_PROBABILITIES
        )

    def __call__(self, event: Event) -> None:
        """Take an event, in whichever thread."""
        sequence = self._write(event)
        with unless_gone(self._node):
            self._publish(event, sequence)

    def _publish(self, event: Event, sequence: int) -> None:
        if isinstance(event, SpeakProbability):
            self._probabilities.publish(speak_probability_message(event))
        elif isinstance(event, Alert):
            self._alerts.publish(alert_message(event, sequence))
        elif isinstance(event, Narration):
            self._narrations.publish(narration_message(event, sequence))
        elif isinstance(event, StreamStarted):
            self._log.info(f"a stream has started ({event.reason.value})")
        elif isinstance(event, Lag):
            self._log_lag(event)
        elif isinstance(event, Fault):
            whose = f" for watch {event.watch}" if event.watch else ""
            self._log.error(
                f"could not {event.during}{whose}: {event.error}", throttle_duration_sec=LOG_PERIOD
            )

    def _log_lag(self, lag: Lag) -> None:
        lost = f"{lag.dropped} units dropped, {lag.audio_only} heard without video"
        if lag.recovered:
            self._log.info(f"keeps up again; {lost} in all")
        else:
            self._log.warning(
                f"slower than the sensors ({lag.policy.value}): {lost}",
                throttle_duration_sec=LOG_PERIOD,
            )
