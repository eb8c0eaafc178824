"""`roma run`, with the embedded model on clips made here and on real ones."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import pytest

from roma_ros.cli import main

ROMA = [sys.executable, "-c", "import sys; from roma_ros.cli import main; sys.exit(main())"]


def events_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def assert_picture(path: Path) -> None:
    image = cv2.imread(str(path))
    assert image is not None
    assert image.shape[1] == 1650
    assert (image < 128).any()  # ink


def test_everything_at_once(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, plot = tmp_path / "events.jsonl", tmp_path / "timeline.png"
    arguments = [str(clip), "--fast", "--events", str(events), "--plot", str(plot)]
    arguments += ["--watch", "alert me when it flashes", "--watch", "alert me when it beeps"]
    arguments += ["--threshold", "1e-9", "--window", "1", "--cooldown", "0", "--reply"]
    arguments += ["--narrate", "--narrate-threshold", "1"]
    arguments += ["--ask", "What is it?@2", "--ask", "Who, at 3@home?@0"]
    assert main(["run", *arguments]) == 0

    written = events_of(events)
    header, *written = written
    assert (header["event"], header["model"], header["source"]) == (
        "header",
        "roma_tiny",
        [str(clip)],
    )
    assert [watch["threshold"] for watch in header["watches"]] == [1e-9, 1e-9, 1.0]
    assert header["settings"]["fast"] is True
    kinds = [event["event"] for event in written]
    assert kinds[0] == "stream_started"
    probabilities = [event for event in written if event["event"] == "speak_probability"]
    assert [(event["watch"], event["seconds"]) for event in probabilities] == [
        (watch, second)
        for second in (1.0, 2.0, 3.0)
        for watch in ("watch-1", "watch-2", "narration")
    ]
    assert all(0 < event["p_speak"] < 1 for event in probabilities)
    assert all(event["stamp_ns"] == event["seconds"] * 1e9 for event in probabilities)
    assert kinds.count("alert") == 2
    answers = [event for event in written if event["event"] == "answer"]
    assert [(answer["question"], answer["seconds"]) for answer in answers] == [
        ("Who, at 3@home?", 1.0),
        ("What is it?", 2.0),
    ]
    assert "narration" not in kinds
    assert_picture(plot)

    captured = capsys.readouterr()
    assert "p(speak) watch-1: 0." in captured.out
    assert "ANSWER watch-1: What is it? → " in captured.out
    assert "3 units, 3.0 s of the stream; real-time factor" in captured.out
    assert "2 alerts, 0 narrations, 2 answers" in captured.out
    assert captured.err == ""


def test_a_fast_run_is_the_same_every_time(clip: Path, tmp_path: Path) -> None:
    runs = []
    for name in ("a", "b"):
        path = tmp_path / name
        assert main(["run", str(clip), "--fast", "--quiet", "--events", str(path)]) == 0
        runs.append(path.read_text().partition("\n")[2])  # the header tells the wall clock
    assert runs[0] == runs[1]
    assert runs[0].count("speak_probability") == 3


def test_events_on_standard_output_are_all_that_is_there(clip: Path) -> None:
    """As in a pipe: every line is JSON, and lines and summary go to the standard error."""
    command = [*ROMA, "run", str(clip), "--fast", "--events", "-", "--watch", "alert me: a beep"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "100"}
    )
    assert done.returncode == 0
    kinds = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert kinds[:2] == ["header", "stream_started"]
    assert kinds.count("speak_probability") == 3
    assert "p(speak) watch-1: 0." in done.stderr
    assert "3 units, 3.0 s of the stream" in done.stderr


def test_quiet_says_only_what_was_said(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(clip), "--fast", "--quiet", "--ask", "What?@1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert "ANSWER" in lines[0]


@pytest.mark.parametrize(
    ("name", "units"),
    [("portrait-av.mp4", 9), ("office-video-only.mp4", 15), ("speech-16k.flac", 6)],
)
def test_real_clips_fast(media: Path, tmp_path: Path, name: str, units: int) -> None:
    plot, events = tmp_path / "t.png", tmp_path / "events.jsonl"
    arguments = ["run", str(media / name), "--fast", "--plot", str(plot), "--events", str(events)]
    assert main(arguments) == 0
    assert_picture(plot)
    kinds = [event["event"] for event in events_of(events)]
    assert kinds == ["header", "stream_started"] + ["speak_probability"] * units


def test_the_pace_is_that_of_the_file(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "t.svg"
    begin = time.monotonic()
    assert main(["run", str(clip), "--plot", str(plot), "--ask", "What?@2"]) == 0
    assert time.monotonic() - begin > 2.9
    out = capsys.readouterr().out
    assert "3 units" in out
    assert "1 answer" in out
    assert "<svg" in plot.read_text()


def test_a_question_whose_time_never_comes(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(clip), "--fast", "--ask", "What?@99"]) == 1
    assert capsys.readouterr().err == (
        "roma: 'What?' was not asked: the source ended before 1:39\n"
    )


def test_a_source_that_fails_on_the_way(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A camera that ends: what it saw is told, drawn and summed up all the same."""
    # Behind an address OpenCV opens it as it opens a network camera; it "breaks off" at its end.
    plot = tmp_path / "t.png"
    assert main(["run", f"file://{clip}", "--plot", str(plot)]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("roma: error: camera file://")
    assert captured.err.count("\n") == 1
    assert "of the stream" in captured.out
    assert_picture(plot)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{folder}/none.mp4"], "none.mp4 does not exist"),
        (["{folder}"], "a folder without video or audio files"),
        (["{folder}/empty.mp4"], "empty.mp4 is empty (0 bytes)"),
        (["{folder}/noise.mp4"], "cannot be read as video or audio"),
        (["{folder}/notes.txt"], "is a text"),
        (["63"], "camera 63 cannot be opened"),
        (["mic:no such microphone"], "microphone"),
        (["{clip}", "{clip}"], "only cameras and microphones can be combined"),
        (["{clip}", "--watch", ""], "the instruction has 0 characters"),
        (["{clip}", "--watch", "x" * 501], "the instruction has 501 characters"),
        (["{clip}", "--watch", "a bell", "--threshold", "2"], "threshold is 2.0"),
        (["{clip}", "--watch", "a bell", "--threshold", "nan"], "threshold is nan"),
        (["{clip}", "--watch", "a bell", "--window", "0"], "window is 0"),
        (["{clip}", "--watch", "a bell", "--cooldown", "-1"], "cooldown is -1.0"),
        (["{clip}", "--narrate", " "], "the instruction has 1 characters"),
        (["{clip}", *["--watch", "a bell"] * 9], "one too many"),
        (["{clip}", "--ask", "x" * 100_000 + "@1"], "the question has 100000 characters"),
        (["{clip}", "--context-seconds", "0"], "context_seconds is 0.0"),
        (["{clip}", "--context-seconds", "1e5"], "context_seconds is 100000.0"),
        (["{clip}", "--model", "{folder}"], "config.json"),
        (["{clip}", "--model", "{folder}/none"], "no model folder"),
        (["{clip}", "--device", "abacus"], "device 'abacus'"),
        (["{clip}", "--plot", "t.gif"], "ends in .png, .svg, .pdf"),
        (["{clip}", "--plot", "{folder}/none/t.png"], "there is no folder"),
        (["{clip}", "--events", "{folder}/none/e.jsonl"], "cannot be written: No such file"),
        (["{clip}", "--events", "{folder}"], "cannot be written: Is a directory"),
    ],
)
def test_what_cannot_start_is_said_in_one_line(
    clip: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "notes.txt").write_text("words")
    if arguments == ["{folder}"]:
        for path in tmp_path.glob("*.mp4"):
            path.unlink()
    filled = [
        text.replace("{clip}", str(clip)).replace("{folder}", str(tmp_path)) for text in arguments
    ]
    assert main(["run", *filled]) == 2
    captured = capfd.readouterr()
    assert captured.err.startswith("roma: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("text", ["What?", "@3", "What?@", "What?@-1", "What?@nan", "What?@soon"])
def test_a_question_without_a_time(
    clip: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["run", str(clip), "--ask", text])
    assert end.value.code == 2
    assert "wanted QUESTION@SECONDS" in capsys.readouterr().err


def test_ctrl_c_ends_cleanly_and_still_draws(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    for name in "abcdefgh":
        (folder / f"{name}.mp4").symlink_to(clip)
    plot = tmp_path / "t.png"
    arguments = ["run", str(folder), "--plot", str(plot), "--ask", "What?@20"]
    with subprocess.Popen(
        [*ROMA, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "p(speak)" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert err == ""
    assert "of the stream" in out
    assert_picture(plot)


def test_a_reader_that_has_had_enough(clip: Path) -> None:
    with subprocess.Popen(
        [*ROMA, "run", str(clip), "--fast"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert err == ""
    assert process.returncode == 0


def test_a_terminal_gets_a_picture_that_renews_itself(clip: Path) -> None:
    main_end, terminal = pty.openpty()
    arguments = ["run", str(clip), "--fast", "--watch", "a flash", "--ask", "What?@1"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    with subprocess.Popen(
        [*ROMA, *arguments], stdout=terminal, stderr=terminal, env=environment
    ) as run:
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(main_end, 4096)
            except OSError:  # Linux says so when the other end is closed
                break
            if not piece:
                break
            shown += piece
    os.close(main_end)
    text = shown.decode()
    assert run.returncode == 0
    assert text.count("clip.mp4") > 1
    for part in ("watch-1", "≥ 0.5", "step p50", "backlog 0", "ANSWER", "3 units, 3.0 s"):
        assert part in text
