"""Reader of watches in YAML, for the node's `watches_file`; docs/watches.md has the fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from roma_ros.recording import Recording, RecordingError
from roma_ros.watch import (
    DEFAULT_THRESHOLD,
    Watch,
    WatchError,
    WatchKind,
    check_id,
    quoted,
)

__all__ = ["SCHEMA_VERSION", "WatchFileError", "WatchSpec", "read_watch_file"]

SCHEMA_VERSION = 1
MAX_BYTES = 256 * 1024
MAX_WATCHES = 64
SETTINGS = ("threshold", "window", "cooldown")
_TYPES: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "kind": (str,),
    "instruction": (str,),
    "threshold": (int, float),
    "window": (int,),
    "cooldown": (int, float),
    "reply": (bool,),
    "recording": (str,),
}
_WORDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


class WatchFileError(ValueError):
    """Raised when a file of watches cannot be used; the message has the line and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSpec:
    """A watch as it is requested; settings that are `None` follow the defaults.

    Attributes:
        id: name of the watch; empty: one is generated.
        kind, instruction, reply: as in `Watch`.
        threshold, window, cooldown: as in `Watch`; `None`: the default.
        recording: audio file of the spoken instruction; `None`: the model reads the text.
        on_alert: hooks of the watch, as `read_watch_file`'s `on_alert` has parsed them.
    """

    instruction: str
    kind: WatchKind = WatchKind.ALERT
    id: str = ""
    threshold: float | None = None
    window: int | None = None
    cooldown: float | None = None
    reply: bool = False
    recording: Path | None = None
    on_alert: Any = field(default=None, compare=False)

    @property
    def open_settings(self) -> frozenset[str]:
        """Names of the settings that follow the defaults."""
        return frozenset(name for name in SETTINGS if getattr(self, name) is None)

    def watch(self, *, threshold: float, window: int, cooldown: float) -> Watch:
        """Make the watch, and read its recording.

        Args:
            threshold, window, cooldown: defaults for settings that are `None`.

        Raises:
            WatchError: a setting is out of its range.
            RecordingError: the recording cannot be used.
        """
        return Watch(
            id=self.id,
            kind=self.kind,
            instruction=self.instruction,
            threshold=threshold if self.threshold is None else self.threshold,
            window=window if self.window is None else self.window,
            cooldown=cooldown if self.cooldown is None else self.cooldown,
            reply=self.reply,
            recording=Recording.from_file(self.recording) if self.recording else None,
        )


def read_watch_file(
    path: Path, *, on_alert: Callable[[Any], Any] | None = None
) -> tuple[WatchSpec, ...]:
    """Read a file of watches.

    Args:
        path: YAML file of at most 256 KiB with at most 64 watches.
        on_alert: parses the value of a watch's field `on_alert`; raises ValueError for a value
            that is wrong. `None`: a file with the field is refused.

    Raises:
        WatchFileError: the file cannot be read, or is not a valid file of watches.
    """
    return _Reader(path, on_alert).watches()


class _Reader:
    """Reader of one file; keeps the line of each value for error messages."""

    def __init__(self, path: Path, on_alert: Callable[[Any], Any] | None) -> None:
        self._path = path
        self._on_alert = on_alert
        self._constructor = yaml.constructor.SafeConstructor()

    def watches(self) -> tuple[WatchSpec, ...]:
        root = self._root()
        top = self._mapping(root, "the file", ("version", "watches"))
        for name in ("version", "watches"):
            if name not in top:
                raise self._error(root, f"there is no {name!r}; the file begins with 'version: 1'")
        version = self._value(top["version"])
        if version != SCHEMA_VERSION or isinstance(version, bool):
            raise self._error(top["version"], f"version is {version!r}; expected {SCHEMA_VERSION}")
        entries = top["watches"]
        if not isinstance(entries, yaml.SequenceNode):
            raise self._error(entries, "watches is no list; each watch begins with '- id:'")
        if len(entries.value) > MAX_WATCHES:
            raise self._error(
                entries, f"there are {len(entries.value)} watches; at most {MAX_WATCHES} fit"
            )
        return tuple(self._unique(entries.value))

    def _root(self) -> yaml.Node:
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise WatchFileError(f"{self._path} cannot be read: {error.strerror}") from error
        if len(data) > MAX_BYTES:
            raise WatchFileError(f"{self._path} has more than {MAX_BYTES} bytes; is it the file?")
        try:
            root = yaml.compose(data.decode("utf-8"), Loader=yaml.SafeLoader)
        except UnicodeDecodeError as error:
            raise WatchFileError(f"{self._path} is not text in UTF-8: {error.reason}") from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"{self._path}:{mark.line + 1}" if mark else str(self._path)
            raise WatchFileError(f"{where}: this is not YAML: {error.problem}") from error
        except (yaml.YAMLError, RecursionError) as error:
            raise WatchFileError(f"{self._path} is not YAML: {quoted(str(error))}") from error
        if root is None:
            raise WatchFileError(f"{self._path} is empty; the file begins with 'version: 1'")
        return root

    def _unique(self, entries: list[yaml.Node]) -> Iterator[WatchSpec]:
        lines: dict[str, int] = {}
        for entry in entries:
            spec = self._watch(entry)
            if spec.id in lines:
                raise self._error(
                    entry, f"there is a watch {spec.id!r} already, in line {lines[spec.id]}"
                )
            lines[spec.id] = entry.start_mark.line + 1
            yield spec

    def _watch(self, entry: yaml.Node) -> WatchSpec:
        nodes = self._mapping(entry, "a watch", (*_TYPES, "on_alert"))
        for name in ("id", "instruction"):
            if name not in nodes:
                raise self._error(entry, f"the watch has no {name!r}")
        values = {name: self._typed(name, nodes[name]) for name in _TYPES if name in nodes}
        try:
            check_id(values["id"])
        except WatchError as error:
            raise self._error(nodes["id"], str(error)) from error
        values["kind"] = self._kind(nodes.get("kind"), values)
        self._check_ranges(nodes, values)
        if "recording" in values:
            values["recording"] = self._recording(nodes["recording"], values["recording"])
        if "on_alert" in nodes:
            values["on_alert"] = self._hooks(nodes["on_alert"])
        return WatchSpec(**values)

    def _kind(self, node: yaml.Node | None, values: dict[str, Any]) -> WatchKind:
        if node is None:
            return WatchKind.ALERT
        try:
            return WatchKind(values["kind"])
        except ValueError:
            raise self._error(
                node, f"kind is {quoted(values['kind'])}; expected alert or narration"
            ) from None

    def _check_ranges(self, nodes: dict[str, yaml.Node], values: dict[str, Any]) -> None:
        """Check each value by itself, so that the error can name its line."""
        good = Watch(
            id=values["id"],
            kind=values["kind"],
            instruction="what is watched for",
            threshold=DEFAULT_THRESHOLD,
        )
        for name in ("instruction", *SETTINGS):
            if name in values:
                try:
                    replace(good, **{name: values[name]})
                except WatchError as error:
                    raise self._error(nodes[name], str(error)) from error

    def _recording(self, node: yaml.Node, text: str) -> Path:
        path = self._path.parent.absolute() / Path(text).expanduser()
        try:
            Recording.from_file(path)
        except RecordingError as error:
            raise self._error(node, str(error)) from error
        return path

    def _hooks(self, node: yaml.Node) -> Any:
        if self._on_alert is None:
            raise self._error(node, "on_alert is not supported here; take it out")
        try:
            return self._on_alert(self._value(node))
        except ValueError as error:
            raise self._error(node, f"on_alert: {error}") from error

    def _mapping(self, node: yaml.Node, what: str, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"{what} is no mapping; expected lines such as 'id: door'")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name not in known:
                raise self._error(
                    key, f"{what} has no field {quoted(name)}; there are {', '.join(known)}"
                )
            if name in found:
                raise self._error(key, f"{name} is given twice")
            found[name] = value
        return found

    def _typed(self, name: str, node: yaml.Node) -> Any:
        value = self._value(node)
        expected = _TYPES[name]
        if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
            hint = (
                "; put it in quotes"
                if str in expected and not isinstance(value, list | dict)
                else ""
            )
            raise self._error(
                node, f"{name} is {quoted(str(value))}; expected {_WORDS[expected[-1]]}{hint}"
            )
        return value

    def _value(self, node: yaml.Node) -> Any:
        try:
            return self._constructor.construct_document(node)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise self._error(node, f"this value cannot be read: {quoted(str(error))}") from error

    def _error(self, node: yaml.Node, message: str) -> WatchFileError:
        return WatchFileError(f"{self._path}:{node.start_mark.line + 1}: {message}")
