"""`roma events` and `roma replay`, on files that are made here."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from roma_ros.cli import main
from roma_ros.cli.event_reader import EventTail
from roma_ros.cli.moment import Moment
from roma_ros.event_schema import DamagedLine, Header, Record, encode, read_lines
from roma_ros.events import (
    Alert,
    Answer,
    Event,
    Fault,
    Narration,
    SpeakProbability,
    StreamStart,
    StreamStarted,
)
from roma_ros.journal import EventJournal, JournalConfig
from roma_ros.watch import Watch, WatchKind

ROMA = [sys.executable, "-c", "import sys; from roma_ros.cli import main; sys.exit(main())"]
DOOR = Watch(id="door", kind=WatchKind.ALERT, instruction="the <door>", threshold=0.5)
HEADER = Header(source=("clip.mp4",), model="roma_tiny", watches=(DOOR,), versions={}, wall_ns=7)


def at(second: int, kind: type, **fields: object) -> Event:
    event: Event = kind(stream=0, stamp=second * 10**9, **fields)
    return event


def probability(second: int, p_speak: float) -> Event:
    return at(
        second,
        SpeakProbability,
        unit=second - 1,
        watch="door",
        p_speak=p_speak,
        threshold=0.5,
        triggered=p_speak >= 0.5,
    )


SAID: dict[str, object] = {"unit": 0, "watch": "door", "instruction": "the <door>", "p_speak": 0.75}
EVENTS: tuple[tuple[float, Event], ...] = (
    (1.0, at(1, StreamStarted, reason=StreamStart.FIRST)),
    (1.0, probability(1, 0.25)),
    (2.0, probability(2, 0.75)),
    (2.0, at(2, Alert, **SAID, text="")),
    (3.0, at(3, Narration, **{**SAID, "watch": "story"}, text="A dog\nbarks at\x1b[31m us.")),
    (4.0, at(4, Fault, watch="", during="hear", error="E: no", restarted=False)),
    (
        3_723.5,
        at(
            3_723,
            Answer,
            unit=9,
            watch="door",
            question="Who?",
            text="Nobody, I think.",
            latency=0.5,
            finished=True,
            kept=False,
        ),
    ),
)
RECORDS = [
    Record(event=event, sequence=number, seconds=seconds)
    for number, (seconds, event) in enumerate(EVENTS, start=1)
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(map(encode, (HEADER, *RECORDS))))
    return path


Out = pytest.CaptureFixture[str]


def lines(out: Out) -> list[str]:
    return out.readouterr().out.splitlines()


def test_a_file_is_shown_as_plain_lines_in_a_pipe(path: Path, capsys: Out) -> None:
    assert main(["events", str(path)]) == 0
    assert lines(capsys) == [
        "1.0 s  stream_started: stream 0 begins (first)",
        "2.0 s  alert door: the <door>",
        "3.0 s  narration story: A dog barks at [31m us.",
        "4.0 s  fault: fault while trying to hear: E: no",
        "1:02:03  answer door: Who? → Nobody, I think.",
    ]


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (["--kind", "alert", "--kind", "answer"], ["alert", "answer"]),
        (["--kind", "speak_probability"], ["speak_probability"] * 2),
        (["--watch", "door"], ["alert", "answer"]),
        (["--watch", "nobody"], []),
        (["--since", "3"], ["narration", "fault", "answer"]),
        (["--since", "2.0", "--until", "4"], ["alert", "narration"]),
        (["--until", "1970-01-01T00:00:03Z"], ["stream_started", "alert"]),
        (["--since", "1h"], []),
    ],
)
def test_events_are_chosen(path: Path, capsys: Out, options: list[str], kinds: list[str]) -> None:
    assert main(["events", str(path), *options]) == 0
    assert [line.split("  ")[1].split(" ")[0].rstrip(":") for line in lines(capsys)] == kinds


def test_damaged_lines_are_named_and_the_rest_is_shown(path: Path, capsys: Out) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole.replace(encode(RECORDS[3]), b"?\x1b[2J\n") + encode(RECORDS[0])[:30])
    assert main(["events", str(path)]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 4
    assert captured.err.splitlines() == [
        f"roma: {path}:5: '?\\x1b[2J\\n' is not a line of JSON",
        f"roma: {path}:9: the last line was not written to its end",
    ]


def test_what_cannot_be_read_is_said(path: Path, capsys: Out, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.txt"
    nonsense.write_text("nonsense\n" * 100)
    for arguments, code, says in (
        ([str(nonsense)], 1, "no line of it could be read; is it a file of events?"),
        ([str(tmp_path / "gone")], 2, "there is no file or folder"),
        ([str(tmp_path)], 2, "is no journal: it has no files such as events-"),
        ([str(path), "--kind", "hum"], 2, "--kind 'hum': expected one of speak_probability"),
        ([str(path), "--export", "x.doc"], 2, "expected a name that ends in .srt, .vtt, .csv"),
        ([str(path), "--export", str(path)], 2, "is what is read; name another file"),
        ([str(path), "--export", str(tmp_path / "no" / "x.csv")], 1, "cannot be written: No such"),
        ([str(path), "-f", "--export", "x.csv"], 2, "does not go with --follow"),
    ):
        assert main(["events", *arguments]) == code
        assert says in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["events", str(path), "--since", "yesterday"])
    assert "'yesterday' is no time; expected seconds of the source" in capsys.readouterr().err


def test_subtitles(path: Path, tmp_path: Path, capsys: Out) -> None:
    srt, vtt = tmp_path / "x.srt", tmp_path / "x.VTT"
    assert main(["events", str(path), "--export", str(srt)]) == 0
    assert lines(capsys) == [f"3 events written to {srt}"]
    assert srt.read_text() == (
        "1\n00:00:02,000 --> 00:00:03,000\n[alert door] the <door>\n\n"
        "2\n00:00:03,000 --> 00:00:05,733\n[narration story] A dog barks at [31m us.\n\n"
        "3\n01:02:03,500 --> 01:02:05,967\n[answer door] Who? → Nobody, I think.\n\n"
    )
    assert main(["events", str(path), "--kind", "alert", "--export", str(vtt)]) == 0
    assert vtt.read_text() == (
        "WEBVTT\n\n00:00:02.000 --> 00:00:04.000\n[alert door] the &lt;door&gt;\n\n"
    )


def test_a_table_and_lines(path: Path, tmp_path: Path) -> None:
    table, events = tmp_path / "x.csv", tmp_path / "x.jsonl"
    assert main(["events", str(path), "--export", str(table)]) == 0
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["event"] for row in rows] == [
        record.kind for record in RECORDS if record.kind != "speak_probability"
    ]
    assert rows[1]["stamp_ns"] == "2000000000"
    assert (rows[1]["watch"], rows[1]["p_speak"], rows[1]["question"]) == ("door", "0.75", "")
    assert rows[2]["text"] == "A dog\nbarks at\x1b[31m us."
    assert main(["events", str(path), "--watch", "story", "--export", str(events)]) == 0
    assert list(read_lines(events)) == [HEADER, RECORDS[4]]


def test_the_journal_of_the_only_node_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv("ROS_HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert main(["events"]) == 2
    assert "no node has a journal here" in capsys.readouterr().err
    for number, name in enumerate(("roma", "other.roma")):
        folder = tmp_path / "roma" / name / "journal"
        journal = EventJournal(JournalConfig(folder=folder), HEADER)
        for record in RECORDS:
            journal.append(record.event, record.seconds)
        journal.close()
        assert main(["events", "--kind", "alert", "--since", "10m"]) == (0 if number == 0 else 2)
        captured = capsys.readouterr()
        if number == 0:
            today = time.strftime("%Y-%m-%d ")
            assert captured.out.startswith(today)
            assert captured.out.endswith("+00:00  alert door: the <door>\n")
        else:
            assert f"several nodes have a journal, name one: {folder}" in captured.err


def test_a_tail_reads_on_over_files_and_half_lines(tmp_path: Path) -> None:
    first, second = (tmp_path / f"events-{number:012d}.jsonl" for number in (1, 3))
    tail = EventTail(tmp_path)
    assert list(tail.poll()) == []
    first.write_bytes(encode(HEADER) + encode(RECORDS[0])[:20])
    assert list(tail.poll()) == [HEADER]
    assert list(tail.poll()) == []
    first.write_bytes(encode(HEADER) + encode(RECORDS[0]) + encode(RECORDS[1]) + b"{")
    assert list(tail.poll()) == RECORDS[:2]
    second.write_bytes(encode(HEADER) + encode(RECORDS[2]))
    damaged, *rest = tail.poll()
    assert isinstance(damaged, DamagedLine)
    assert (damaged.path, damaged.number) == (first, 4)
    assert rest == [HEADER, RECORDS[2]]
    first.unlink()
    assert list(tail.poll()) == []


def test_following_shows_what_comes_until_ctrl_c(path: Path) -> None:
    process = subprocess.Popen(
        [*ROMA, "events", str(path), "-f", "--kind", "alert"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "2.0 s  alert door: the <door>\n"
    with path.open("ab") as file:
        file.write(encode(RECORDS[4]) + encode(RECORDS[3]))
    assert process.stdout.readline() == "2.0 s  alert door: the <door>\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.read() == ""
    assert process.wait(10.0) == 0


def test_moments() -> None:
    record = RECORDS[3]
    assert Moment.parse("2.5").is_after(record)
    assert not Moment.parse("2").is_after(record)
    ago = Moment.parse("1.5h").wall
    assert ago == pytest.approx(time.time_ns() - 5_400 * 10**9, abs=10**10)
    assert Moment.parse("2026-11-27T18:30:00+02:00").wall == 1_795_797_000 * 10**9
    for text in ("", "soon", "5y", "2026-13-01"):
        with pytest.raises(ValueError, match="is no time"):
            Moment.parse(text)


def test_replay_shows_what_other_settings_would_have_done(path: Path, capsys: Out) -> None:
    assert main(["replay", str(path), "--threshold", "0.2", "0.9", "--window", "1", "2"]) == 0
    title, names, *rows = lines(capsys)
    assert title.strip() == "alert door, 2 units"
    assert names.split() == ["threshold", "window", "cooldown", "alerts", "an", "hour", "when"]
    assert [row.split() for row in rows] == [
        ["as", "recorded", "1", "0", "s", "1", "1800.0", "2.0", "s"],
        ["0.2", "1", "0", "s", "1", "1800.0", "1.0", "s"],
        ["0.2", "2", "0", "s", "1", "1800.0", "2.0", "s"],
        ["0.9", "1", "0", "s", "0", "0.0"],
        ["0.9", "2", "0", "s", "0", "0.0"],
    ]


def test_replay_says_what_it_cannot_do(path: Path, capsys: Out, tmp_path: Path) -> None:
    silent = tmp_path / "silent.jsonl"
    silent.write_bytes(encode(HEADER) + encode(RECORDS[3]))
    for arguments, says in (
        ([str(silent), "--window", "2"], "has no speak_probability of a watch, so there is noth"),
        ([str(path)], "nothing to try: give --threshold, --window or --cooldown"),
        ([str(path), "--threshold", "2"], "roma: error: threshold is 2.0; it is compared with p"),
        ([str(path), "--window", "0"], "roma: error: window is 0; expected 1 to 60 units"),
        ([str(path), "--window", "2", "--watch", "cat"], "--watch 'cat': there are door"),
        ([str(path), "--threshold", *["0.5"] * 201], "201 combinations; at most 200 are shown"),
    ):
        assert main(["replay", *arguments]) == 2
        assert says in capsys.readouterr().err


def test_what_a_run_writes_is_shown_and_replayed(clip: Path, tmp_path: Path, capsys: Out) -> None:
    path = tmp_path / "events.jsonl"
    run = ["run", str(clip), "--fast", "--quiet", "--events", str(path)]
    assert main([*run, "--watch", "alert me: a beep", "--threshold", "1e-9"]) == 0
    capsys.readouterr()
    assert main(["events", str(path), "--kind", "alert"]) == 0
    assert lines(capsys) == ["1.0 s  alert watch-1: alert me: a beep"]
    assert main(["replay", str(path), "--threshold", "1e-9", "--window", "3"]) == 0
    assert lines(capsys)[-1].split() == ["1e-09", "3", "0", "s", "1", "1200.0", "3.0", "s"]
    assert json.loads(path.read_text().splitlines()[0])["event"] == "header"
