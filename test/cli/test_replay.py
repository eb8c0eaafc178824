"""`roma replay`, on files that are made here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roma_ros.cli import main
from roma_ros.journal import encode

from .recorded import HEADER, RECORDS

Out = pytest.CaptureFixture[str]


def lines(out: Out) -> list[str]:
    return out.readouterr().out.splitlines()


def test_replay_shows_what_other_settings_would_have_done(recorded: Path, capsys: Out) -> None:
    assert main(["replay", str(recorded), "--threshold", "0.2", "0.9", "--window", "1", "2"]) == 0
    title, names, *rows = lines(capsys)
    assert title.strip() == "alert door, 2 units"
    assert names.split() == ["threshold", "window", "cooldown", "alerts", "per", "hour", "when"]
    assert [row.split() for row in rows] == [
        ["as", "recorded", "1", "0", "s", "1", "1800.0", "2.0", "s"],
        ["0.2", "1", "0", "s", "1", "1800.0", "1.0", "s"],
        ["0.2", "2", "0", "s", "1", "1800.0", "2.0", "s"],
        ["0.9", "1", "0", "s", "0", "0.0"],
        ["0.9", "2", "0", "s", "0", "0.0"],
    ]


def test_replay_says_what_it_cannot_do(recorded: Path, capsys: Out, tmp_path: Path) -> None:
    silent = tmp_path / "silent.jsonl"
    silent.write_bytes(encode(HEADER) + encode(RECORDS[3]))
    for arguments, says in (
        ([str(silent), "--window", "2"], "has no speak_probability of a watch; expected"),
        ([str(recorded)], "no settings to try; give --threshold, --window or --cooldown"),
        (
            [str(recorded), "--threshold", "2"],
            "roma: error: threshold is 2.0; it is compared with p",
        ),
        ([str(recorded), "--window", "0"], "roma: error: window is 0; expected 1 to 60 units"),
        (
            [str(recorded), "--window", "2", "--watch", "cat"],
            "--watch is 'cat'; expected one of",
        ),
        ([str(recorded), "--threshold", *["0.5"] * 201], "201 combinations; expected at most 200"),
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
