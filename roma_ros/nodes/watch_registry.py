"""Registry of the node's watches, stored on disk so that they survive a restart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDoneError
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from roma_ros.assistant import Assistant
from roma_ros.nodes.parameters import Settings, WatchDefaults
from roma_ros.recording import RecordingError
from roma_ros.watch import UnknownWatchError, Watch, WatchError, WatchKind, quoted
from roma_ros.watch_file import WatchSpec
from roma_ros.watch_state import (
    MergedWatches,
    Origin,
    StoredWatch,
    WatchState,
    WatchStateError,
    free_id,
    merge,
)

__all__ = ["UNSET", "WatchRegistry", "kind_of"]

UNSET = -1  # value of a setting in Watch.srv that stands for the node's default
STORE_TIMEOUT = 1.0  # s that a change waits to be on disk


class WatchRegistry:
    """Watches of an assistant, with the node's defaults applied and every change stored.

    Not thread-safe: for the executor's thread.

    Args:
        assistant: runs the watches.
        defaults: values of settings that a watch leaves open.
        state: file that the watches are stored in; `None`: they are not stored.
        warn: called with each line for the log.

    Attributes:
        conflicts: one line for each stored watch that could not be restored as it was.
        storage_error: why the watches cannot be stored; empty if they are.
    """

    def __init__(
        self,
        assistant: Assistant,
        defaults: WatchDefaults,
        state: WatchState | None = None,
        warn: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.conflicts: list[str] = []
        self.storage_error = ""
        self._assistant = assistant
        self._defaults = defaults
        self._warn = warn
        self._watches: dict[str, StoredWatch] = {}  # running watches by id
        self._unrestored: dict[str, StoredWatch] = {}  # kept in the file, but not running
        self._state = state
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="watch_state")
        if state is not None:
            try:
                state.open()
            except OSError as error:
                self._state = None
                self._cannot_store(error)

    # --- restore ---

    def restore(self, settings: Settings) -> None:
        """Add the configured watches, and those that the state file holds.

        Args:
            settings: parameters of the node.

        Raises:
            WatchError, RecordingError: a configured watch is refused.
        """
        stored = self._read() if settings.persistence.restore else ()
        merged = merge(_configured_watches(settings), stored)
        for conflict in merged.conflicts:
            self._conflict(conflict)
        self._add_all(merged)
        self._store()

    def _add_all(self, merged: MergedWatches) -> None:
        for watch in merged.watches:
            try:
                self._add(watch)
            except (WatchError, RecordingError) as error:
                if watch.configured is not None:
                    raise
                self._unrestored[watch.id] = watch
                self._conflict(f"watch {watch.id!r} cannot be restored: {error}")

    def _read(self) -> Sequence[StoredWatch]:
        if self._state is None:
            return ()
        try:
            return self._state.read()
        except OSError as error:
            self._conflict(f"the stored watches cannot be read: {error}")
        except WatchStateError as error:
            self._conflict(f"{error}; the stored watches are lost{self._set_aside()}")
        return ()

    def _set_aside(self) -> str:
        assert self._state is not None
        try:
            return f", and the file is kept as {self._state.set_aside()}"
        except OSError:
            return ""

    def _conflict(self, line: str) -> None:
        self.conflicts.append(line)
        self._warn(line)

    # --- changes ---

    def add(
        self,
        *,
        kind: WatchKind,
        instruction: str,
        name: str = "",
        threshold: float = UNSET,
        window: int = UNSET,
        cooldown: float = UNSET,
        reply: bool = False,
    ) -> str:
        """Add a watch.

        Args:
            kind: alert or narration.
            instruction: what to watch for.
            name: id of the watch; empty: generate one.
            threshold: p(speak) that triggers; -1: the node's default, also when that is set later.
            window: units in a row; -1: likewise.
            cooldown: s; -1: likewise.
            reply: whether an alert also describes what happened.

        Returns:
            The id of the watch.

        Raises:
            WatchError: the watch is refused.
            AssistantStoppedError: the assistant is closed.
        """
        spec = WatchSpec(
            id=name or free_id(kind, {*self._watches, *self._unrestored}),
            kind=kind,
            instruction=instruction,
            threshold=None if threshold == UNSET else threshold,
            window=None if window == UNSET else window,
            cooldown=None if cooldown == UNSET else cooldown,
            reply=reply,
        )
        self._add(StoredWatch(spec=spec, origin=Origin.SERVICE))
        self._unrestored.pop(spec.id, None)
        self._store()
        return spec.id

    def remove(self, name: str) -> None:
        """Remove a watch, also one that is stored and could not be restored.

        Args:
            name: id of the watch.

        Raises:
            UnknownWatchError: there is no such watch.
        """
        if self._unrestored.pop(name, None) is None:
            self._assistant.unwatch(name)
            self._watches.pop(name, None)
        self._store()

    def adjust(self, name: str, **settings: Any) -> StoredWatch:
        """Change a watch's threshold, window or cooldown; its session continues.

        Args:
            name: id of the watch.
            **settings: new values; `None`: the node's default.

        Returns:
            The watch with its new settings.

        Raises:
            UnknownWatchError: there is no such watch.
            WatchError: a value is out of range; the watch is unchanged.
        """
        old = self.get(name)
        new = replace(old, spec=replace(old.spec, **settings))
        self._assistant.adjust(name, **self._settings_of(new.spec))
        self._watches[name] = new
        self._store()
        return new

    def set_defaults(self, defaults: WatchDefaults) -> None:
        """Set the defaults, and adjust the watches that use them; their sessions continue."""
        self._defaults = defaults
        for watch in self._watches.values():
            self._assistant.adjust(watch.id, **self._settings_of(watch.spec))

    # --- access ---

    def get(self, name: str) -> StoredWatch:
        """Return a running watch by its id.

        Raises:
            UnknownWatchError: there is no such watch.
        """
        if name not in self._watches:
            raise UnknownWatchError(
                f"there is no watch {quoted(name)}; there are {sorted(self._watches)}"
            )
        return self._watches[name]

    def all(self) -> list[tuple[Watch, StoredWatch]]:
        """Return the running watches, oldest first, each with what is stored of it."""
        running = self._assistant.watches
        return [(watch, self._watches[watch.id]) for watch in running if watch.id in self._watches]

    def close(self) -> None:
        """Write pending changes, and close the state file."""
        if self._state is not None:
            closing = self._writer.submit(self._state.close)
            with suppress(NotDoneError):
                closing.result(STORE_TIMEOUT)
        self._writer.shutdown(wait=False)

    # --- internals ---
    def _add(self, watch: StoredWatch) -> None:
        self._assistant.watch(watch.spec.watch(**self._defaults_of(watch.spec.kind)))
        self._watches[watch.id] = watch

    def _defaults_of(self, kind: WatchKind) -> dict[str, Any]:
        defaults = self._defaults
        if kind is WatchKind.NARRATION:
            return {"threshold": defaults.narration_threshold, "window": 1, "cooldown": 0.0}
        return {
            "threshold": defaults.alert_threshold,
            "window": defaults.alert_window,
            "cooldown": defaults.alert_cooldown,
        }

    def _settings_of(self, spec: WatchSpec) -> dict[str, Any]:
        """Return a watch's own settings, and the defaults of those that it leaves open."""
        defaults = self._defaults_of(spec.kind)
        return {
            name: default if getattr(spec, name) is None else getattr(spec, name)
            for name, default in defaults.items()
        }

    def _store(self) -> None:
        """Write the watches to disk; log a warning if that takes longer than `STORE_TIMEOUT`."""
        state = self._state
        if state is None:
            return
        writing = self._writer.submit(
            state.write, [*self._watches.values(), *self._unrestored.values()]
        )
        try:
            writing.result(STORE_TIMEOUT)
        except NotDoneError:
            self._cannot_store(OSError(f"writing takes longer than {STORE_TIMEOUT:g} s"))
            writing.add_done_callback(self._stored_late)
        except OSError as error:
            self._cannot_store(error)
        else:
            self.storage_error = ""

    def _stored_late(self, writing: Future[None]) -> None:
        if writing.exception() is None:
            self.storage_error = ""

    def _cannot_store(self, error: OSError) -> None:
        where = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        self.storage_error = f"the watches cannot be stored and would be lost by a crash: {where}"
        self._warn(self.storage_error)


def _configured_watches(settings: Settings) -> list[StoredWatch]:
    """Return the watches of the parameters and of `watches_file`."""
    specs = [
        WatchSpec(
            kind=WatchKind.ALERT,
            instruction=instruction,
            reply=settings.alert_reply,
            recording=Path(path).absolute() if path else None,
        )
        for instruction, path in zip(settings.alerts, settings.alert_recordings, strict=True)
    ]
    if settings.narration:
        path = settings.narration_recording
        specs.append(
            WatchSpec(
                kind=WatchKind.NARRATION,
                instruction=settings.narration,
                recording=Path(path).absolute() if path else None,
            )
        )
    given = [(spec, Origin.PARAMETERS) for spec in specs]
    given += [(spec, Origin.WATCHES_FILE) for spec in settings.persistence.watches]
    return [StoredWatch(spec=spec, origin=origin, configured=spec) for spec, origin in given]


def kind_of(code: int) -> WatchKind:
    """Convert the `kind` of a Watch request.

    Raises:
        WatchError: the kind is unknown.
    """
    kinds = (WatchKind.ALERT, WatchKind.NARRATION)
    if code >= len(kinds):
        raise WatchError(f"kind is {code}; expected 0 (ALERT) or 1 (NARRATION)")
    return kinds[code]
