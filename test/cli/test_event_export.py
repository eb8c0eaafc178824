"""Events as subtitles, tables and JSON lines."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from roma_ros.cli import main
from roma_ros.journal import read_lines

from .recorded import HEADER, RECORDS

Out = pytest.CaptureFixture[str]


def lines(out: Out) -> list[str]:
    return out.readouterr().out.splitlines()


def test_subtitles(recorded: Path, tmp_path: Path, capsys: Out) -> None:
    srt, vtt = tmp_path / "x.srt", tmp_path / "x.VTT"
    assert main(["events", str(recorded), "--export", str(srt)]) == 0
    assert lines(capsys) == [f"{srt}: 3 events"]
    assert srt.read_text() == (
        "1\n00:00:02,000 --> 00:00:03,000\n[alert door] the <door>\n\n"
        "2\n00:00:03,000 --> 00:00:05,733\n[narration story] A dog barks at [31m us.\n\n"
        "3\n01:02:03,500 --> 01:02:05,967\n[answer door] Who? → Nobody, I think.\n\n"
    )
    assert main(["events", str(recorded), "--kind", "alert", "--export", str(vtt)]) == 0
    assert vtt.read_text() == (
        "WEBVTT\n\n00:00:02.000 --> 00:00:04.000\n[alert door] the &lt;door&gt;\n\n"
    )


def test_a_table_and_lines(recorded: Path, tmp_path: Path) -> None:
    table, events = tmp_path / "x.csv", tmp_path / "x.jsonl"
    assert main(["events", str(recorded), "--export", str(table)]) == 0
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["event"] for row in rows] == [
        record.kind for record in RECORDS if record.kind != "speak_probability"
    ]
    assert rows[1]["stamp_ns"] == "2000000000"
    assert (rows[1]["watch"], rows[1]["p_speak"], rows[1]["question"]) == ("door", "0.75", "")
    assert rows[2]["text"] == "A dog\nbarks at\x1b[31m us."
    assert main(["events", str(recorded), "--watch", "story", "--export", str(events)]) == 0
    assert list(read_lines(events)) == [HEADER, RECORDS[4]]
