"""Readers of data sets of events with their times: DiDeMo, Charades-STA, OOPS, QVHighlights."""

from __future__ import annotations

import re
import statistics
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import Fields, read_lines
from roma_ros.benchmarks.qvhighlights import read_moments
from roma_ros.benchmarks.text import plain_text
from roma_ros.data.annotation_files import json_rows, keyed_rows, sentence
from roma_ros.data.errors import DataError
from roma_ros.data.labels import join_windows
from roma_ros.data.rows import AlertRow, Row, VideoPart
from roma_ros.data.skip_log import SkipLog

__all__ = ["read_charades_sta", "read_didemo", "read_oops", "read_qvhighlights"]

DIDEMO_SECONDS = 5  # length of a segment
CHARADES = re.compile(r"(\S+)\s+(\S+)\s+(\S+?)##(.+)")
OOPS_SECONDS = 3.0  # from the moment at which an action fails
OOPS_EVENTS = (
    "something goes wrong",
    "someone has an accident",
    "someone fails at what they are trying to do",
    "a mishap happens",
    "an action goes wrong by accident",
)


def read_didemo(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of DiDeMo; the window is the one that agrees best with all annotators'."""
    yield from json_rows(paths, _didemo, log)


def _didemo(row: Fields, _: SkipLog) -> Iterable[Row]:
    marks = [_segments(row, index, value) for index, value in enumerate(row.list("times"))]
    if not marks:
        raise row.error("times", "[first, last] of at least one annotator")
    first, last = max(marks, key=lambda mark: sum(_overlap(mark, other) for other in marks))
    yield AlertRow(
        place=row.place,
        id=f"didemo-{row.identifier('annotation_id')}",
        video=row.text("video"),
        text=sentence(row, "description"),
        windows=((first * DIDEMO_SECONDS, (last + 1) * DIDEMO_SECONDS),),
    )


def _segments(row: Fields, index: int, value: object) -> tuple[int, int]:
    """Return the [first, last] of an annotator: segments of five seconds, from 0, both included."""
    pair = Fields({"times": value}, row.place, f"times[{index}]").wholes("times")
    if len(pair) != 2 or pair[0] > pair[1]:
        raise BenchmarkError(
            f"{row.place}: times[{index}] is {list(pair)}; expected [first, last] in segments"
        )
    return pair[0], pair[1]


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    shared = min(one[1], other[1]) - max(one[0], other[0]) + 1
    return max(shared, 0) / (max(one[1], other[1]) - min(one[0], other[0]) + 1)


def read_charades_sta(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of Charades-STA: lines of `VIDEO START END##sentence`."""
    for path in paths:
        number = 0
        try:
            for place, line in read_lines(path):
                number += 1
                row = _charades_sta(place, line, f"charades-{path.stem}-{number}", log)
                if row is not None:
                    yield row
        except BenchmarkError as error:
            raise DataError(str(error)) from error


def _charades_sta(place: str, line: str, name: str, log: SkipLog) -> AlertRow | None:
    found = CHARADES.fullmatch(line)
    times = (_number(found[2]), _number(found[3])) if found else (None, None)
    text = plain_text(found[4]) if found else ""
    start, end = times
    if found is None or start is None or end is None or not text:
        log.skip(
            "invalid",
            DataError(f"{place} is {line[:60]!r}; expected VIDEO START END##sentence"),
        )
        return None
    if end <= start:
        log.skip(
            "no window", DataError(f"{place} ends at {end:g} s; expected an end after {start:g} s")
        )
        return None
    return AlertRow(place=place, id=name, video=found[1], text=text, windows=((start, end),))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e7 else None


def read_oops(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of OOPS: three seconds from the median of the annotated moments on.

    A video in which most annotators found no failure is one without the event.
    """
    yield from keyed_rows(paths, _oops, log)


def _oops(row: Fields, _: SkipLog) -> Iterable[Row]:
    length = row.seconds("len")
    marks = row.numbers("t")
    if not marks:
        raise row.error("t", "the times of at least one annotator, -1 where none was found")
    found = sorted(mark for mark in marks if 0 <= mark <= length)
    moment = statistics.median(found) if found else 0.0
    failed = 2 * len(found) > len(marks)
    name = row.text("video")
    text = OOPS_EVENTS[zlib.crc32(name.encode()) % len(OOPS_EVENTS)]
    yield AlertRow(
        place=row.place,
        id=f"oops-{name}",
        video=name,
        duration=length,
        text=text,
        windows=((moment, min(moment + OOPS_SECONDS, length)),) if failed else (),
    )


def read_qvhighlights(paths: Sequence[Path], _: SkipLog) -> Iterator[Row]:
    """Yield the rows of QVHighlights; a video may be the clip, or the whole one of YouTube."""
    for path in paths:
        try:
            moments = read_moments(path)
        except BenchmarkError as error:
            raise DataError(str(error)) from error
        for qid, moment in moments.items():
            try:
                part = VideoPart(*moment.span)
            except BenchmarkError:
                part = None
            yield AlertRow(
                place=f"{path}, qid {qid}",
                id=f"qvhighlights-{qid}",
                video=moment.vid,
                part=part,
                duration=moment.duration,
                text=moment.query,
                windows=join_windows(moment.windows),
            )
