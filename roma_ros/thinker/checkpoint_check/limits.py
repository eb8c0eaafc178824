"""Types and bounds of the values that a JSON file of a checkpoint may hold."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from roma_ros.thinker.checkpoint_check.files import shown
from roma_ros.thinker.errors import CheckpointError

__all__ = [
    "Choice",
    "Count",
    "Flag",
    "Limit",
    "ListOf",
    "MaybeNull",
    "Name",
    "Number",
    "Text",
    "check_value",
    "checked",
]


class Limit(Protocol):
    """Type and bounds of a value."""

    def allows(self, value: Any) -> bool:
        """Return whether a value is of the type and within the bounds."""
        ...

    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Count:
    """Whole number in a range; `1.0` and `true` are not whole numbers."""

    low: int
    high: int

    def allows(self, value: Any) -> bool:
        return type(value) is int and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"a whole number from {self.low:,} to {self.high:,}"


@dataclass(frozen=True, slots=True)
class Number:
    """Finite number in a range; `true` is not a number."""

    low: float
    high: float

    def allows(self, value: Any) -> bool:
        if type(value) not in (int, float):
            return False
        return self.low <= value <= self.high and math.isfinite(value)

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false`."""

    def allows(self, value: Any) -> bool:
        return type(value) is bool

    def __str__(self) -> str:
        return "true or false"


@dataclass(frozen=True, slots=True)
class Text:
    """A string of bounded length."""

    most: int = 1000

    def allows(self, value: Any) -> bool:
        return isinstance(value, str) and len(value) <= self.most

    def __str__(self) -> str:
        return f"a text of at most {self.most:,} characters"


@dataclass(frozen=True, slots=True)
class Name:
    """Name of a part of the model, with dots; not a regular expression."""

    def allows(self, value: Any) -> bool:
        return isinstance(value, str) and re.fullmatch(r"\w[\w.]{0,199}", value) is not None

    def __str__(self) -> str:
        return "the name of a part of the model"


class Choice:
    """One of some values, of the same type."""

    def __init__(self, *values: object) -> None:
        self._values = values

    def allows(self, value: Any) -> bool:
        return any(type(value) is type(known) and value == known for known in self._values)

    def __str__(self) -> str:
        names = [repr(value) for value in self._values]
        return names[0] if len(names) == 1 else f"one of {', '.join(names)}"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of values under the same limit."""

    item: Limit
    least: int
    most: int

    def allows(self, value: Any) -> bool:
        if not isinstance(value, list) or not self.least <= len(value) <= self.most:
            return False
        return all(self.item.allows(item) for item in value)

    def __str__(self) -> str:
        count = f"{self.least}" if self.least == self.most else f"{self.least} to {self.most:,}"
        return f"a list of {count}, each {self.item}"


@dataclass(frozen=True, slots=True)
class MaybeNull:
    """`null`, or a value under a limit."""

    limit: Limit

    def allows(self, value: Any) -> bool:
        return value is None or self.limit.allows(value)

    def __str__(self) -> str:
        return f"{self.limit}, or null"


def check_value(file: Path, place: str, value: object, limit: Limit) -> None:
    """Check one value.

    Args:
        file: file that the value is from, for messages.
        place: its keys, such as `text_config.hidden_size`.

    Raises:
        CheckpointError: the limit does not allow it.
    """
    if not limit.allows(value):
        raise CheckpointError(
            f"{file}: {place} is {shown(value)}; expected {limit}. Copy the checkpoint's file again"
        )


def checked(
    file: Path, place: str, values: Any, limits: Mapping[str, Limit], needed: Sequence[str] = ()
) -> dict[str, Any]:
    """Check the values of an object, and return those that have a limit.

    Args:
        file: file that the value is from, for messages.
        place: the keys of the object, or nothing for the whole file.
        values: the object; keys without a limit are left out.
        needed: keys that must be there.

    Raises:
        CheckpointError: it is no object, lacks a key, or a limit does not allow a value.
    """
    where = place or "the file"
    if not isinstance(values, dict):
        raise CheckpointError(f"{file}: {where} is {shown(values)}; expected an object")
    if missing := [key for key in needed if key not in values]:
        raise CheckpointError(
            f"{file}: {where} lacks {missing[0]}; expected {limits[missing[0]]}. "
            "Copy the checkpoint's file again"
        )
    known = {key: value for key, value in values.items() if key in limits}
    for key, value in known.items():
        check_value(file, f"{place}.{key}" if place else key, value, limits[key])
    return known
