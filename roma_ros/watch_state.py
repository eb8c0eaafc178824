"""State file of the node's watches, which survive a restart; see docs/watches.md."""

from __future__ import annotations

import enum
import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from roma_ros.durable_file import lock_file, make_private_folder, write_durably
from roma_ros.watch import DEFAULT_THRESHOLD, Watch, WatchKind, check_id, quoted
from roma_ros.watch_file import SETTINGS, WatchSpec

__all__ = [
    "MergedWatches",
    "Origin",
    "StoredWatch",
    "WatchState",
    "WatchStateError",
    "merge",
]

SCHEMA_VERSION = 1
MAX_BYTES = 4 * 2**20
MAX_WATCHES = 128  # those that run, and those that could not be restored
_FIELDS = {"id", "kind", "instruction", *SETTINGS, "reply", "recording"}


class WatchStateError(ValueError):
    """Raised when the state file is damaged, or of a newer version; the message says which."""


class Origin(str, enum.Enum):
    """Origin of a watch: a service call or the node's configuration."""

    SERVICE = "service"
    PARAMETERS = "parameters"
    WATCHES_FILE = "watches_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWatch:
    """A watch with what is needed to restore it.

    Attributes:
        spec: current settings; those that are `None` follow the node's defaults.
        origin: origin of the watch.
        configured: settings of the configuration; `None` for a watch that was added by service.
        restored: whether the watch, or its settings, come from an earlier run.
    """

    spec: WatchSpec
    origin: Origin
    configured: WatchSpec | None = None
    restored: bool = field(default=False, compare=False)

    @property
    def id(self) -> str:
        """Id of the watch."""
        return self.spec.id


# --- the file ---


class WatchState:
    """State file of watches; locked against other nodes from `open` to `close`.

    Args:
        path: path of the file; its folder is made if it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    def open(self) -> None:
        """Lock the file.

        Raises:
            FileInUseError: another node has locked it.
            OSError: the lock cannot be made.
        """
        make_private_folder(self.path.parent)
        self._lock = lock_file(self.path.with_name(self.path.name + ".lock"), str(self.path))

    def close(self) -> None:
        """Free the lock."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def read(self) -> tuple[StoredWatch, ...]:
        """Read the watches; none if there is no file.

        Raises:
            OSError: the file cannot be read.
            WatchStateError: the file is damaged.
        """
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return ()
        try:
            return _parsed(data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise WatchStateError(f"{self.path} is damaged: {quoted(str(error))}") from error

    def write(self, watches: Iterable[StoredWatch]) -> None:
        """Replace the file's watches, durably.

        Raises:
            OSError: the file cannot be written.
        """
        content: dict[str, Any] = {
            "schema": SCHEMA_VERSION,
            "wall_ns": time.time_ns(),
            "watches": [_watch_values(watch) for watch in watches],
        }
        content["sha256"] = _checksum(content)
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        write_durably(self.path, text.encode("utf-8", errors="replace"))

    def set_aside(self) -> Path:
        """Rename a damaged file, so that a new one can be written; return the new path.

        Raises:
            OSError: the file cannot be renamed.
        """
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
        self.path.rename(aside)
        return aside


def _checksum(content: dict[str, Any]) -> str:
    rest = {name: value for name, value in content.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _watch_values(watch: StoredWatch) -> dict[str, Any]:
    configured = watch.configured
    return {
        "origin": watch.origin.value,
        **_spec_values(watch.spec),
        "configured": None if configured is None else _spec_values(configured),
    }


def _spec_values(spec: WatchSpec) -> dict[str, Any]:
    return {
        "id": spec.id,
        "kind": spec.kind.value,
        "instruction": spec.instruction,
        "threshold": spec.threshold,
        "window": spec.window,
        "cooldown": spec.cooldown,
        "reply": spec.reply,
        "recording": None if spec.recording is None else str(spec.recording),
    }


def _parsed(data: bytes) -> tuple[StoredWatch, ...]:
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    content = json.loads(data.decode("utf-8"))
    if not isinstance(content, dict) or content.get("schema") != SCHEMA_VERSION:
        raise ValueError(f"no state of watches of schema {SCHEMA_VERSION}")
    if content.get("sha256") != _checksum(content):
        raise ValueError("the checksum does not fit")
    watches = tuple(_stored(values) for values in content["watches"])
    if len({watch.id for watch in watches}) < len(watches) or len(watches) > MAX_WATCHES:
        raise ValueError("an id stands twice, or there are too many watches")
    return watches


def _stored(values: dict[str, Any]) -> StoredWatch:
    configured = values["configured"]
    return StoredWatch(
        spec=_spec({name: values[name] for name in _FIELDS}),
        origin=Origin(values["origin"]),
        configured=None if configured is None else _spec(configured),
        restored=True,
    )


def _spec(values: dict[str, Any]) -> WatchSpec:
    recording = values["recording"]
    if type(values["reply"]) is not bool or type(values["instruction"]) is not str:
        raise ValueError("reply or instruction is of another type")
    spec = WatchSpec(
        **{
            **values,
            "kind": WatchKind(values["kind"]),
            "recording": None if recording is None else Path(recording),
        }
    )
    check_id(spec.id)
    # Check the values by making a watch, without the recording, whose file may be missing now.
    Watch(
        id=spec.id,
        kind=spec.kind,
        instruction=spec.instruction,
        threshold=DEFAULT_THRESHOLD if spec.threshold is None else spec.threshold,
        window=1 if spec.window is None else spec.window,
        cooldown=0.0 if spec.cooldown is None else spec.cooldown,
    )
    return spec


# --- merge after a restart ---


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedWatches:
    """Watches to run after a restart, from the configuration and the state file.

    Attributes:
        watches: all watches; the configured ones first.
        conflicts: one line for each conflict of the two, with the choice that was made.
    """

    watches: tuple[StoredWatch, ...]
    conflicts: tuple[str, ...]


def merge(configured: Sequence[StoredWatch], stored: Sequence[StoredWatch]) -> MergedWatches:
    """Merge the configured watches with those of an earlier run.

    A configured watch keeps the settings that were adjusted at run time, as long as its
    configuration has not changed; else the configuration decides. A watch that was added by
    service runs again. A watch that is no longer configured does not.

    Args:
        configured: watches of the parameters and of `watches_file`; an empty id is generated.
        stored: watches of the state file; may be empty.
    """
    before = {watch.id: watch for watch in stored}
    watches, conflicts = [], []
    for new in _with_ids(configured, stored):
        old = before.pop(new.id, None)
        kept, conflict = _settled(new, old)
        watches.append(kept)
        if conflict:
            conflicts.append(conflict)
    for old in before.values():
        if old.origin is Origin.SERVICE:
            watches.append(replace(old, restored=True))
        else:
            conflicts.append(
                f"watch {old.id!r} of the {old.origin.value} ran before and is no longer "
                "configured: it does not run"
            )
    return MergedWatches(watches=tuple(watches), conflicts=tuple(conflicts))


def _settled(new: StoredWatch, old: StoredWatch | None) -> tuple[StoredWatch, str]:
    """Choose between a configured watch and a stored one of its id; return also the conflict."""
    if old is None or (old.spec == new.spec and old.origin is not Origin.SERVICE):
        return new, ""
    if old.configured == new.spec:
        spec = replace(old.spec, on_alert=new.spec.on_alert)
        return replace(new, spec=spec, restored=True), ""
    if old.origin is Origin.SERVICE:
        if _same_watch(old.spec, new.spec):
            return new, ""
        return new, (
            f"watch {new.id!r} is configured by {new.origin.value}, and another of this id was "
            f"added by service before ({quoted(old.spec.instruction)}): the configured one runs"
        )
    if old.spec == old.configured:
        return new, ""  # it was never adjusted: the new configuration is all there is
    return new, (
        f"watch {new.id!r} was adjusted at run time ({_adjustments(old)}), and its configuration "
        "has changed since: the configuration decides"
    )


def _same_watch(first: WatchSpec, second: WatchSpec) -> bool:
    return (first.kind, first.instruction) == (second.kind, second.instruction)


def _adjustments(watch: StoredWatch) -> str:
    changed = [
        f"{name} {value:g}"
        for name in SETTINGS
        if (value := getattr(watch.spec, name)) != getattr(watch.configured, name)
        and value is not None
    ]
    return ", ".join(changed) or "to the defaults"


def _with_ids(
    configured: Sequence[StoredWatch], stored: Sequence[StoredWatch]
) -> list[StoredWatch]:
    """Give each configured watch an id; one that ran before keeps its id."""
    taken = {watch.id for watch in (*configured, *stored)}
    given = {watch.id for watch in configured}
    free_again = [w for w in stored if w.origin is Origin.PARAMETERS and w.id not in given]
    named = []
    for watch in configured:
        if not watch.id:
            known = next((w for w in free_again if _same_watch(w.spec, watch.spec)), None)
            if known is not None:
                free_again.remove(known)
            name = known.id if known else free_id(watch.spec.kind, taken)
            taken.add(name)
            watch = replace(watch, spec=replace(watch.spec, id=name))
            if watch.configured is not None:
                watch = replace(watch, configured=watch.spec)
        named.append(watch)
    return named


def free_id(kind: WatchKind, taken: Iterable[str]) -> str:
    """Return an id that is not taken, such as "alert_1"."""
    names = (f"{kind.value}_{number}" for number in count(1))
    return next(name for name in names if name not in taken)
