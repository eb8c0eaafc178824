"""Events as lines of JSON: encode, decode, and read a file.

A file holds one JSON object a line. A header has the origin of the events after it; a file begins
with one, and a journal has another at each start of the node. docs/events.md describes the fields.
"""

from __future__ import annotations

import enum
import json
import math
import types
from collections.abc import Iterator
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Union, get_args, get_origin, get_type_hints

from roma_ros.events import Event
from roma_ros.journal.record import KINDS, SCHEMA_VERSION, DamagedLine, Header, Line, Record
from roma_ros.watch import Watch, WatchError, WatchKind

__all__ = ["MAX_LINE", "SchemaError", "decode", "encode", "read_lines"]

MAX_LINE = 256 * 1024  # bytes; the longest event has a few thousand
MAX_TEXT = 4_000  # characters of one field
LARGEST = 2**63 - 1  # of any number
_SHOWN = 40  # characters of a damaged line in a message


class SchemaError(ValueError):
    """Raised when a line is not an event of this schema; the message shows what was read."""


# --- writing ---


def encode(line: Header | Record) -> bytes:
    """Return a line of UTF-8 JSON with its line break. NaN becomes `null`."""
    values = _header_values(line) if isinstance(line, Header) else _record_values(line)
    text = json.dumps(values, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", errors="replace") + b"\n"


def _header_values(header: Header) -> dict[str, Any]:
    return {
        "event": "header",
        "schema": header.schema,
        "wall_ns": header.wall_ns,
        "source": list(header.source),
        "model": header.model,
        "watches": [_watch_values(watch) for watch in header.watches],
        "settings": {name: _plain(value) for name, value in header.settings.items()},
        "versions": dict(header.versions),
    }


def _watch_values(watch: Watch) -> dict[str, Any]:
    return {
        "id": watch.id,
        "kind": watch.kind.value,
        "instruction": watch.instruction,
        "threshold": watch.threshold,
        "window": watch.window,
        "cooldown": watch.cooldown,
        "reply": watch.reply,
    }


def _record_values(record: Record) -> dict[str, Any]:
    values: dict[str, Any] = {"sequence": record.sequence} if record.sequence else {}
    values["event"] = record.kind
    values["seconds"] = None if record.seconds is None else round(record.seconds, 9)
    values["stamp_ns"] = record.event.stamp
    if record.wall_ns is not None:
        values["wall_ns"] = record.wall_ns
    if record.source:
        values["source"] = record.source
    if record.source_seconds is not None:
        values["source_seconds"] = round(record.source_seconds, 9)
    for each in fields(record.event):
        if each.name != "stamp":
            values[each.name] = _plain(getattr(record.event, each.name))
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return value[: MAX_TEXT - 1] + "…"
    return value


# --- reading ---


def decode(line: bytes | str) -> Header | Record:
    """Decode a line; unknown fields are ignored.

    Raises:
        SchemaError: the line is not an event or header of this schema, or its kind or version is
            unknown.
    """
    try:
        text = line.decode("utf-8") if isinstance(line, bytes) else line
        values = json.loads(text)
    except (ValueError, RecursionError):  # not UTF-8, not JSON, or a number of too many digits
        raise SchemaError(f"{_shown(line)} is not a line of JSON") from None
    if not isinstance(values, dict):
        raise SchemaError(f"{_shown(line)} is not a JSON object")
    kind = values.get("event")
    if kind == "header":
        return _header(values)
    if not isinstance(kind, str) or kind not in KINDS:
        known = ", ".join(["header", *KINDS])
        raise SchemaError(f"event is {_shown(str(kind))}; expected one of {known}")
    return Record(
        event=_event(KINDS[kind], values),
        sequence=_value(values, "sequence", int, 0),
        seconds=_optional(values, "seconds", float),
        wall_ns=_optional(values, "wall_ns", int),
        source=_value(values, "source", str, ""),
        source_seconds=_optional(values, "source_seconds", float),
    )


def _header(values: dict[str, Any]) -> Header:
    schema = _value(values, "schema", int)
    if schema > SCHEMA_VERSION:
        raise SchemaError(
            f"the header's schema is {schema}; this roma_ros reads up to {SCHEMA_VERSION}: "
            "read the file with the version that wrote it, or a newer one"
        )
    return Header(
        source=tuple(str(each) for each in _value(values, "source", list, [])),
        model=_value(values, "model", str, ""),
        watches=tuple(_watch(each) for each in _value(values, "watches", list, [])),
        settings=_value(values, "settings", dict, {}),
        versions=_value(values, "versions", dict, {}),
        wall_ns=_value(values, "wall_ns", int, 0),
        schema=schema,
    )


def _watch(values: Any) -> Watch:
    if not isinstance(values, dict):
        raise SchemaError(f"a watch of the header is {_shown(str(values))}; expected an object")
    try:
        return Watch(
            id=_value(values, "id", str),
            kind=WatchKind(_value(values, "kind", str)),
            instruction=_value(values, "instruction", str),
            threshold=_value(values, "threshold", float),
            window=_value(values, "window", int, 1),
            cooldown=_value(values, "cooldown", float, 0.0),
            reply=_value(values, "reply", bool, False),
        )
    except (WatchError, ValueError) as error:
        raise SchemaError(f"a watch of the header: {error}") from error


def _event(cls: type, values: dict[str, Any]) -> Event:
    arguments = {}
    for name, hint, default in _fields_of(cls):
        key = "stamp_ns" if name == "stamp" else name
        if key in values or default is MISSING:
            arguments[name] = _checked(key, values.get(key, MISSING), hint)
    event: Event = cls(**arguments)
    return event


@cache
def _fields_of(cls: type) -> tuple[tuple[str, Any, Any], ...]:
    """Return name, type and default of each field of an event's class."""
    hints = get_type_hints(cls)
    return tuple((each.name, hints[each.name], each.default) for each in fields(cls))


def _optional(values: dict[str, Any], name: str, expected: type) -> Any:
    return None if values.get(name) is None else _value(values, name, expected)


def _value(values: dict[str, Any], name: str, expected: type, default: Any = MISSING) -> Any:
    return _checked(name, values.get(name, default), expected)


def _checked(name: str, value: Any, hint: Any) -> Any:
    """Return a JSON value as the field's type; raise SchemaError if it is of another."""
    if value is MISSING:
        raise SchemaError(f"there is no field {name!r}")
    if get_origin(hint) in (Union, types.UnionType):
        if value is None:
            return None
        hint = next(each for each in get_args(hint) if each is not type(None))
    if hint is float and value is None:
        return math.nan
    if isinstance(value, int | float) and not -LARGEST <= value <= LARGEST:
        raise SchemaError(f"{name} is {_shown(str(value))}; expected a number below 2^63")
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        if issubclass(hint, enum.Enum):
            return hint(value)
    except ValueError:
        choices = ", ".join(str(member.value) for member in hint)
        raise SchemaError(f"{name} is {_shown(str(value))}; expected one of {choices}") from None
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise SchemaError(f"{name} is {_shown(str(value))}; expected {hint.__name__}")
    return value


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a file of events, damaged ones included.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        for number, line in enumerate(_bounded_lines(file), start=1):
            if line.strip():
                yield _read(path, number, line)


def _read(path: Path, number: int, line: bytes) -> Line:
    whole = line.endswith(b"\n")
    if len(line) > MAX_LINE:
        return DamagedLine(path=path, number=number, reason=f"longer than {MAX_LINE} bytes")
    try:
        return decode(line)
    except SchemaError as error:
        reason = str(error) if whole else "the last line was not written to its end"
        return DamagedLine(path=path, number=number, reason=reason, cut=not whole)


def _bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines of at most MAX_LINE + 1 bytes; the rest of a longer one is skipped."""
    while line := file.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE + 1)


def _shown(line: bytes | str) -> str:
    """Return the quoted beginning of what was read, for a message."""
    text = line.decode("utf-8", errors="replace") if isinstance(line, bytes) else line
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
