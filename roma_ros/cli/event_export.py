"""Export of events as subtitles, as a CSV table, or as JSON lines."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TextIO

from roma_ros.cli.errors import CommandError, UsageError
from roma_ros.cli.event_text import EventLine
from roma_ros.events import Alert, Answer, Narration
from roma_ros.journal import Header, Record, encode

__all__ = ["FORMATS", "export", "format_of"]

CUE_SECONDS = (2.0, 7.0)  # shortest and longest duration of a subtitle
READING_SPEED = 15.0  # characters per second
CSV_FIELDS = ("unit", "watch", "instruction", "text", "question", "p_speak", "threshold")
CSV_COLUMNS = (
    *("sequence", "event", "written", "stamp_ns", "seconds", "source", "source_seconds", "stream"),
    *CSV_FIELDS,
)


def format_of(path: Path) -> str:
    """Return the format of a file by its suffix.

    Raises:
        UsageError: there is no such format.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(f"--export is {path}; expected a name that ends in {', '.join(FORMATS)}")
    return suffix


def export(path: Path, lines: Iterable[Header | Record]) -> int:
    """Write events to a file; returns how many.

    Args:
        path: file to write; its suffix selects the format.
        lines: headers and events.

    Raises:
        UsageError: there is no such format.
        CommandError: the file cannot be written, or the events do not fit the format.
    """
    write = FORMATS[format_of(path)]
    try:
        with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
            return write(file, lines)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error


def _write_jsonl(file: TextIO, lines: Iterable[Header | Record]) -> int:
    number = 0
    for line in lines:
        file.write(encode(line).decode("utf-8"))
        number += isinstance(line, Record)
    return number


def _write_csv(file: TextIO, lines: Iterable[Header | Record]) -> int:
    table = csv.writer(file)
    table.writerow(CSV_COLUMNS)
    number = 0
    for line in lines:
        if isinstance(line, Record):
            event = line.event
            known: list[object] = [line.sequence or "", line.kind, _date(line.wall_ns)]
            known += [event.stamp, line.seconds, line.source, line.source_seconds, event.stream]
            table.writerow([*known, *(getattr(event, name, "") for name in CSV_FIELDS)])
            number += 1
    return number


def _date(wall_ns: int | None) -> str:
    if wall_ns is None:
        return ""
    return datetime.fromtimestamp(wall_ns / 1e9, timezone.utc).isoformat(timespec="milliseconds")


# --- subtitles ---


def _write_srt(file: TextIO, lines: Iterable[Header | Record]) -> int:
    cues = _cues(lines)
    for number, (begin, end, text) in enumerate(cues, start=1):
        file.write(f"{number}\n{_clock(begin, ',')} --> {_clock(end, ',')}\n{text}\n\n")
    return len(cues)


def _write_vtt(file: TextIO, lines: Iterable[Header | Record]) -> int:
    cues = _cues(lines)
    file.write("WEBVTT\n\n")
    for begin, end, text in cues:
        escaped = html.escape(text, quote=False)
        file.write(f"{_clock(begin, '.')} --> {_clock(end, '.')}\n{escaped}\n\n")
    return len(cues)


def _cues(lines: Iterable[Header | Record]) -> list[tuple[float, float, str]]:
    """Return begin (s), end (s) and text of each subtitle: alerts, narrations and answers."""
    spoken = [line for line in lines if isinstance(line, Record) and _is_spoken(line)]
    begins = _begins(spoken)
    cues = []
    for index, record in enumerate(spoken):
        line = EventLine.of(record.event, begins[index])
        assert line is not None
        text = f"[{line.kind.value} {line.watch}] {line.text}"
        shortest, longest = CUE_SECONDS
        end = begins[index] + min(max(shortest, len(text) / READING_SPEED), longest)
        later = [begin for begin in begins[index + 1 :] if begin > begins[index]]
        cues.append((begins[index], min([end, *later[:1]]), text))
    return cues


def _is_spoken(record: Record) -> bool:
    return isinstance(record.event, Alert | Narration | Answer)


def _begins(records: Sequence[Record]) -> list[float]:
    """Return each event's seconds of the source, or from the first event if streams differ."""
    streams = {record.event.stream for record in records}
    seconds = [record.seconds for record in records]
    known = [value for value in seconds if value is not None]
    if len(streams) <= 1 and len(known) == len(records) and known == sorted(known):
        return known
    first = records[0].event.stamp
    begins = [(record.event.stamp - first) / 1e9 for record in records]
    if begins != sorted(begins):
        raise CommandError(
            "the events' stamps go back, as those of several streams do; subtitles need rising "
            "times. Select one stream with --since and --until"
        )
    return begins


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"


FORMATS: dict[str, Callable[[TextIO, Iterable[Header | Record]], int]] = {
    ".srt": _write_srt,
    ".vtt": _write_vtt,
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
}
