"""Delivery of a run's alerts to hooks."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from roma_ros.cli.errors import UsageError
from roma_ros.cli.source_time import SourceTime
from roma_ros.cli.text import one_line
from roma_ros.events import Event
from roma_ros.hooks import CommandHook, Hook, HookError, HookRunner, MqttHook, WebhookHook
from roma_ros.journal import Record
from roma_ros.watch_file import WatchSpec

__all__ = ["HookSink", "make_hooks"]

CLOSE_TIMEOUT = 30.0  # seconds at the end of a run to deliver what is queued


def make_hooks(
    commands: Sequence[str], webhooks: Sequence[str], topics: Sequence[str]
) -> list[Hook]:
    """Make the hooks of the options.

    Args:
        commands: values of --on-alert: programs with arguments.
        webhooks: values of --webhook: http or https addresses.
        topics: values of --mqtt: mqtt://HOST/TOPIC.

    Raises:
        UsageError: a value is invalid, or its library is missing.
    """
    try:
        return [
            *(CommandHook(command) for command in commands),
            *(WebhookHook(url) for url in webhooks),
            *(MqttHook(url) for url in topics),
        ]
    except HookError as error:
        raise UsageError(one_line(str(error))) from error


class HookSink:
    """Sink that delivers alerts to hooks.

    Use as a context manager: its end waits for deliveries under way.

    Args:
        hooks: hooks of all alerts.
        watches: watches of a file; those with hooks of their own use them for their events.
    """

    def __init__(self, hooks: Sequence[Hook], watches: Sequence[WatchSpec]) -> None:
        own = {spec.id: spec.on_alert for spec in watches if spec.on_alert}
        self._runner = HookRunner(hooks, own, _report)
        self._sequence = 0

    def __enter__(self) -> HookSink:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close(CLOSE_TIMEOUT)

    @property
    def lost(self) -> int:
        """Number of events that were not delivered."""
        return self._runner.stats.lost

    def take(self, event: Event, seconds: float, source: SourceTime | None = None) -> None:
        """Deliver an event that happened `seconds` after the run's beginning."""
        self._sequence += 1  # the same number as in the events file
        self._runner.submit(
            Record(
                event=event,
                sequence=self._sequence,
                seconds=seconds,
                source="" if source is None else source.source,
                source_seconds=None if source is None else source.seconds,
            )
        )


def _report(problem: str) -> None:
    print(f"roma: error: {one_line(problem)}", file=sys.stderr)
