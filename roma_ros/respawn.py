"""Respawn of a node in a launch file, with a delay that grows with each failure.

launch's own `respawn` waits equally long each time: a node that cannot start, such as a camera that
is not plugged in, fills the log and keeps a core busy. Only launch files import this module.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from launch.events.process import ProcessExited

    from launch import LaunchContext

__all__ = ["BackOff", "respawned"]

CANNOT_START = 2  # exit status of a node that was given a wrong parameter, file or model


@dataclass(slots=True)
class BackOff:
    """Delays before a process is respawned: doubled after each failure, up to a limit.

    Args:
        first: the delay after the first failure [s].
        longest: the limit [s].
        steady: run time after which a failure counts as the first again [s].
    """

    first: float = 1.0
    longest: float = 60.0
    steady: float = 60.0
    _failures: int = field(default=0, init=False)

    def delay(self, ran: float) -> float:
        """Return the delay after a failure [s].

        Args:
            ran: run time of the process that failed [s].
        """
        self._failures = 0 if ran >= self.steady else self._failures
        delay = min(self.longest, self.first * 2.0**self._failures)
        if delay < self.longest:
            self._failures += 1
        return delay


def respawned(
    make_node: Callable[[], Any],
    *,
    name: str,
    final: Collection[int] = (CANNOT_START,),
    back_off: BackOff | None = None,
) -> list[Any]:
    """Return launch actions for a node that is respawned with a growing delay when it fails.

    Args:
        make_node: returns a new `launch_ros.actions.Node`; called for each start.
        name: name of the node, for the log.
        final: exit statuses after which it is not respawned, besides 0.
        back_off: delays; `None`: 1 s to 60 s.

    Returns:
        Actions for a launch description.
    """
    from launch.actions import LogInfo, OpaqueFunction, RegisterEventHandler, TimerAction
    from launch.event_handlers import OnProcessExit

    delays = back_off or BackOff()
    node = make_node()
    started = time.monotonic()

    def on_exit(event: ProcessExited, context: LaunchContext) -> list[Any] | None:
        if context.is_shutdown or event.returncode == 0:
            return None
        if event.returncode in final:
            message = f"{name} cannot start (exit status {event.returncode}) and is not tried again"
            return [LogInfo(msg=message)]
        _uncount(context, node.node_name)
        delay = delays.delay(time.monotonic() - started)
        again = OpaqueFunction(
            function=lambda _: respawned(make_node, name=name, final=final, back_off=delays)
        )
        message = (
            f"{name} has ended with exit status {event.returncode}; starting it in {delay:g} s"
        )
        return [LogInfo(msg=message), TimerAction(period=delay, actions=[again])]

    return [RegisterEventHandler(OnProcessExit(target_action=node, on_exit=on_exit)), node]


def _uncount(context: LaunchContext, node_name: str) -> None:
    """Uncount an ended node in launch_ros, which warns of two nodes of one name."""
    counts = getattr(context.locals, "unique_ros_node_names", None)
    if counts is not None and counts.get(node_name):
        counts[node_name] -= 1
