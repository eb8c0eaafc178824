"""The hooks of the node: what is done outside when a watch speaks up."""

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

# Read-only: who may set parameters over ROS is not to run programs by that.
HOOK_SPECS = (
    ParameterSpec(
        name="hooks.command",
        default="",
        read_only=True,
        description="Program and arguments that are run, without a shell, for each alert, which is "
        "in its environment (docs/events.md); empty: none.",
    ),
    ParameterSpec(
        name="hooks.webhook",
        default="",
        read_only=True,
        description="http or https address that each alert is posted to as JSON; empty: none.",
    ),
    ParameterSpec(
        name="hooks.mqtt",
        default="",
        read_only=True,
        description="mqtt://host[:port]/topic, or mqtts, where each alert is published as JSON; "
        "empty: nowhere.",
    ),
)
_KINDS: dict[str, Callable[[str], Hook]] = {
    "hooks.command": CommandHook,
    "hooks.webhook": WebhookHook,
    "hooks.mqtt": MqttHook,
}
PATIENCE = 2.0  # seconds at the node's end for what waits to be delivered


def hooks_of(node: Node) -> tuple[Hook, ...]:
    """The hooks that the parameters name.

    Raises:
        HookError: one of them cannot be made.
    """
    named: dict[str, Any] = {name: node.get_parameter(name).value for name in _KINDS}
    return tuple(make(named[name]) for name, make in _KINDS.items() if named[name])


class NodeHooks:
    """Delivers the events of a configured node to hooks, and says in the log what fails.

    Args:
        node: whose log is written to.
    """

    def __init__(self, node: Node) -> None:
        self._log = node.get_logger()
        self._runner: HookRunner | None = None

    def open(self, hooks: Sequence[Hook], watches: Sequence[WatchSpec]) -> None:
        """Begin to deliver to hooks, and to those that single watches have."""
        own = {spec.id: spec.on_alert for spec in watches if spec.on_alert}
        self._runner = HookRunner(hooks, own, self._log.error) if hooks or own else None

    def submit(self, event: Event, sequence: int) -> None:
        """Leave an event to be delivered; in whichever thread, and never waits."""
        runner = self._runner
        if runner is not None:
            runner.submit(Record(event=event, sequence=sequence))

    @property
    def stats(self) -> HookStats | None:
        """What became of the events; `None` without hooks."""
        return None if self._runner is None else self._runner.stats

    def close(self) -> None:
        """Deliver what waits, for a moment, and end."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close(PATIENCE)
