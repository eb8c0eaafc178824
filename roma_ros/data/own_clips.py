"""One's own clips: a folder, and a CSV or JSON file of labels, as annotated rows.

A label has the fields `file, kind, text, start, end, answer`, times in seconds or as `MM:SS`:

- kind `alert`: text is the event or the instruction; one label for each time that it happens, with
  start and end; none of the two if it does not happen in the clip.
- kind `narration`: text describes what happens from start to end.
- kind `question`: text is the question, asked at start (the end of the clip if that is empty).

Subtitles beside a clip (`clip.srt` or `clip.vtt`) are narrations too.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roma_ros.data.errors import DataError
from roma_ros.data.json_rows import read_rows
from roma_ros.data.labels import join_windows
from roma_ros.data.rows import AlertRow, CaptionSegment, NarrationRow, QuestionRow, Row, Turn
from roma_ros.data.skip_log import SkipLog
from roma_ros.data.subtitles import read_subtitles
from roma_ros.data.text import clean, read_text
from roma_ros.sources.media_info import media_files

__all__ = ["LABEL_FIELDS", "ClipLabel", "clip_rows", "read_labels", "write_labels"]

LABEL_FIELDS = ("file", "kind", "text", "start", "end", "answer")
KINDS = ("alert", "narration", "question")
MAX_SECONDS = 1_000_000
SUBTITLES = (".srt", ".vtt")
CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2}(?:\.\d{0,9})?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipLabel:
    """One label of a clip.

    Attributes:
        file: name of the clip in its folder.
        kind: alert, narration or question.
        text: event, sentence or question.
        start, end: times in seconds of the clip; `None` if not given.
        answer: answer to a question; empty otherwise.
        place: file and row, for messages.
    """

    file: str
    kind: str
    text: str
    start: float | None = None
    end: float | None = None
    answer: str = ""
    place: str = "label"

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any], place: str) -> ClipLabel:
        """Return the label of a row of a CSV or JSON file.

        Raises:
            DataError: a field is missing or wrong; the message names it.
        """
        kind = _text(fields, "kind", place).lower()
        if kind not in KINDS:
            raise DataError(f"{place}: kind is {kind!r:.60}; expected {', '.join(KINDS)}")
        label = cls(
            file=_text(fields, "file", place),
            kind=kind,
            text=_text(fields, "text", place),
            start=_seconds(fields, "start", place),
            end=_seconds(fields, "end", place),
            answer=_text(fields, "answer", place, required=kind == "question"),
            place=place,
        )
        label.check()
        return label

    def check(self) -> None:
        """Check that the times fit the kind.

        Raises:
            DataError: they do not.
        """
        if self.kind == "question":
            return
        if self.kind == "narration" and (self.start is None or self.end is None):
            raise DataError(f"{self.place}: start or end is empty; expected both for a narration")
        if (self.start is None) != (self.end is None):
            missing = "start" if self.start is None else "end"
            raise DataError(
                f"{self.place}: {missing} is empty; expected start and end, or neither if the "
                "event does not happen in this clip"
            )
        if self.start is not None and self.end is not None and self.end < self.start:
            raise DataError(
                f"{self.place}: end is {self.end:g}; expected a time after start, {self.start:g}"
            )


def read_labels(path: Path, log: SkipLog) -> Iterator[ClipLabel]:
    """Yield the labels of a CSV file, or of a JSON array or JSON Lines file.

    Args:
        path: the file; one whose name ends in `.csv` or `.tsv` is a table with a line of headings.
        log: count of the rows that are not used.

    Raises:
        DataError: the file cannot be read, has no such headings, or a row is wrong and the log is
            strict.
    """
    is_table = path.suffix.lower() in {".csv", ".tsv", ".txt"}
    for place, fields, fault in _table(path) if is_table else _json(path):
        try:
            if fault is not None:
                raise DataError(f"{place} {fault}")
            yield ClipLabel.from_fields(fields, place)
        except DataError as error:
            log.skip("invalid", error)


def write_labels(path: Path, labels: Iterable[ClipLabel]) -> int:
    """Write labels as a CSV file that a spreadsheet can open; return how many.

    Raises:
        OSError: the file cannot be written.
    """
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(LABEL_FIELDS)
        for label in labels:
            times = ["" if time is None else f"{time:g}" for time in (label.start, label.end)]
            table.writerow([label.file, label.kind, label.text, *times, label.answer])
            count += 1
    return count


def clip_rows(folder: Path, labels: Iterable[ClipLabel], log: SkipLog) -> list[Row]:
    """Return the rows of labelled clips, and of the subtitles beside clips.

    The labels of one alert in one clip make one row, and so do the narrations and the questions of
    a clip.

    Args:
        folder: folder of the clips.
        labels: the labels.
        log: count of the subtitles that cannot be read.

    Raises:
        DataError: subtitles cannot be read, and the log is strict; or the folder cannot be.
    """
    grouped: dict[tuple[str, str, str], list[ClipLabel]] = {}
    for label in labels:
        text = label.text if label.kind == "alert" else ""
        grouped.setdefault((label.file, label.kind, text), []).append(label)
    rows: list[Row] = []
    for number, ((file, kind, _), group) in enumerate(grouped.items()):
        name = f"{Path(file).stem}-{kind}-{number}"
        if kind == "alert":
            rows.append(_alert(name, group))
        elif kind == "narration":
            rows.append(_narration(name, group))
        else:
            rows.append(_questions(name, group))
    narrated = {row.video for row in rows if isinstance(row, NarrationRow)}
    try:
        clips = media_files(folder)
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror or error}") from error
    for clip in clips:
        paths = [clip.with_suffix(suffix) for suffix in SUBTITLES]
        beside = [path for path in paths if path.is_file()]
        if not beside or clip.name in narrated:
            continue
        try:
            segments = read_subtitles(beside[0])
        except DataError as error:
            log.skip("invalid", error)
            continue
        rows.append(
            NarrationRow(
                place=str(beside[0]),
                id=f"{clip.stem}-subtitles",
                video=clip.name,
                segments=segments,
            )
        )
    return rows


def _alert(name: str, group: Sequence[ClipLabel]) -> AlertRow:
    first = group[0]
    windows = [
        (label.start, label.end)
        for label in group
        if label.start is not None and label.end is not None
    ]
    return AlertRow(
        place=first.place,
        id=name,
        video=first.file,
        text=first.text,
        windows=join_windows(windows),
    )


def _narration(name: str, group: Sequence[ClipLabel]) -> NarrationRow:
    segments = [
        CaptionSegment(label.start, label.end, label.text)
        for label in group
        if label.start is not None and label.end is not None
    ]
    return NarrationRow(
        place=group[0].place, id=name, video=group[0].file, segments=tuple(segments)
    )


def _questions(name: str, group: Sequence[ClipLabel]) -> QuestionRow:
    turns = [Turn(label.start, label.text, label.answer) for label in group]
    return QuestionRow(place=group[0].place, id=name, video=group[0].file, turns=tuple(turns))


def _table(path: Path) -> Iterator[tuple[str, Mapping[str, Any], str | None]]:
    text = read_text(path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        headings = [heading.strip().lower() for heading in next(reader, [])]
        missing = [name for name in ("file", "kind", "text") if name not in headings]
        if missing:
            raise DataError(
                f"{path} has no column {' or '.join(missing)}; expected a first line of "
                f"{','.join(LABEL_FIELDS)}"
            )
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            place = f"{path}, line {reader.line_num}"
            fault = None
            if len(cells) > len(headings):
                fault = (
                    f"has {len(cells)} cells; expected {len(headings)}: put a text with a comma in "
                    "quotes"
                )
            yield place, dict(zip(headings, cells, strict=False)), fault
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num} is no CSV: {error}") from error


def _delimiter(text: str) -> str:
    """Return what separates the headings; spreadsheets of some languages write semicolons."""
    first = text.partition("\n")[0]
    return ";" if first.count(";") > first.count(",") else ","


def _json(path: Path) -> Iterator[tuple[str, Mapping[str, Any], str | None]]:
    for row in read_rows(path):
        place = f"{path}, row {row.number}"
        if row.fault is not None:
            yield place, {}, f"is not JSON: {row.fault}"
        elif not isinstance(row.value, dict):
            yield place, {}, f"is {str(row.value)[:60]!r}; expected an object"
        else:
            yield place, row.value, None


def _text(fields: Mapping[str, Any], name: str, place: str, *, required: bool = True) -> str:
    value = fields.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        found = "missing" if name not in fields else f"{value!r:.60}"
        raise DataError(f"{place}: {name} is {found}; expected text")
    text = clean(value)
    if required and not text:
        raise DataError(f"{place}: {name} is empty; expected text")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"{place}: {name} has half of a surrogate pair; expected text") from None
    return text


def _seconds(fields: Mapping[str, Any], name: str, place: str) -> float | None:
    value = fields.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    seconds = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value) if abs(value) <= MAX_SECONDS else math.inf
    elif isinstance(value, str):
        seconds = _clock(value.strip())
    if not 0 <= seconds <= MAX_SECONDS:
        raise DataError(f"{place}: {name} is {value!r:.60}; expected seconds, or MM:SS")
    return seconds


def _clock(text: str) -> float:
    """Return the seconds of a text such as `12.5`, `12,5` or `1:02:03.5`; NaN for another."""
    text = text.replace(",", ".")
    found = CLOCK.fullmatch(text)
    if found is not None:
        hours, minutes, seconds = found.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    try:
        return float(text)
    except ValueError:
        return math.nan
