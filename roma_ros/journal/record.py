"""Contents of a file of events: headers, records, and lines that cannot be read."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from roma_ros import __version__
from roma_ros.events import Event
from roma_ros.machine import libraries, python_version
from roma_ros.watch import Watch

__all__ = ["KINDS", "SCHEMA_VERSION", "DamagedLine", "Header", "Line", "Record", "kind_of"]

SCHEMA_VERSION = 1
LIBRARIES = ("torch", "transformers")


def _kind(name: str) -> str:
    if name == "InstructionWarning":
        return "warning"
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


KINDS: dict[str, type] = {_kind(cls.__name__): cls for cls in get_args(Event)}
"""Value of the field `event` -> class of the event."""
_NAMES = {cls: name for name, cls in KINDS.items()}


def kind_of(event: Event) -> str:
    """Return the name of an event's kind in the schema, such as "alert"."""
    return _NAMES[type(event)]


def _versions() -> dict[str, str]:
    return {"roma_ros": __version__, "python": python_version(), **libraries(LIBRARIES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Origin of the events that follow it.

    Attributes:
        source: files, addresses or devices of the stream; of a node, its name.
        model: name of the checkpoint.
        watches: watches that ran when the header was written, without their recordings.
        settings: other settings that explain the events; plain values.
        versions: software versions by name.
        wall_ns: time of writing, Unix time in ns.
        schema: version of the schema.
    """

    source: tuple[str, ...]
    model: str
    watches: tuple[Watch, ...] = ()
    settings: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=_versions)
    wall_ns: int = field(default_factory=time.time_ns)
    schema: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An event with its place in a file.

    Attributes:
        event: the event.
        sequence: number of the event, from 1; 0 in a file without numbers.
        seconds: END of the event's unit, from the beginning of the source, or of a node's stream;
            `None` if unknown.
        wall_ns: time of writing, Unix time in ns; `None` in a file of `roma run`.
        source: the event's source, in a run of several sources; else empty.
        source_seconds: END of the event's unit from the beginning of that source.
    """

    event: Event
    sequence: int = 0
    seconds: float | None = None
    wall_ns: int | None = None
    source: str = ""
    source_seconds: float | None = None

    @property
    def kind(self) -> str:
        """Name of the event's kind, such as "alert"."""
        return kind_of(self.event)


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedLine:
    """A line that cannot be read.

    Attributes:
        path: the file.
        number: number of the line, from 1.
        reason: description of the damage.
        cut: whether it is the file's last line and incomplete, as a crash leaves it.
    """

    path: Path
    number: int
    reason: str
    cut: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.number}: {self.reason}"


Line = Header | Record | DamagedLine
