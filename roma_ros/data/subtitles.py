"""Subtitles in SubRip (.srt) and WebVTT (.vtt) files."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

from roma_ros.data.errors import DataError
from roma_ros.data.rows import CaptionSegment
from roma_ros.data.text import clean, read_text

__all__ = ["read_subtitles"]

CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
TIMES = re.compile(rf"\s*{CLOCK}\s*-->\s*{CLOCK}(\s.*)?")
TAG = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}")


def read_subtitles(path: Path) -> tuple[CaptionSegment, ...]:
    """Read the cues of a file in the order of their times. Markup is left out.

    Raises:
        DataError: the file cannot be read, has no cue, or a cue ends before it begins.
    """
    segments = sorted(_cues(path, read_text(path).splitlines()), key=lambda cue: cue.start)
    if not segments:
        raise DataError(f"{path} has no cue; expected lines such as 00:00:01,000 --> 00:00:04,000")
    return tuple(segments)


def _cues(path: Path, lines: list[str]) -> Iterator[CaptionSegment]:
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if "-->" not in line:
            continue
        found = TIMES.fullmatch(line)
        if found is None:
            raise DataError(
                f"{path}, line {number} is {line.strip()[:60]!r}; expected times such as "
                "00:00:01,000 --> 00:00:04,000"
            )
        place = f"{path}, line {number}"
        start, end = _seconds(found.groups()[:4]), _seconds(found.groups()[4:8])
        if end <= start:
            raise DataError(f"{place} ends at {end:g} s; expected an end after {start:g} s")
        text = []
        while number < len(lines) and lines[number].strip():
            text.append(lines[number])
            number += 1
        words = clean(html.unescape(TAG.sub("", " ".join(text))))
        if words:
            yield CaptionSegment(start, end, words)


def _seconds(clock: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = clock
    assert minutes is not None
    assert seconds is not None
    assert fraction is not None
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return whole + int(fraction.ljust(3, "0")) / 1000
