"""Readers of JSON, JSON Lines and text files whose errors name the file, the row and the field.

Free of torch. A row is an element of a JSON array, a line of a JSON Lines or text file (both
counted from 1), or a key of a JSON object. Nothing is lost without an error: a key that stands
twice in an object is refused, and so are NaN and infinity, which Python's JSON accepts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from roma_ros.benchmarks.errors import BenchmarkError

__all__ = [
    "STRICT_JSON",
    "Fields",
    "parse_rows",
    "read_json_array",
    "read_json_object",
    "read_json_rows",
    "read_lines",
    "read_utf8",
    "short",
    "starts_with",
    "write_json",
    "write_json_lines",
]

Parsed = TypeVar("Parsed")
Row = TypeVar("Row")

MAX_BYTES = 1 << 30
LARGEST = 1e12
"""Largest absolute value of a number in a file: beyond it, arithmetic on seconds is not exact."""
_SPACE = re.compile(r"[ \t\n\r]*")


class Fields:
    """JSON object whose fields are checked when they are read.

    Args:
        value: value as `json.loads` returns it.
        place: file and row, the start of every error message.
        path: dotted name of the object in its row; empty for the row itself.

    Raises:
        BenchmarkError: the value is not an object. Every method raises it for a field that is
            missing or does not fit.
    """

    def __init__(self, value: Any, place: str, path: str = "") -> None:
        if not isinstance(value, Mapping):
            where = f"{place}: {path}" if path else place
            raise BenchmarkError(f"{where} is {short(value)}; expected an object")
        self.value = value
        self.place = place
        self._path = path

    def __contains__(self, name: object) -> bool:
        return name in self.value

    def name(self, name: str) -> str:
        """Return the dotted name of a field in its row."""
        return f"{self._path}.{name}" if self._path else name

    def error(self, name: str, expected: str) -> BenchmarkError:
        """Return the error of a field that does not fit."""
        if name not in self.value:
            return BenchmarkError(
                f"{self.place}: {self.name(name)} is missing; expected {expected}"
            )
        found = short(self.value[name])
        return BenchmarkError(f"{self.place}: {self.name(name)} is {found}; expected {expected}")

    def text(self, name: str) -> str:
        """Return a text."""
        value = self.value.get(name)
        if not isinstance(value, str):
            raise self.error(name, "text")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a text, or `None` for null and for a field that is missing."""
        return None if self.value.get(name) is None else self.text(name)

    def identifier(self, name: str) -> str:
        """Return a name; a whole number and its text are the same name."""
        value = self.value.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, (int, float)) and _is_number(value) and value == int(value):
            return str(int(value))
        raise self.error(name, "a name or a whole number")

    def whole(self, name: str, low: int = 0, high: int | None = None) -> int:
        """Return a whole number from `low` to `high`."""
        value = self.value.get(name)
        fits = isinstance(value, int) and _is_number(value) and value >= low
        if not fits or (high is not None and value > high):  # type: ignore[operator]
            span = f"from {low} on" if high is None else f"from {low} to {high}"
            raise self.error(name, f"a whole number {span}")
        return value  # type: ignore[return-value]

    def seconds(self, name: str) -> float:
        """Return a time or duration in seconds, from 0 on."""
        value = self.value.get(name)
        if not _is_number(value) or value < 0:  # type: ignore[operator]
            raise self.error(name, "seconds from 0 on")
        return value  # type: ignore[return-value]

    def number(self, name: str) -> float:
        """Return a finite number."""
        value = self.value.get(name)
        if not _is_number(value):
            raise self.error(name, "a number")
        return value  # type: ignore[return-value]

    def list(self, name: str) -> list[Any]:
        """Return a list, whatever it holds."""
        value = self.value.get(name)
        if not isinstance(value, list):
            raise self.error(name, "a list")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        values = self.list(name)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise self._element(name, index, value, "text")
        return tuple(values)

    def numbers(self, name: str) -> tuple[float, ...]:
        """Return a list of finite numbers."""
        values = self.list(name)
        for index, value in enumerate(values):
            if not _is_number(value):
                raise self._element(name, index, value, "a number")
        return tuple(values)

    def times(self, name: str) -> tuple[float, ...]:
        """Return a list of seconds from 0 on, in any order."""
        values = self.list(name)
        for index, value in enumerate(values):
            if not _is_number(value) or value < 0:
                raise self._element(name, index, value, "seconds from 0 on")
        return tuple(values)

    def wholes(self, name: str, low: int = 0, high: int | None = None) -> tuple[int, ...]:
        """Return a list of whole numbers from `low` to `high`."""
        values = self.list(name)
        for index, value in enumerate(values):
            fits = isinstance(value, int) and _is_number(value) and value >= low
            if not fits or (high is not None and value > high):
                span = f"from {low} on" if high is None else f"from {low} to {high}"
                raise self._element(name, index, value, f"a whole number {span}")
        return tuple(values)

    def interval(self, name: str) -> tuple[float, float]:
        """Return [start, end] in seconds, with 0 <= start <= end."""
        return self._interval(name, self.value.get(name))

    def intervals(self, name: str) -> tuple[tuple[float, float], ...]:
        """Return a list of [start, end] in seconds, with 0 <= start <= end; it may be empty."""
        return tuple(
            self._interval(f"{name}[{index}]", value) for index, value in enumerate(self.list(name))
        )

    def object(self, name: str) -> Fields:
        """Return an object."""
        if name not in self.value:
            raise self.error(name, "an object")
        return Fields(self.value[name], self.place, self.name(name))

    def objects(self, name: str) -> Iterator[Fields]:
        """Yield the objects of a list."""
        for index, value in enumerate(self.list(name)):
            yield Fields(value, self.place, f"{self.name(name)}[{index}]")

    def items(self, what: str) -> Iterator[tuple[str, Fields]]:
        """Yield the keys and the objects of an object whose keys are rows.

        Args:
            what: word for a key in error messages, such as `video`.
        """
        for key, value in self.value.items():
            yield key, Fields(value, f"{self.place}, {what} {short(key)}")

    def _interval(self, name: str, value: Any) -> tuple[float, float]:
        expected = "[start, end] in seconds, 0 <= start <= end"
        if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
            found = f"is {short(value)}" if value is not None else "is missing"
            raise BenchmarkError(f"{self.place}: {self.name(name)} {found}; expected {expected}")
        start, end = value
        if not 0 <= start <= end:
            raise BenchmarkError(
                f"{self.place}: {self.name(name)} is {short(value)}; expected {expected}"
            )
        return start, end

    def _element(self, name: str, index: int, value: Any, expected: str) -> BenchmarkError:
        where = f"{self.place}: {self.name(name)}[{index}]"
        return BenchmarkError(f"{where} is {short(value)}; expected {expected}")


def parse_rows(rows: Iterable[Row], parse: Callable[[Row], Parsed]) -> list[Parsed]:
    """Return the parsed rows.

    Raises:
        BenchmarkError: rows do not fit; the message has the first of them and how many there are.
    """
    parsed: list[Parsed] = []
    errors: list[BenchmarkError] = []
    for row in rows:
        try:
            parsed.append(parse(row))
        except BenchmarkError as error:
            errors.append(error)
    if errors:
        others = f" ({len(errors)} rows do not fit; this is the first)" if len(errors) > 1 else ""
        raise BenchmarkError(f"{errors[0]}{others}")
    return parsed


def read_json_rows(path: Path) -> Iterator[Fields]:
    """Yield the objects of a JSON array, or of a JSON Lines file; of rows that are arrays, theirs.

    Raises:
        BenchmarkError: the file cannot be read, a row is not JSON or not an object, or there is no
            row.
    """
    text = read_utf8(path, MAX_BYTES)
    values = _array(text, path) if text.lstrip()[:1] == "[" else _json_lines(text, path)
    empty = True
    for number, value in values:
        empty = False
        if isinstance(value, list):  # as in StreamingBench's answers to sequential questions
            for index, element in enumerate(value):
                yield Fields(element, f"{path}, row {number}[{index}]")
        else:
            yield Fields(value, f"{path}, row {number}")
    if empty:
        raise BenchmarkError(f"{path} is empty; expected a JSON array or JSON Lines")


def read_json_array(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the place and value of every element of a JSON array, whatever it is.

    Raises:
        BenchmarkError: the file cannot be read, is not JSON, or holds something else.
    """
    text = read_utf8(path, MAX_BYTES)
    if text.lstrip()[:1] != "[":
        raise BenchmarkError(f"{path} starts with {short(text.lstrip()[:20])}; expected an array")
    for number, value in _array(text, path):
        yield f"{path}, row {number}", value


def read_json_object(path: Path) -> Fields:
    """Return the object that a JSON file holds.

    Raises:
        BenchmarkError: the file cannot be read, is not JSON, or holds something else.
    """
    text = read_utf8(path, MAX_BYTES)
    try:
        value = STRICT_JSON.decode(text)
    except json.JSONDecodeError as error:
        raise _not_json(str(path), error) from error
    except (ValueError, RecursionError) as error:
        raise BenchmarkError(f"{path} is not JSON: {_reason(error)}") from error
    return Fields(value, str(path))


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the place and text of every line that is not empty.

    Raises:
        BenchmarkError: the file cannot be read, or has no line.
    """
    empty = True
    for number, line in enumerate(read_utf8(path, MAX_BYTES).split("\n"), start=1):
        if line.strip():
            empty = False
            yield f"{path}, row {number}", line.strip()
    if empty:
        raise BenchmarkError(f"{path} is empty; expected one row a line")


def starts_with(path: Path, pattern: bytes) -> bool:
    """Return whether what a file holds starts with a pattern, after spaces.

    Raises:
        BenchmarkError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise BenchmarkError(f"{path} cannot be read: {error.strerror or error}") from error
    return re.match(rb"(?:\xef\xbb\xbf)?\s*(?:" + pattern + rb")", start) is not None


def write_json_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON Lines file, overwriting an existing one."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file with an indent of 4, overwriting an existing one."""
    path.write_text(json.dumps(value, indent=4) + "\n", encoding="utf-8")


def short(value: Any) -> str:
    """Return a value for a message, in one line of at most 60 characters."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a deep list
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:59] + "…"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {short(twice)} stands twice in one object")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


STRICT_JSON = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
"""Decoder that refuses keys that stand twice in one object, and `NaN` and `Infinity`."""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def read_utf8(path: Path, most: int, error: type[Exception] = BenchmarkError) -> str:
    """Return the text of a file in UTF-8, without a byte order mark.

    Args:
        path: the file.
        most: its greatest size in bytes.
        error: class of the error.

    Raises:
        Exception: `error`: the file cannot be read, is too large, or is not UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > most:
            raise error(f"{path} has {size:,} bytes; expected at most {most:,}")
        content = path.read_bytes()
    except OSError as problem:
        raise error(f"{path} cannot be read: {problem.strerror or problem}") from problem
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise error(f"{path}, line {line} is not UTF-8; save the file as UTF-8") from problem


def _json_lines(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, STRICT_JSON.decode(line)
        except json.JSONDecodeError as error:
            raise _not_json(f"{path}, row {number}", error) from error
        except (ValueError, RecursionError) as error:
            raise BenchmarkError(f"{path}, row {number} is not JSON: {_reason(error)}") from error


def _array(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the elements one by one, so that an error of syntax names the row."""
    position = _skip_space(text, text.index("[") + 1)
    number = 0
    if text[position : position + 1] == "]":
        return
    while True:
        number += 1
        place = f"{path}, row {number}"
        try:
            value, position = STRICT_JSON.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise _not_json(place, error) from error
        except (ValueError, RecursionError) as error:
            raise BenchmarkError(f"{place} is not JSON: {_reason(error)}") from error
        yield number, value
        position = _skip_space(text, position)
        after = text[position : position + 1]
        if after not in {",", "]"}:
            line = text.count("\n", 0, position) + 1
            raise BenchmarkError(f"{place} ends at line {line} without ',' or ']'")
        position = _skip_space(text, position + 1)
        if after == "]":
            break
    if position != len(text):
        raise BenchmarkError(f"{path} goes on after the array, behind row {number}")


def _skip_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _not_json(place: str, error: json.JSONDecodeError) -> BenchmarkError:
    return BenchmarkError(
        f"{place} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    )


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
