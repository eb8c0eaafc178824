"""The node's watches: which there are, what they follow, and that they outlive the process."""

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
    Merged,
    Origin,
    StoredWatch,
    WatchState,
    WatchStateError,
    free_id,
    merge,
)

__all__ = ["UNSET", "Watches", "kind_of"]

UNSET = -1
STORE_PATIENCE = 1.0  # seconds that a change waits to be on disk


class Watches:
    """Adds watches to an assistant, follows the node's defaults, and stores each change.

    For one thread, the executor's.

    Args:
        assistant: that follows them.
        defaults: for settings that watches leave open.
        state: where they are stored; `None`: nowhere.
        warn: takes a line for the log.

    Attributes:
        conflicts: what could not be restored as it was, or was decided against; one line each.
        trouble: why the watches are not stored; empty if they are.
    """

    def __init__(
        self,
        assistant: Assistant,
        defaults: WatchDefaults,
        state: WatchState | None = None,
        warn: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.conflicts: list[str] = []
        self.trouble = ""
        self._assistant = assistant
        self._defaults = defaults
        self._warn = warn
        self._known: dict[str, StoredWatch] = {}  # those that run
        self._left: dict[str, StoredWatch] = {}  # those that could not be restored
        self._state = state
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="watch_state")
        if state is not None:
            try:
                state.open()
            except OSError as error:
                self._state = None
                self._cannot_store(error)

    # --- at the beginning ---

    def begin(self, settings: Settings) -> None:
        """Add the watches of the settings, and those that ran before.

        Raises:
            WatchError, RecordingError: a configured watch is refused.
        """
        stored = self._read() if settings.persistence.restore else ()
        merged = merge(_configured(settings), stored)
        for conflict in merged.conflicts:
            self._conflict(conflict)
        self._add_all(merged)
        self._store()

    def _add_all(self, merged: Merged) -> None:
        for watch in merged.watches:
            try:
                self._add(watch)
            except (WatchError, RecordingError) as error:
                if watch.configured is not None:
                    raise
                self._left[watch.id] = watch
                self._conflict(f"watch {watch.id!r} ran before and cannot be restored: {error}")

    def _read(self) -> Sequence[StoredWatch]:
        if self._state is None:
            return ()
        try:
            return self._state.read()
        except OSError as error:
            self._conflict(f"the watches of before cannot be read: {error}")
        except WatchStateError as error:
            self._conflict(f"{error}; the watches of before are lost{self._set_aside()}")
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
        """Add one; -1 stands for the node's default, which it will follow.

        Args:
            name: its id; empty: one is made.

        Returns:
            Its id.

        Raises:
            WatchError: it is refused; the message says why.
            AssistantStoppedError: the assistant is closed.
        """
        spec = WatchSpec(
            id=name or free_id(kind, {*self._known, *self._left}),
            kind=kind,
            instruction=instruction,
            threshold=None if threshold == UNSET else threshold,
            window=None if window == UNSET else window,
            cooldown=None if cooldown == UNSET else cooldown,
            reply=reply,
        )
        self._add(StoredWatch(spec=spec, origin=Origin.SERVICE))
        self._left.pop(spec.id, None)
        self._store()
        return spec.id

    def remove(self, name: str) -> None:
        """End one by its id, or forget one that was not restored. Raises UnknownWatchError."""
        if self._left.pop(name, None) is None:
            self._assistant.unwatch(name)
            self._known.pop(name, None)
        self._store()

    def adjust(self, name: str, **settings: Any) -> StoredWatch:
        """Give one another threshold, window or cooldown; `None` follows the node's default.

        Raises:
            UnknownWatchError: there is no such watch.
            WatchError: a value is out of its range; the watch is as before.
        """
        old = self.stored(name)
        new = replace(old, spec=replace(old.spec, **settings))
        self._assistant.adjust(name, **self._settings_of(new.spec))
        self._known[name] = new
        self._store()
        return new

    def follow(self, defaults: WatchDefaults) -> None:
        """Give the watches that follow the defaults new ones; their sessions go on."""
        self._defaults = defaults
        for watch in self._known.values():
            self._assistant.adjust(watch.id, **self._settings_of(watch.spec))

    # --- what there is ---

    def stored(self, name: str) -> StoredWatch:
        """One that runs, by its id. Raises UnknownWatchError."""
        if name not in self._known:
            raise UnknownWatchError(
                f"there is no watch {quoted(name)}; there are {sorted(self._known)}"
            )
        return self._known[name]

    def all(self) -> list[tuple[Watch, StoredWatch]]:
        """Those that run, oldest first, with where they come from."""
        running = self._assistant.watches
        return [(watch, self._known[watch.id]) for watch in running if watch.id in self._known]

    def close(self) -> None:
        """Let go of the state file; changes that wait for the disk are written before."""
        if self._state is not None:
            closing = self._writer.submit(self._state.close)
            with suppress(NotDoneError):
                closing.result(STORE_PATIENCE)
        self._writer.shutdown(wait=False)

    # --- below ---

    def _add(self, watch: StoredWatch) -> None:
        self._assistant.watch(watch.spec.watch(**self._defaults_of(watch.spec.kind)))
        self._known[watch.id] = watch

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
        """Its own, and the defaults for those that it leaves open."""
        defaults = self._defaults_of(spec.kind)
        return {
            name: default if getattr(spec, name) is None else getattr(spec, name)
            for name, default in defaults.items()
        }

    def _store(self) -> None:
        """Write the watches; waits a moment for the disk, and says so if that is not enough."""
        state = self._state
        if state is None:
            return
        writing = self._writer.submit(state.write, [*self._known.values(), *self._left.values()])
        try:
            writing.result(STORE_PATIENCE)
        except NotDoneError:
            self._cannot_store(OSError(f"the disk has not taken them in {STORE_PATIENCE:g} s"))
            writing.add_done_callback(self._stored_late)
        except OSError as error:
            self._cannot_store(error)
        else:
            self.trouble = ""

    def _stored_late(self, writing: Future[None]) -> None:
        if writing.exception() is None:
            self.trouble = ""

    def _cannot_store(self, error: OSError) -> None:
        where = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        self.trouble = f"the watches cannot be stored and would not outlast a crash: {where}"
        self._warn(self.trouble)


def _configured(settings: Settings) -> list[StoredWatch]:
    """The watches of the parameters and of `watches_file`."""
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
    """The kind that a Watch request names. Raises WatchError."""
    kinds = (WatchKind.ALERT, WatchKind.NARRATION)
    if code >= len(kinds):
        raise WatchError(f"kind is {code}; expected 0 (ALERT) or 1 (NARRATION)")
    return kinds[code]
