"""Readers of data sets of questions: InternVid, CogStream, and multiple-choice benchmarks."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import Fields, read_json_object, read_json_rows
from roma_ros.benchmarks.ovo_format import OvoClue, OvoCounting, OvoQuestion, read_tasks
from roma_ros.benchmarks.text import option_texts, read_letter
from roma_ros.data.annotation_files import clock_seconds, json_rows, parsed, sentence
from roma_ros.data.errors import DataError
from roma_ros.data.labels import join_windows, letter_of
from roma_ros.data.rows import (
    AlertRow,
    CaptionSegment,
    NarrationRow,
    QuestionRow,
    Row,
    Turn,
    VideoPart,
)
from roma_ros.data.skip_log import SkipLog

__all__ = [
    "read_cogstream",
    "read_egoschema",
    "read_internvid",
    "read_ovo_bench",
    "read_streamingbench",
    "read_video_mme",
]

CAPTION_QUESTIONS = (
    "What happens in this video?",
    "Describe the video in a sentence.",
    "What have you just seen?",
    "What is shown here?",
    "Tell me what is going on.",
)
CHOICES = range(2, 27)  # options of a question


def read_internvid(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of InternVid; a clip may be at hand by itself, or in the YouTube video."""
    yield from json_rows(paths, _internvid, log)


def _internvid(row: Fields, _: SkipLog) -> Iterable[Row]:
    video = row.text("YoutubeID")
    start, end = clock_seconds(row, "Start_timestamp"), clock_seconds(row, "End_timestamp")
    if end <= start:
        raise row.error("End_timestamp", f"a time after Start_timestamp, {start:g} s")
    caption = sentence(row, "Caption")
    name = f"{video}_{row.value['Start_timestamp']}_{row.value['End_timestamp']}"
    question = CAPTION_QUESTIONS[zlib.crc32(name.encode()) % len(CAPTION_QUESTIONS)]
    yield QuestionRow(
        place=row.place,
        id=f"internvid-{name}",
        video=name,
        part=VideoPart(video, start, end),
        duration=end - start,
        turns=(Turn(None, question, caption),),
    )


def read_cogstream(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of CogStream: each dialogue of a video, in the order of its questions."""
    yield from json_rows(paths, _cogstream, log)


def _cogstream(row: Fields, _: SkipLog) -> Iterable[Row]:
    video = row.text("video_name")
    for number, dialogue in enumerate(row.list("data"), start=1):
        if not isinstance(dialogue, list):
            raise row.error("data", "a list of dialogues, each a list of questions")
        turns = []
        for index, value in enumerate(dialogue):
            turn = Fields(value, row.place, f"data[{number - 1}][{index}]")
            times = turn.list("T")
            if not times:
                raise turn.error("T", "[start, end] of what the question is about")
            last = Fields({"T": times[-1]}, row.place, f"data[{number - 1}][{index}].T[-1]")
            turns.append(Turn(clock_seconds(last, "T"), sentence(turn, "Q"), sentence(turn, "A")))
        if turns:
            yield QuestionRow(
                place=row.place,
                id=f"cogstream-{video}-{number}",
                video=video,
                turns=tuple(turns),
            )


def read_streamingbench(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of StreamingBench: questions of a video, and outputs to give on a cue.

    Consecutive questions of a video make one row, as some refer to earlier ones.
    """
    yield from json_rows(paths, _streamingbench, log)


def _streamingbench(row: Fields, _: SkipLog) -> Iterable[Row]:
    video = row.text("video_path")
    name = f"streamingbench-{Path(video).stem}"
    turns = []
    number = 0
    for number, question in enumerate(row.objects("questions"), start=1):
        time, text = clock_seconds(question, "time_stamp"), sentence(question, "question")
        if "ground_truth_output" not in question:
            options = question.texts("options")
            turns.append(_choice(question, time, text, options, question.value.get("answer")))
            continue
        cue = clock_seconds(question, "ground_truth_time_stamp")
        if cue < time:
            raise question.error("ground_truth_time_stamp", f"a time after time_stamp, {time:g} s")
        yield NarrationRow(
            place=row.place,
            id=f"{name}-{number}",
            video=video,
            segments=(CaptionSegment(cue, cue + 1, sentence(question, "ground_truth_output")),),
            instruction=text,
            time=time,
            whole=True,
        )
    if turns:
        task = row.value["questions"][0].get("task_type", "")
        kind = zlib.crc32(str(task).encode()) % 1000
        yield QuestionRow(place=row.place, id=f"{name}-{kind}", video=video, turns=tuple(turns))
    if not number:
        raise row.error("questions", "at least one question")


def _choice(
    row: Fields, time: float | None, question: str, options: Sequence[str], answer: object
) -> Turn:
    """Return a multiple-choice question.

    Raises:
        BenchmarkError: there are no options, or the answer is not the letter of one.
    """
    texts = option_texts(options)
    if len(texts) not in CHOICES:
        raise row.error("options", f"{CHOICES.start} to {CHOICES.stop - 1} options")
    letter = read_letter(answer, len(texts)) if isinstance(answer, str) else None
    if letter is None:
        raise row.error("answer", f"a letter from A to {letter_of(len(texts) - 1)}")
    right = ord(letter) - ord("A")
    return Turn(time, question, texts[right], texts, right)


def read_ovo_bench(paths: Sequence[Path], _: SkipLog) -> Iterator[Row]:
    """Yield the rows of OVO-Bench: questions, events that recur, steps, and clues to wait for."""
    for path in paths:
        try:
            tasks = read_tasks(path)
        except BenchmarkError as error:
            raise DataError(str(error)) from error
        for name, task in tasks.items():
            place, identifier = f"{path}, id {name}", f"ovo-{name}"
            if isinstance(task, OvoQuestion):
                options = option_texts(task.options)
                turn = Turn(task.realtime, task.question, options[task.right], options, task.right)
                yield QuestionRow(place=place, id=identifier, video=task.video, turns=(turn,))
            elif isinstance(task, OvoCounting):
                yield AlertRow(
                    place=place,
                    id=identifier,
                    video=task.video,
                    text=task.activity,
                    windows=join_windows(task.windows),
                )
            elif isinstance(task, OvoClue):
                yield NarrationRow(
                    place=place,
                    id=identifier,
                    video=task.video,
                    segments=(CaptionSegment(task.clue_time, task.clue_time + 1, task.answer),),
                    instruction=task.question,
                    time=task.ask_time,
                    whole=True,
                )
            else:
                segments = [
                    CaptionSegment(*window, step)
                    for step, window in zip(task.steps, task.windows, strict=True)
                ]
                yield NarrationRow(
                    place=place, id=identifier, video=task.video, segments=tuple(segments)
                )


def read_video_mme(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of Video-MME: questions at the end of the video."""
    yield from json_rows(paths, _video_mme, log)


def _video_mme(row: Fields, _: SkipLog) -> Iterable[Row]:
    video = row.text("videoID")
    turn = _choice(
        row, None, sentence(row, "question"), row.texts("options"), row.value.get("answer")
    )
    name = row.identifier("question_id")
    yield QuestionRow(place=row.place, id=f"video-mme-{name}", video=video, turns=(turn,))


def read_egoschema(paths: Sequence[Path], log: SkipLog) -> Iterator[Row]:
    """Yield the rows of EgoSchema: a file of questions, and one of answers, in any order."""
    answers: dict[str, int] = {}
    questions = []
    for path in paths:
        try:
            found = read_json_object(path)
            answers |= {name: found.whole(name, 0, 4) for name in found.value}
        except BenchmarkError as error:
            if "is [" not in str(error) and "expected an object" not in str(error):
                raise DataError(str(error)) from error
            questions.append(path)

    def parse(row: Fields, _: SkipLog) -> Iterable[Row]:
        name = row.identifier("q_uid")
        options = tuple(sentence(row, f"option {index}") for index in range(5))
        right = row.whole("answer", 0, 4) if "answer" in row else answers.get(name)
        if right is None:
            raise BenchmarkError(f"{row.place}: q_uid {name!r} is in no file of answers")
        turn = Turn(None, sentence(row, "question"), options[right], options, right)
        yield QuestionRow(place=row.place, id=f"egoschema-{name}", video=name, turns=(turn,))

    for path in questions:
        yield from parsed(read_json_rows(path), parse, log)
