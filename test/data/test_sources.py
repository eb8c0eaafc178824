"""Readers of public annotation files, on small invented ones and, where they lie, on real ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from roma_ros.cli.data import SETS
from roma_ros.data import (
    AlertRow,
    CaptionSegment,
    DataError,
    NarrationRow,
    QuestionRow,
    Row,
    SkipLog,
)
from roma_ros.data.rows import VideoPart
from roma_ros.data.sources import SOURCES

SHARED = Path(__file__).parents[3] / "shared" / "data"
INVENTED: dict[str, Any] = {
    "didemo": [
        {
            "annotation_id": 7,
            "description": "a  dog &amp; a cat",
            "video": "v.mov",
            "times": [[1, 2], [1, 2], [1, 1], [5, 5]],
            "num_segments": 6,
            "dl_link": "x",
        }
    ],
    "oops": {
        "v": {"t": [4.0, 5.0, -1], "rel_t": [0.4, 0.5, -1], "n_notfound": 1, "len": 6.5},
        "w": {"t": [-1, -1, 3.0], "rel_t": [-1, -1, 0.5], "n_notfound": 2, "len": 6.0},
    },
    "qvhighlights": [
        {
            "qid": 5,
            "query": "People cook.",
            "duration": 150,
            "vid": "a_b_60.0_210.0",
            "relevant_windows": [[10, 20], [20, 30], [40, 44]],
            "relevant_clip_ids": [5],
            "saliency_scores": [[1, 2, 3]],
        }
    ],
    "youcook2": {
        "database": {
            "v": {
                "duration": 30.5,
                "subset": "training",
                "recipe_type": "1",
                "video_url": "x",
                "annotations": [
                    {"id": 0, "segment": [3, 9], "sentence": "cut the <b>bread</b>"},
                    {"id": 1, "segment": [9, 9], "sentence": "nothing"},
                ],
            }
        }
    },
    "activitynet": {
        "v_x": {
            "duration": 20.0,
            "timestamps": [[0.5, 6.0], [19.0, 25.0], [8, 7]],
            "sentences": ["A man  runs. ", "He falls.", "Reversed."],
        }
    },
    "coin": {
        "database": {
            "v": {
                "class": "MakeTea",
                "duration": 40.0,
                "annotation": [{"id": "1", "segment": [2.0, 8.0], "label": "boil the water"}],
            }
        }
    },
    "internvid": [
        {
            "YoutubeID": "abc",
            "Start_timestamp": "00:00:07.240",
            "End_timestamp": "00:00:11.500",
            "Caption": "a man walks",
        }
    ],
    "cogstream": [
        {
            "video_name": "v",
            "data": [[{"Q": "What?", "A": "a cup", "T": [0, 12.5], "info": {}}], []],
        }
    ],
    "video_mme": [
        {
            "videoID": "abc",
            "question_id": "001-1",
            "question": "Who?",
            "options": ["A. A dog.", "B. B. King.", "C. none"],
            "answer": "B",
        }
    ],
}


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def rows_of(name: str, *paths: Path, log: SkipLog | None = None) -> list[Row]:
    return list(SOURCES[name](paths, log or SkipLog(strict=True)))


def test_the_command_line_names_every_source() -> None:
    assert list(SETS) == list(SOURCES)


def test_didemo_takes_the_window_that_agrees_best(tmp_path: Path) -> None:
    (row,) = rows_of("didemo", write(tmp_path / "a", INVENTED["didemo"]))
    assert isinstance(row, AlertRow)
    assert (row.id, row.video, row.text) == ("didemo-7", "v.mov", "a dog & a cat")
    assert row.windows == ((5, 15),)  # segments 1 and 2, both included


def test_oops_alerts_from_the_median_on(tmp_path: Path) -> None:
    failed, fine = rows_of("oops", write(tmp_path / "a", INVENTED["oops"]))
    assert isinstance(failed, AlertRow)
    assert failed.windows == ((4.5, 6.5),)
    assert isinstance(fine, AlertRow)
    assert fine.windows == ()


def test_charades_lines_are_read_and_bad_ones_named(tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_text(
        "AB12 1.5 4.0##a person opens a door.\n\nAB12 5 5##nothing\nbroken\nCD 1 inf##x\n"
    )
    log = SkipLog()
    (row,) = rows_of("charades_sta", path, log=log)
    assert isinstance(row, AlertRow)
    assert (row.video, row.windows) == ("AB12", ((1.5, 4.0),))
    assert log.skipped == {"invalid": 2, "no window": 1}
    with pytest.raises(DataError, match=r"row 3 ends at 5 s"):
        rows_of("charades_sta", path)


def test_qvhighlights_knows_where_its_clip_lies(tmp_path: Path) -> None:
    (row,) = rows_of("qvhighlights", write(tmp_path / "a", INVENTED["qvhighlights"]))
    assert isinstance(row, AlertRow)
    assert row.part == VideoPart("a_b", 60.0, 210.0)
    assert row.windows == ((10, 30), (40, 44))


def test_described_segments_are_read(tmp_path: Path) -> None:
    log = SkipLog()
    found = {}
    for name in ("youcook2", "activitynet", "coin"):
        (row,) = rows_of(name, write(tmp_path / name, INVENTED[name]), log=log)
        assert isinstance(row, NarrationRow)
        found[name] = row
    assert found["youcook2"].segments == (CaptionSegment(3, 9, "cut the bread"),)
    assert found["youcook2"].duration == 30.5
    assert found["activitynet"].segments == (
        CaptionSegment(0.5, 6.0, "A man runs."),
        CaptionSegment(19.0, 25.0, "He falls."),
    )
    assert found["coin"].segments == (CaptionSegment(2, 8, "boil the water"),)
    assert log.changed == {"segment that ends before it starts left out": 2}
    assert not log.skipped


def test_mmduetit_has_three_kinds_of_file(tmp_path: Path) -> None:
    narrations = write(
        tmp_path / "n", {"v.mp4": {"x": [{"text": "One.", "time": 3, "timespan": [1, 4]}]}}
    )
    (narrated,) = rows_of("mmduetit", narrations)
    assert isinstance(narrated, NarrationRow)
    assert (narrated.video, narrated.segments) == ("v.mp4", (CaptionSegment(1, 4, "One."),))
    events = [{"video_uid": "v", "query": "rain", "timestamps": [[4, 6], [5, 8]]}]
    (event,) = rows_of("mmduetit", write(tmp_path / "e", events))
    assert isinstance(event, AlertRow)
    assert event.windows == ((4.0, 8.0),)
    talk = [
        {"role": "user", "content": "What does he do?", "time": 2},
        {"role": "assistant", "content": "He sits.", "time": 5, "timespan": [3, 6]},
        {"role": "assistant", "content": "He stands.", "time": 9, "timespan": [7, 10]},
        {"role": "user", "content": "What colour?", "time": 12},
        {"role": "assistant", "content": "Red.", "time": 12.5},
    ]
    dialogues = tmp_path / "d.jsonl"
    dialogues.write_text(json.dumps({"video_uid": "v", "conversation": talk}) + "\n")
    told, asked = rows_of("mmduetit", dialogues)
    assert isinstance(told, NarrationRow)
    assert told.whole
    assert (told.time, told.instruction) == (2, "What does he do?")
    assert [segment.end for segment in told.segments] == [5, 9]
    assert isinstance(asked, QuestionRow)
    assert asked.turns[0].answer == "Red."


def test_streamo_states_become_what_is_said_when(tmp_path: Path) -> None:
    annotation = {
        "video_name": "v.mp4",
        "question": [{"content": "What happens?", "time": "2"}],
        "response": [
            {"content": "He sits.", "st_time": 3.0, "end_time": 5.0, "time": ""},
            {"content": "He stands.", "st_time": "", "end_time": "", "time": "9"},
        ],
    }
    (row,) = rows_of("streamo", write(tmp_path / "a", [annotation]))
    assert isinstance(row, NarrationRow)
    assert row.segments == (CaptionSegment(3, 5, "He sits."), CaptionSegment(8, 9, "He stands."))
    states = ["</Silence>", "</Standby>", "</Standby>", "</Response> He sits.", "</Silence>"]
    messages: list[dict[str, str]] = [{"role": "system", "content": "Watch."}]
    for second, state in enumerate(states):
        question = "What does he do? " if second == 0 else ""
        messages += [
            {"role": "user", "content": f"{question}<{second}s-{second + 1}s>\n<stream>"},
            {"role": "assistant", "content": state},
        ]
    dialogue = {"messages": messages, "videos": ["v.mp4"]}
    (row,) = rows_of("streamo", write(tmp_path / "d", [dialogue]))
    assert isinstance(row, NarrationRow)
    assert row.segments == (CaptionSegment(1, 4, "He sits."),)
    assert (row.time, row.instruction) == (1, "What does he do?")
    messages[2]["content"] = "hello"
    with pytest.raises(DataError, match=r"row 1: messages\[2\]\.content is 'hello'; expected"):
        rows_of("streamo", write(tmp_path / "d", [dialogue]))


def test_questions_keep_their_options_without_letters(tmp_path: Path) -> None:
    (row,) = rows_of("video_mme", write(tmp_path / "m", INVENTED["video_mme"]))
    assert isinstance(row, QuestionRow)
    assert row.turns[0].options == ("A dog.", "B. King.", "none")
    assert (row.turns[0].answer, row.turns[0].time) == ("B. King.", None)
    question = {"q_uid": "u", "question": "Why?", **{f"option {n}": f"o{n}" for n in range(5)}}
    questions = write(tmp_path / "q", [question])
    answers = write(tmp_path / "a", {"u": 3, "other": 0})
    for paths in ((questions, answers), (answers, questions)):
        (row,) = rows_of("egoschema", *paths)
        assert isinstance(row, QuestionRow)
        assert row.turns[0].answer == "o3"
    with pytest.raises(DataError, match="q_uid 'u' is in no file of answers"):
        rows_of("egoschema", questions)


def test_clips_of_a_video_are_asked_about_at_their_end(tmp_path: Path) -> None:
    (row,) = rows_of("internvid", write(tmp_path / "i", INVENTED["internvid"]))
    assert isinstance(row, QuestionRow)
    assert row.part == VideoPart("abc", 7.24, 11.5)
    assert (row.turns[0].time, row.turns[0].answer) == (None, "a man walks")
    (row,) = rows_of("cogstream", write(tmp_path / "c", INVENTED["cogstream"]))
    assert isinstance(row, QuestionRow)
    assert (row.turns[0].time, row.turns[0].answer) == (12.5, "a cup")


def test_an_answer_that_is_no_letter_is_refused_alone(tmp_path: Path) -> None:
    good = INVENTED["video_mme"][0]
    bad = [{**good, "answer": answer} for answer in (None, "D", "", 2)]
    log = SkipLog()
    assert len(rows_of("video_mme", write(tmp_path / "m", [*bad, good]), log=log)) == 1
    assert log.skipped == {"invalid": 4}
    with pytest.raises(DataError, match="row 2: answer is 'D'; expected a letter from A to C"):
        rows_of("video_mme", write(tmp_path / "m", [good, bad[1]]))


def mutations(text: bytes, random: Random) -> Iterator[bytes]:
    while True:
        data = bytearray(text)
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(data))
            choice = random.randrange(4)
            if choice == 0:
                data[at] = random.randrange(256)
            elif choice == 1:
                del data[at : at + random.randint(1, 30)]
            elif choice == 2:
                data[at:at] = random.choice((b'"', b"-", b"null", b"1e999", b"[", b"9" * 30))
            else:
                value = random.choice((b"null", b"-5", b'""', b"[]", b"{}", b"true", b'"x"'))
                colon = data.find(b": ", at)
                comma = data.find(b",", colon)
                if 0 <= colon < comma:
                    data[colon + 2 : comma] = value
        yield bytes(data)


@pytest.mark.parametrize("name", INVENTED)
def test_damaged_files_give_a_message_with_the_row(name: str, tmp_path: Path) -> None:
    """112 files of each of nine sets."""
    path = tmp_path / "a"
    text = json.dumps(INVENTED[name]).encode()
    refused = 0
    for number, data in enumerate(mutations(text, Random(name))):
        if number == 112:
            break
        path.write_bytes(data)
        log = SkipLog()
        try:
            list(SOURCES[name]([path], log))
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
        refused += bool(log.skipped)
    assert refused > 40


REAL = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data: real annotations")


@REAL
@pytest.mark.parametrize(
    ("name", "files", "count"),
    [
        ("didemo", ["didemo_val_first600.json"], 600),
        ("qvhighlights", ["qvhighlights_val.jsonl"], 1550),
        ("ovo_bench", ["ovo_bench.json"], 1640),
        ("streamingbench", ["streamingbench_proactive_50.json"], 51),
        (
            "streamingbench",
            [
                "streamingbench_sqa_stream.json",
                "streamingbench_real_stream_first60.json",
                "streamingbench_omni_stream_first60.json",
            ],
            250 + 301 + 300,
        ),
    ],
)
def test_every_row_of_the_real_files_is_read(name: str, files: list[str], count: int) -> None:
    rows = rows_of(name, *(SHARED / file for file in files))
    read = sum(len(row.turns) if isinstance(row, QuestionRow) else 1 for row in rows)
    assert read == count
    if not (name == "streamingbench" and count > 51):
        assert len({row.id for row in rows}) == len(rows)


@REAL
def test_the_real_didemo_windows_lie_within_the_annotators() -> None:
    values = json.loads((SHARED / "didemo_val_first600.json").read_text())
    rows = rows_of("didemo", SHARED / "didemo_val_first600.json")
    for value, row in zip(values, rows, strict=True):
        assert isinstance(row, AlertRow)
        ((start, end),) = row.windows
        assert [start / 5, end / 5 - 1] in value["times"]
