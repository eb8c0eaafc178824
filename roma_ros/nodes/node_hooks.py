"""Hooks of the node: programs, webhooks and MQTT topics that get every alert."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rclpy.node import Node

from roma_ros.events import Event
from roma_ros.hooks import CommandHook, Hook, HookRunner, HookStats, MqttHook, WebhookHook
from roma_ros.journal import Record
from roma_ros.nodes.parameter_spec import ParameterSpec
from roma_ros.watch_file import WatchSpec

__all__ = ["HOOK_SPECS", "NodeHooks", "hooks_of"]

# Read-only: the right to set parameters over ROS must not include the right to run programs.
HOOK_SPECS = (
    ParameterSpec(
        name="hooks.command",
        default="",
        read_only=True,
        description="Program and arguments to run for each alert, without a shell; the alert is in "
        "its environment variables (docs/events.md); empty: none.",
    ),
    ParameterSpec(
        name="hooks.webhook",
        default="",
        read_only=True,
        description="HTTP or HTTPS URL that each alert is posted to as JSON; empty: none.",
    ),
    ParameterSpec(
        name="hooks.mqtt",
        default="",
        read_only=True,
        description="MQTT topic that each alert is published on as JSON, "
        "mqtt://host[:port]/topic or mqtts://...; empty: none.",
    ),
)
_KINDS: dict[str, Callable[[str], Hook]] = {
    "hooks.command": CommandHook,
    "hooks.webhook": WebhookHook,
    "hooks.mqtt": MqttHook,
}
CLOSE_TIMEOUT = 2.0  # s to deliver pending events when the node ends


def hooks_of(node: Node) -> tuple[Hook, ...]:
    """Create the hooks that a node's parameters name.

    Raises:
        HookError: a parameter is not valid, or a library is missing.
    """
    named: dict[str, Any] = {name: node.get_parameter(name).value for name in _KINDS}
    return tuple(make(named[name]) for name, make in _KINDS.items() if named[name])


class NodeHooks:
    """Delivery of a configured node's events to hooks; failures are logged.

    Args:
        node: the node that logs.
    """

    def __init__(self, node: Node) -> None:
        self._log = node.get_logger()
        self._runner: HookRunner | None = None

    def open(self, hooks: Sequence[Hook], watches: Sequence[WatchSpec]) -> None:
        """Start to deliver.

        Args:
            hooks: get the events of all watches.
            watches: watches of `watches_file`, which may have hooks of their own.
        """
        own = {spec.id: spec.on_alert for spec in watches if spec.on_alert}
        self._runner = HookRunner(hooks, own, self._log.error) if hooks or own else None

    def submit(self, event: Event, sequence: int) -> None:
        """Queue an event for delivery; from any thread, never blocks."""
        runner = self._runner
        if runner is not None:
            runner.submit(Record(event=event, sequence=sequence))

    @property
    def stats(self) -> HookStats | None:
        """Number of delivered, failed and dropped events; `None` without hooks."""
        return None if self._runner is None else self._runner.stats

    def close(self) -> None:
        """Deliver pending events for at most `CLOSE_TIMEOUT`, and stop."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close(CLOSE_TIMEOUT)
