"""The services `~/list_watches` and `~/adjust`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from roma_ros.msg import WatchInfo
from roma_ros.nodes.watch_registry import WatchRegistry
from roma_ros.srv import AdjustWatch, ListWatches
from roma_ros.watch import Watch, WatchError, WatchKind
from roma_ros.watch_state import StoredWatch

__all__ = ["WatchServices", "watch_info"]

KEEP, DEFAULT = AdjustWatch.Request.KEEP, AdjustWatch.Request.DEFAULT


class WatchServices:
    """The services that list and adjust watches.

    Args:
        node: the roma node.
        watches: returns the registry of the configured node; may raise one of `refusals`.
        refusals: exceptions whose message is returned in the response.
        on_change: called after a watch was changed.
    """

    def __init__(
        self,
        node: Node,
        watches: Callable[[], WatchRegistry],
        refusals: tuple[type[Exception], ...],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._watches = watches
        self._refusals = refusals
        self._on_change = on_change
        node.create_service(ListWatches, "~/list_watches", self._on_list)
        node.create_service(AdjustWatch, "~/adjust", self._on_adjust)

    def _on_list(
        self, _request: ListWatches.Request, response: ListWatches.Response
    ) -> ListWatches.Response:
        try:
            response.watches = [watch_info(*each) for each in self._watches().all()]
            response.success = True
        except self._refusals as error:
            response.message = str(error)
        return response

    def _on_adjust(
        self, request: AdjustWatch.Request, response: AdjustWatch.Response
    ) -> AdjustWatch.Response:
        try:
            watches = self._watches()
            watches.get(request.id)  # raises if there is no such watch
            try:
                watches.adjust(request.id, **_settings(request))
                response.success = True
                self._on_change()
            except WatchError as error:
                response.message = str(error)
            response.watch = next(watch_info(*e) for e in watches.all() if e[0].id == request.id)
            if response.success and watches.storage_error:
                response.message = watches.storage_error
        except self._refusals as error:
            response.message = str(error)
        return response


def _settings(request: AdjustWatch.Request) -> dict[str, Any]:
    """Return the settings to change; `None` for the node's default."""
    values = {
        "threshold": request.threshold,
        "window": request.window,
        "cooldown": request.cooldown,
    }
    return {
        name: None if value == DEFAULT else value for name, value in values.items() if value != KEEP
    }


def watch_info(watch: Watch, stored: StoredWatch) -> WatchInfo:
    """Convert a watch to a message."""
    kinds = {WatchKind.ALERT: WatchInfo.ALERT, WatchKind.NARRATION: WatchInfo.NARRATION}
    recording = stored.spec.recording
    return WatchInfo(
        id=watch.id,
        kind=kinds[watch.kind],
        instruction=watch.instruction,
        threshold=float(watch.threshold),
        window=watch.window,
        cooldown=float(watch.cooldown),
        reply=watch.reply,
        recording="" if recording is None else str(recording),
        defaults=sorted(stored.spec.open_settings),
        origin=stored.origin.value,
        restored=stored.restored,
    )
