"""Parameters of the event journal and the watches that are stored on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rclpy.node import Node

from roma_ros.hooks import parse_hooks
from roma_ros.journal import DEFAULT_KINDS, JournalConfig, JournalConfigError
from roma_ros.nodes.parameter_spec import ParameterSpec
from roma_ros.state_folder import JOURNAL, WATCHES, state_folder
from roma_ros.watch_file import WatchSpec, read_watch_file

__all__ = ["AUTO", "PERSISTENCE_SPECS", "Persistence"]

AUTO = "auto"
DEFAULTS = JournalConfig(folder=Path())


def _kinds(kinds: list[str]) -> str | None:
    try:
        JournalConfig(folder=Path(), kinds=tuple(kind for kind in kinds if kind))
    except JournalConfigError as error:
        return f"is {kinds!r}: {error}"
    return None


PERSISTENCE_SPECS = (
    ParameterSpec(
        name="watches_file",
        default="",
        read_only=True,  # it may name programs to run
        description="YAML file of watches with their own ids, thresholds, windows, cooldowns and "
        "recordings (docs/watches.md); empty: none.",
    ),
    ParameterSpec(
        name="watches.restore",
        default=True,
        description="Whether to restore the watches of watches.state_file when the node is "
        "configured.",
    ),
    ParameterSpec(
        name="watches.state_file",
        default=AUTO,
        description="File that the watches are stored in at each change; auto: "
        "$ROS_HOME/roma/NODE/watches.json, where $ROS_HOME is ~/.ros if it is not set; empty: "
        "watches are not stored.",
    ),
    ParameterSpec(
        name="journal.folder",
        default=AUTO,
        description="Folder of the event journal; auto: $ROS_HOME/roma/NODE/journal, where "
        "$ROS_HOME is ~/.ros if it is not set; empty: no journal.",
    ),
    ParameterSpec(
        name="journal.max_bytes",
        default=DEFAULTS.max_bytes,
        unit="bytes",
        low=2**16,
        high=2**30,
        description="Size at which the journal starts a new file.",
    ),
    ParameterSpec(
        name="journal.files",
        default=DEFAULTS.files,
        low=1,
        high=1000,
        description="Number of journal files that are kept; older ones are deleted.",
    ),
    ParameterSpec(
        name="journal.kinds",
        default=list(DEFAULT_KINDS),
        description="Kinds of events that are written to the journal, in addition to alerts. "
        "speak_probability is one event per unit and watch, and is what `roma replay` reads.",
        check=_kinds,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """Settings of the event journal and of the stored watches.

    Attributes:
        journal: settings of the event journal; `None`: no journal.
        state_file: file that the watches are stored in; `None`: they are not stored.
        restore: whether to restore the watches of the state file.
        watches: the watches of `watches_file`.
    """

    journal: JournalConfig | None
    state_file: Path | None
    restore: bool
    watches: tuple[WatchSpec, ...]

    @classmethod
    def of(cls, node: Node) -> Persistence:
        """Read the parameters of a node.

        Raises:
            WatchFileError: `watches_file` does not exist or is not valid.
        """
        folder = _path(node, "journal.folder", JOURNAL)
        watches_file = _value(node, "watches_file")
        return cls(
            journal=None
            if folder is None
            else JournalConfig(
                folder=folder,
                max_bytes=_value(node, "journal.max_bytes"),
                files=_value(node, "journal.files"),
                kinds=tuple(kind for kind in _value(node, "journal.kinds") if kind),
            ),
            state_file=_path(node, "watches.state_file", WATCHES),
            restore=_value(node, "watches.restore"),
            watches=_watches(watches_file) if watches_file else (),
        )


def _watches(path: str) -> tuple[WatchSpec, ...]:
    return read_watch_file(Path(path).expanduser(), on_alert=parse_hooks)


def _path(node: Node, parameter: str, name: str) -> Path | None:
    text = _value(node, parameter)
    if text == AUTO:
        return state_folder(node.get_fully_qualified_name()) / name
    return Path(text).expanduser().absolute() if text else None


def _value(node: Node, name: str) -> Any:
    return node.get_parameter(name).value
