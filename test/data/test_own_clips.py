"""Labels of one's own clips: CSV, JSON, subtitles, and labels from the events of a run."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from roma_ros.data import (
    AlertRow,
    CaptionSegment,
    ClipLabel,
    DataError,
    NarrationRow,
    QuestionRow,
    SkipLog,
    clip_rows,
    read_labels,
    write_labels,
)
from roma_ros.data.event_labels import labels_of_events
from roma_ros.data.subtitles import read_subtitles
from roma_ros.events import Alert, Answer, Event, Narration, SpeakProbability

TABLE = """\
file,kind,text,start,end,answer
a.mp4,alert,the doorbell rings,3,4.5,
a.mp4,alert,the doorbell rings,0:09,10,
b.mp4,alert,the doorbell rings,,,
a.mp4,narration,"A man, in red, opens the door.",0,"2,5",
a.mp4,question,Who is it?,5,,the postman
"""


def test_a_table_of_labels_makes_a_row_for_each_thing_to_learn(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(TABLE)
    log = SkipLog(strict=True)
    alert, absent, narration, question = clip_rows(tmp_path, read_labels(path, log), log)
    assert isinstance(alert, AlertRow)
    assert (alert.text, alert.windows) == ("the doorbell rings", ((3, 4.5), (9, 10)))
    assert isinstance(absent, AlertRow)
    assert absent.windows == ()
    assert isinstance(narration, NarrationRow)
    assert narration.segments == (CaptionSegment(0, 2.5, "A man, in red, opens the door."),)
    assert isinstance(question, QuestionRow)
    assert (question.turns[0].time, question.turns[0].answer) == (5, "the postman")
    assert len({row.id for row in (alert, absent, narration, question)}) == 4


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl", "; .csv"])
def test_every_form_of_the_file_says_the_same(tmp_path: Path, suffix: str) -> None:
    plain = tmp_path / "plain.csv"
    plain.write_text(TABLE)
    labels = list(read_labels(plain, SkipLog(strict=True)))
    path = tmp_path / f"x{suffix.strip('; ')}"
    values = [
        {name: getattr(label, name) for name in ("file", "kind", "text", "start", "end", "answer")}
        for label in labels
    ]
    if suffix == ".json":
        path.write_text(json.dumps(values))
    elif suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, values)))
    else:
        write_labels(path, labels)
        text = path.read_text()
        if suffix != ".csv":
            rows = [[str(v) if v is not None else "" for v in value.values()] for value in values]
            mark = "\t" if suffix == ".tsv" else ";"
            text = "\n".join(mark.join(row) for row in [list(values[0]), *rows])
        path.write_text("\ufeff" + text if suffix == ".tsv" else text)
    again = list(read_labels(path, SkipLog(strict=True)))
    strip = [(x.file, x.kind, x.text, x.start, x.end, x.answer) for x in labels]
    assert [(x.file, x.kind, x.text, x.start, x.end, x.answer) for x in again] == strip


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.mp4,dance,x,1,2,", r"line 2: kind is 'dance'; expected alert, narration, question"),
        (",alert,x,1,2,", "line 2: file is empty"),
        ("a.mp4,alert,,1,2,", "line 2: text is empty"),
        ("a.mp4,alert,x,soon,2,", "line 2: start is 'soon'; expected seconds, or MM:SS"),
        ("a.mp4,alert,x,-1,2,", "line 2: start is '-1'"),
        ("a.mp4,alert,x,nan,2,", "line 2: start is 'nan'"),
        ("a.mp4,alert,x,1e99,2,", "line 2: start is '1e99'"),
        ("a.mp4,alert,x,3,,", "line 2: end is empty; expected start and end, or neither"),
        ("a.mp4,alert,x,3,2,", "line 2: end is 2; expected a time after start, 3"),
        ("a.mp4,narration,x,,,", "line 2: start or end is empty"),
        ("a.mp4,question,x,3,,", "line 2: answer is empty"),
        ("a.mp4,alert,x, y,1,2,3", "line 2 has 7 cells; expected 6: put a text with a comma"),
        ('a.mp4,alert,"x,1,2', "line 2 is no CSV"),
    ],
)
def test_what_is_wrong_with_a_label_is_named(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"file,kind,text,start,end,answer\n{row}\n")
    with pytest.raises(DataError, match=message):
        list(read_labels(path, SkipLog(strict=True)))


def test_a_wrong_label_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(TABLE + "c.mp4,dance,x,,,\n,,,,,\n\nc.mp4,alert,x,1,2,\n")
    log = SkipLog()
    assert len(list(read_labels(path, log))) == 6
    assert log.skipped == {"invalid": 1}


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "file;kind\n"])
def test_a_table_without_the_headings_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(DataError, match="has no column"):
        list(read_labels(path, SkipLog()))


def test_a_thousand_damaged_tables_give_a_message_with_the_line(tmp_path: Path) -> None:
    random = Random(7)
    path = tmp_path / "labels.csv"
    faults = 0
    for _ in range(1_000):
        data = bytearray(TABLE.encode())
        for _ in range(random.randint(1, 5)):
            at = random.randrange(len(data))
            choice = random.randrange(3)
            if choice == 0:
                data[at] = random.randrange(256)
            elif choice == 1:
                del data[at : at + random.randint(1, 20)]
            else:
                data[at:at] = random.choice((b'"', b",", b"\n", b"\x00", b"99999999", b"\xff"))
        path.write_bytes(data)
        log = SkipLog()
        try:
            clip_rows(tmp_path, read_labels(path, log), log)
        except DataError as error:
            assert "line" in str(error) or "has no column" in str(error)  # noqa: PT017
            faults += 1
        faults += bool(log.skipped)
    assert faults > 400


def test_subtitles_are_narrations(tmp_path: Path) -> None:
    srt = "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>A dog</i> &amp;\r\ntwo cats\r\n\r\n2\r\n"
    (tmp_path / "a.srt").write_text(srt + "00:00:03,000 --> 00:00:04,000\r\n{\\an8}Rain.\r\n")
    (tmp_path / "b.vtt").write_text(
        "WEBVTT\n\nNOTE x\n\nintro\n00:05.000 --> 00:06.250 align:start\nLast\n\n"
        "00:01.000 --> 00:02.000\n<v Bob>First\n"
    )
    assert read_subtitles(tmp_path / "a.srt") == (
        CaptionSegment(1, 2.5, "A dog & two cats"),
        CaptionSegment(3, 4, "Rain."),
    )
    assert [cue.text for cue in read_subtitles(tmp_path / "b.vtt")] == ["First", "Last"]
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.mp4").touch()
    (tmp_path / "c.srt").write_text("1\n00:00:05,000 --> 00:00:04,000\nx\n")
    log = SkipLog()
    rows = clip_rows(tmp_path, [], log)
    assert [row.video for row in rows] == ["a.mp4", "b.mp4"]
    assert log.skipped == {"invalid": 1}
    with pytest.raises(DataError, match=r"c\.srt, line 2 ends at 4 s"):
        clip_rows(tmp_path, [], SkipLog(strict=True))
    own = ClipLabel(file="a.mp4", kind="narration", text="mine", start=0, end=1)
    rows = clip_rows(tmp_path, [own], SkipLog())
    assert [row.video for row in rows] == ["a.mp4", "b.mp4"]  # labels come before subtitles


def test_labels_of_events_cover_the_run_of_units_of_an_alert() -> None:
    def p(second: int, value: float) -> tuple[SpeakProbability, float]:
        event = SpeakProbability(
            stream=0,
            stamp=second * 10**9,
            unit=second - 1,
            watch="w",
            p_speak=value,
            threshold=0.5,
            triggered=False,
        )
        return event, float(second)

    spoken = {"stream": 0, "unit": 0, "watch": "w", "p_speak": 0.9}
    alert = Alert(stamp=5 * 10**9, instruction="tell me", text="", **spoken)
    events: list[tuple[Event, float | None]] = [
        *(p(3, 0.4), p(4, 0.8), p(5, 0.9)),
        (alert, 5.0),
        *(p(6, 0.6), p(7, 0.1)),
    ]
    first = Narration(stamp=0, instruction="n", text="One.", **spoken)
    second = Narration(stamp=0, instruction="n", text="Two.", **spoken)
    answer = Answer(
        stream=0,
        stamp=0,
        unit=0,
        watch="w",
        question="Who?",
        text="Me",
        latency=0.1,
        finished=True,
        kept=False,
    )
    labels = labels_of_events("c.mp4", [*events, (first, 4.0), (second, 9.0), (answer, 6.0)])
    assert [(x.kind, x.text, x.start, x.end, x.answer) for x in labels] == [
        ("narration", "One.", 0, 4, ""),
        ("alert", "tell me", 3, 6, ""),
        ("narration", "Two.", 4, 9, ""),
        ("question", "Who?", 6, None, "Me"),
    ]
