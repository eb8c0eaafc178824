"""What the readers of public annotation files share: rows that fail alone, times, and texts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import Fields, read_json_object, read_json_rows
from roma_ros.benchmarks.text import plain_text
from roma_ros.data.errors import DataError
from roma_ros.data.rows import Row
from roma_ros.data.skip_log import SkipLog

__all__ = ["Parser", "clock_seconds", "json_rows", "keyed_rows", "parsed", "sentence"]

Parser: TypeAlias = Callable[[Fields, SkipLog], Iterable[Row]]
"""Function that makes the rows of one element of a file, and counts what it changes."""
CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2}(?:\.\d{0,9})?)")


def parsed(places: Iterable[Fields], parse: Parser, log: SkipLog) -> Iterator[Row]:
    """Yield the rows of elements; one that does not fit is skipped, named and counted.

    Raises:
        DataError: from some element on the file cannot be read, or an element does not fit and the
            log is strict.
    """
    try:
        for fields in places:
            try:
                rows = list(parse(fields, log))
            except BenchmarkError as error:
                log.skip("invalid", DataError(str(error)))
                continue
            yield from rows
    except BenchmarkError as error:
        raise DataError(str(error)) from error


def json_rows(paths: Sequence[Path], parse: Parser, log: SkipLog) -> Iterator[Row]:
    """Yield the rows of JSON arrays and JSON Lines files."""
    for path in paths:
        yield from parsed(read_json_rows(path), parse, log)


def keyed_rows(
    paths: Sequence[Path], parse: Parser, log: SkipLog, *, within: str | None = None
) -> Iterator[Row]:
    """Yield the rows of JSON objects whose keys are videos; the name is put in as `video`.

    Args:
        paths: the files.
        parse: parser of the object of one video.
        log: count of what is skipped.
        within: key of the object of the videos; `None`: the file is that object.
    """
    for path in paths:
        yield from parsed(_videos(path, within, log), parse, log)


def _videos(path: Path, within: str | None, log: SkipLog) -> Iterator[Fields]:
    file = read_json_object(path)
    for name, value in (file if within is None else file.object(within)).value.items():
        place = f"{path}, video {name[:60]!r}"
        if isinstance(value, dict):
            yield Fields({**value, "video": name}, place)
        else:
            log.skip("invalid", DataError(f"{place} is no object; expected one with its labels"))


def sentence(row: Fields, name: str) -> str:
    """Return a text without HTML and double spaces.

    Raises:
        BenchmarkError: it is missing, or empty.
    """
    text = plain_text(row.text(name))
    if not text:
        raise row.error(name, "text with a word in it")
    return text


def clock_seconds(row: Fields, name: str) -> float:
    """Return the seconds of a field such as 12.5, "12.5", "00:12" or "0:00:12.5".

    Raises:
        BenchmarkError: it is missing or something else.
    """
    value = row.value.get(name)
    if isinstance(value, str):
        found = CLOCK.fullmatch(value.strip())
        if found is not None:
            hours, minutes, seconds = found.groups()
            return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 <= number < 1e7:
            raise row.error(name, "seconds, or a time such as 00:01:30")
        return number
    return row.seconds(name)
