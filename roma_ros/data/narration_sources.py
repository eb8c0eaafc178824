"""Readers of data sets of described segments: YouCook2, ActivityNet, COIN, MMDuetIT, Streamo."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import Fields, read_json_object
from roma_ros.benchmarks.text import plain_text
from roma_ros.data.annotation_files import clock_seconds, json_rows, keyed_rows, sentence
from roma_ros.data.errors import DataError
from roma_ros.data.labels import join_windows
from roma_ros.data.rows import AlertRow, CaptionSegment, NarrationRow, QuestionRow, Row, Turn
from roma_ros.data.skip_log import SkipLog

__all__ = ["read_activitynet", "read_coin", "read_mmduetit", "read_streamo", "read_youcook2"]

SPAN = re.compile(r"<\s*(\d{1,7}(?:\.\d*)?)\s*s\s*-\s*(\d{1,7}(?:\.\d*)?)\s*s\s*>")
MARKS = re.compile(r"<\s*/?\s*(?:stream|video|image|audio)\s*>", re.IGNORECASE)
STATE = re.compile(r"\s*<\s*/?\s*(silence|standby|response)\s*>\s*", re.IGNORECASE)


def read_youcook2(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of YouCook2, one a video."""
    yield from keyed_rows(paths, _youcook2, log, within="database")


def _youcook2(row: Fields, log: SkipLog) -> Iterable[Row]:
    segments = [
        (each, "segment", sentence(each, "sentence")) for each in row.objects("annotations")
    ]
    yield _narration(row, "youcook2", segments, log)


def read_coin(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of COIN, one a video."""
    yield from keyed_rows(paths, _coin, log, within="database")


def _coin(row: Fields, log: SkipLog) -> Iterable[Row]:
    segments = [(each, "segment", sentence(each, "label")) for each in row.objects("annotation")]
    yield _narration(row, "coin", segments, log)


def read_activitynet(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of ActivityNet Captions, one a video."""
    yield from keyed_rows(paths, _activitynet, log)


def _activitynet(row: Fields, log: SkipLog) -> Iterable[Row]:
    times, sentences = row.list("timestamps"), row.texts("sentences")
    if len(times) != len(sentences):
        raise row.error("timestamps", f"{len(sentences)} pairs, as many as sentences has")
    segments = [
        (Fields({"timestamps": pair}, row.place, f"[{index}]"), "timestamps", plain_text(text))
        for index, (pair, text) in enumerate(zip(times, sentences, strict=True))
    ]
    yield _narration(row, "activitynet", segments, log)


def _narration(
    row: Fields, source: str, segments: Sequence[tuple[Fields, str, str]], log: SkipLog
) -> NarrationRow:
    """Return the row of a video.

    Args:
        row: object of the video.
        source: prefix of the id.
        segments: object and field with [start, end], and the sentence.
        log: count of segments without a length or a text, which are left out.
    """
    found = []
    for fields, name, text in segments:
        start, end = _pair(fields, name)
        if end <= start:
            log.change("segment that ends before it starts left out")
        elif not text:
            log.change("segment without a text left out")
        else:
            found.append(CaptionSegment(start, end, text))
    if not found:
        raise BenchmarkError(f"{row.place} has no segment with a length and a text")
    video = row.text("video")
    return NarrationRow(
        place=row.place,
        id=f"{source}-{video}",
        video=video,
        duration=row.seconds("duration") if "duration" in row else None,
        segments=tuple(found),
    )


def _pair(fields: Fields, name: str) -> tuple[float, float]:
    """Return [start, end] in seconds, in either order: some files have a few reversed ones."""
    times = fields.times(name)
    if len(times) != 2:
        raise fields.error(name, "[start, end] in seconds")
    return times[0], times[1]


def read_mmduetit(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of MMDuetIT's files: narrations, events with their times, and dialogues."""
    for path in paths:
        if _is_object(path):
            yield from keyed_rows([path], _mmduet_narrations, log)
        else:
            yield from json_rows([path], _mmduet_row, log)


def _is_object(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" and _is_one(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def _is_one(path: Path) -> bool:
    """Return whether a file is one object whose keys are videos, not a row on each line."""
    try:
        return "video_uid" not in read_json_object(path)
    except BenchmarkError:
        return False


def _mmduet_narrations(row: Fields, log: SkipLog) -> Iterable[Row]:
    video = row.text("video")
    for name in row.value:
        if name == "video":
            continue
        segments = [(each, "timespan", plain_text(each.text("text"))) for each in row.objects(name)]
        narrated = Fields({"video": video}, f"{row.place}, {name[:40]}")
        yield _narration(narrated, f"mmduetit-{name}", segments, log)


def _mmduet_row(row: Fields, _: SkipLog) -> Iterable[Row]:
    video = row.text("video_uid")
    if "query" in row:
        windows = [window for window in row.intervals("timestamps") if window[1] > window[0]]
        if not windows:
            raise row.error("timestamps", "at least one window with a length")
        yield AlertRow(
            place=row.place,
            id=f"mmduetit-{video}",
            video=video,
            text=sentence(row, "query"),
            windows=join_windows(windows),
        )
        return
    asked: list[tuple[float, str, list[CaptionSegment]]] = []
    for turn in row.objects("conversation"):
        text, time = plain_text(turn.text("content")), turn.seconds("time")
        if turn.text("role") == "user":
            asked.append((time, text, []))
        elif not asked:
            raise turn.error("role", "a user's turn first")
        elif text:
            start = _pair(turn, "timespan")[0] if "timespan" in turn else time
            asked[-1][2].append(CaptionSegment(min(start, time), time, text))
    yield from _exchanges(row.place, f"mmduetit-{video}", video, asked)


def _exchanges(
    place: str, name: str, video: str, asked: Sequence[tuple[float, str, list[CaptionSegment]]]
) -> Iterator[Row]:
    """Yield a row for each question or instruction; one that is answered at once is a question.

    Raises:
        BenchmarkError: a question has no text, or none is answered.
    """
    count = 0
    for number, (time, text, said) in enumerate(asked, start=1):
        if not said:
            continue
        if not text:
            raise BenchmarkError(f"{place}: question {number} is empty; expected text")
        count += 1
        if len(said) == 1 and said[0].end <= time + 1:
            turns = (Turn(time, text, said[0].text),)
            yield QuestionRow(place=place, id=f"{name}-{number}", video=video, turns=turns)
        else:
            yield NarrationRow(
                place=place,
                id=f"{name}-{number}",
                video=video,
                segments=tuple(said),
                instruction=text,
                time=time,
                whole=True,
            )
    if not count:
        raise BenchmarkError(f"{place} has no question with an answer")


def read_streamo(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of Streamo's files: annotations, or dialogues with a state each second."""
    yield from json_rows(paths, _streamo, log)


def _streamo(row: Fields, _: SkipLog) -> Iterable[Row]:
    if "messages" in row:
        return _streamo_dialogue(row)
    return _streamo_annotation(row)


def _streamo_annotation(row: Fields) -> Iterable[Row]:
    video = row.text("video_name")
    asked = [
        (clock_seconds(each, "time"), sentence(each, "content"), list[CaptionSegment]())
        for each in row.objects("question")
    ]
    asked.sort(key=lambda question: question[0])
    if not asked:
        raise row.error("question", "at least one question")
    for each in row.objects("response"):
        text = sentence(each, "content")
        if each.value.get("time") not in (None, ""):
            end = clock_seconds(each, "time")
            start = end - 1
        else:
            start, end = clock_seconds(each, "st_time"), clock_seconds(each, "end_time")
        if end < start:
            raise each.error("end_time", f"a time after st_time, {start:g}")
        before = [question for question in asked if question[0] <= max(end, 1)]
        (before[-1] if before else asked[0])[2].append(CaptionSegment(max(start, 0), end, text))
    yield from _exchanges(row.place, f"streamo-{Path(video).stem}", video, asked)


def _streamo_dialogue(row: Fields) -> Iterable[Row]:
    videos: Any = row.value.get("videos")
    if "video_name" in row:
        video = row.text("video_name")
    elif isinstance(videos, list) and len(videos) == 1 and isinstance(videos[0], str):
        video = videos[0]
    else:
        raise row.error("video_name", "the name of the video, or one path in videos")
    asked: list[tuple[float, str, list[CaptionSegment]]] = []
    begin, end = 0.0, 0.0
    waiting: float | None = None
    for number, turn in enumerate(row.objects("messages")):
        role, content = turn.text("role"), turn.text("content")
        if role == "system":
            continue
        if role == "user":
            found = SPAN.search(content)
            begin, end = (float(found[1]), float(found[2])) if found else (end, end + 1)
            if end <= begin:
                raise turn.error("content", "a span such as <4s-5s> that ends after it begins")
            question = plain_text(MARKS.sub(" ", SPAN.sub(" ", content)))
            if question:
                asked.append((end if number else begin, question, []))
            continue
        state = STATE.match(content)
        if role != "assistant" or state is None:
            raise turn.error("content", "</Silence>, </Standby>, or </Response> and a sentence")
        name, text = state[1].lower(), plain_text(content[state.end() :])
        if name == "response":
            if not asked:
                raise turn.error("content", "a response after a question")
            if not text:
                raise turn.error("content", "a sentence after </Response>")
            asked[-1][2].append(CaptionSegment(begin if waiting is None else waiting, end, text))
        waiting = (begin if waiting is None else waiting) if name == "standby" else None
    yield from _exchanges(row.place, f"streamo-{Path(video).stem}", video, asked)
