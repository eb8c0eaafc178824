"""Log lines about watches that were added, removed or adjusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from roma_ros.watch import Watch

__all__ = ["WatchLog"]

MAX_WORDS = 120  # characters of an instruction
SETTINGS = ("threshold", "window", "cooldown")


class WatchLog:
    """Logger of changes of the watches.

    Args:
        log: called with each line.
    """

    def __init__(self, log: Callable[[str], object]) -> None:
        self._log = log
        self._known: dict[str, Watch] = {}

    def update(self, watches: Iterable[Watch], by: str) -> None:
        """Log what has changed since the last call.

        Args:
            watches: the running watches.
            by: service or transition that may have changed them, such as "~/watch".
        """
        before, self._known = self._known, {watch.id: watch for watch in watches}
        for name in before.keys() - self._known.keys():
            self._log(f"watch {name} removed by {by}")
        for name, watch in self._known.items():
            if name not in before:
                self._log(f"watch {name} added by {by}: {_described(watch)}")
            elif changes := _changes(before[name], watch):
                self._log(f"watch {name} adjusted by {by}: {changes}")

    def clear(self) -> None:
        """Forget the watches without a log line; freeing the model has its own."""
        self._known = {}


def _described(watch: Watch) -> str:
    words = " ".join(watch.instruction[:MAX_WORDS].split())
    settings = ", ".join(f"{name} {getattr(watch, name):g}" for name in SETTINGS)
    return f"{watch.kind.value} {words!r} ({settings})"


def _changes(old: Watch, new: Watch) -> str:
    return ", ".join(
        f"{name} {getattr(old, name):g} -> {getattr(new, name):g}"
        for name in SETTINGS
        if getattr(old, name) != getattr(new, name)
    )
