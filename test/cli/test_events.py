"""`roma events`, on a file that is made here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from roma_ros.cli import main
from roma_ros.journal import encode

from .recorded import RECORDS

ROMA = [sys.executable, "-c", "import sys; from roma_ros.cli import main; sys.exit(main())"]
Out = pytest.CaptureFixture[str]


def lines(out: Out) -> list[str]:
    return out.readouterr().out.splitlines()


def test_a_file_is_shown_as_plain_lines_in_a_pipe(recorded: Path, capsys: Out) -> None:
    assert main(["events", str(recorded)]) == 0
    assert lines(capsys) == [
        "1.0 s  stream_started: stream 0 starts (first)",
        "2.0 s  alert door: the <door>",
        "3.0 s  narration story: A dog barks at [31m us.",
        "4.0 s  fault: fault during step: E: no",
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
def test_events_are_chosen(
    recorded: Path, capsys: Out, options: list[str], kinds: list[str]
) -> None:
    assert main(["events", str(recorded), *options]) == 0
    captured = capsys.readouterr()
    shown = [line.split("  ")[1].split(" ")[0].rstrip(":") for line in captured.out.splitlines()]
    assert shown == kinds
    assert captured.err == ("" if kinds else "roma: no events match\n")


def test_damaged_lines_are_named_and_the_rest_is_shown(recorded: Path, capsys: Out) -> None:
    whole = recorded.read_bytes()
    recorded.write_bytes(whole.replace(encode(RECORDS[3]), b"?\x1b[2J\n") + encode(RECORDS[0])[:30])
    assert main(["events", str(recorded)]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 4
    assert captured.err.splitlines() == [
        f"roma: {recorded}:5: '?\\x1b[2J\\n' is not a line of JSON",
        f"roma: {recorded}:9: the last line was not written to its end",
    ]


def test_what_cannot_be_read_is_said(recorded: Path, capsys: Out, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.txt"
    nonsense.write_text("nonsense\n" * 100)
    for arguments, code, says in (
        ([str(nonsense)], 1, "no line can be read; expected a file of `roma run --events`"),
        ([str(tmp_path / "gone")], 2, "does not exist; expected a file or a folder"),
        ([str(tmp_path)], 2, "is no journal; expected files such as events-"),
        ([str(recorded), "--kind", "hum"], 2, "--kind is 'hum'; expected one of speak_probability"),
        ([str(recorded), "--export", "x.doc"], 2, "expected a name that ends in .srt, .vtt, .csv"),
        (
            [str(recorded), "--export", str(recorded)],
            2,
            "is the file that is read; name",
        ),
        (
            [str(recorded), "--export", str(tmp_path / "no" / "x.csv")],
            1,
            "cannot be written: No such",
        ),
        ([str(recorded), "-f", "--export", "x.csv"], 2, "--export and --follow exclude each other"),
    ):
        assert main(["events", *arguments]) == code
        assert says in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["events", str(recorded), "--since", "yesterday"])
    assert "'yesterday' is no time; expected seconds of the source" in capsys.readouterr().err


@pytest.mark.slow
def test_following_shows_what_comes_until_ctrl_c(recorded: Path) -> None:
    process = subprocess.Popen(
        [*ROMA, "events", str(recorded), "-f", "--kind", "alert"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "2.0 s  alert door: the <door>\n"
    with recorded.open("ab") as file:
        file.write(encode(RECORDS[4]) + encode(RECORDS[3]))
    assert process.stdout.readline() == "2.0 s  alert door: the <door>\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.read() == ""
    assert process.wait(10.0) == 0
