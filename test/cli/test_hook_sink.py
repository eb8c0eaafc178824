"""`roma run` with hooks, a file of watches, and questions that are typed."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from roma_ros.cli import main
from roma_ros.cli.errors import UsageError
from roma_ros.cli.hook_sink import HookSink, make_hooks
from roma_ros.events import Alert
from roma_ros.watch_file import WatchSpec

ALERT = Alert(
    stream=0, stamp=3_000_000_000, unit=2, watch="w", instruction="x", text="", p_speak=0.9
)


def test_an_alert_is_handed_on_with_its_second(tmp_path: Path) -> None:
    out = tmp_path / "line"
    with HookSink(make_hooks([f"cp /dev/stdin {out}"], [], []), ()) as sink:
        sink.take(ALERT, 3.0)
    line = json.loads(out.read_text())
    assert (line["event"], line["watch"], line["seconds"]) == ("alert", "w", 3.0)
    assert sink.lost == 0


def test_what_is_not_delivered_is_told_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with HookSink(make_hooks(["false"], [], []), ()) as sink:
        sink.take(ALERT, 3.0)
    assert sink.lost == 1
    assert "exit status 1" in capsys.readouterr().err


def test_a_hook_that_cannot_be_made_ends_the_run_before_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="is not found"):
        make_hooks(["no-such-program-at-all"], [], [])
    clip = tmp_path / "clip.mp4"
    assert main(["world", "render", "--seconds", "2", str(clip)]) == 0
    assert main(["run", str(clip), "--fast", "--mqtt", "mqtt://host"]) == 2
    assert "mqtt://host[:port]/topic" in capsys.readouterr().err


def test_a_watch_of_a_file_has_hooks_of_its_own(tmp_path: Path) -> None:
    out = tmp_path / "line"
    (hook,) = make_hooks([f"cp /dev/stdin {out}"], [], [])
    with HookSink([], [WatchSpec(id="w", instruction="x", on_alert=(hook,))]) as sink:
        sink.take(ALERT, 3.0)
    assert out.exists()


@pytest.mark.slow
def test_a_file_of_watches_a_program_and_a_typed_question_in_one_run(tmp_path: Path) -> None:
    """In a terminal: the question is typed into it while the clip is played."""
    clip, out = tmp_path / "clip.mp4", tmp_path / "alerts"
    assert main(["world", "render", "--seed", "7", "--seconds", "8", str(clip)]) == 0
    watches = tmp_path / "watches.yaml"
    watches.write_text(
        "version: 1\n"
        "watches:\n"
        "  - id: all\n"
        "    instruction: alert me when you hear a beep\n"
        "    threshold: 0.000001\n"
        f"    on_alert: {{command: [dd, status=none, oflag=append, conv=notrunc, 'of={out}']}}\n"
    )
    events = tmp_path / "events.jsonl"
    arguments = ["run", str(clip), "--config", str(watches), "--events", str(events)]
    code = f"import sys; from roma_ros.cli import main; sys.exit(main({arguments!r}))"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: _take_terminal(theirs),
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = bytearray()
    reader = threading.Thread(target=_collect, args=(ours, shown), daemon=True)
    reader.start()
    deadline = time.monotonic() + 120
    while not (events.exists() and "speak_probability" in events.read_text()):
        assert process.poll() is None, shown.decode(errors="replace")
        assert time.monotonic() < deadline, shown.decode(errors="replace")
        time.sleep(0.05)
    os.write(ours, b"is there a circle now?\n")
    assert process.wait(120) == 0, shown.decode(errors="replace")
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    (answer,) = [line for line in lines if line["event"] == "answer"]
    assert answer["question"] == "is there a circle now?"
    alerts = [json.loads(line) for line in out.read_text().splitlines()]
    assert {alert["watch"] for alert in alerts} == {"all"}
    assert len(alerts) == sum(line["event"] == "alert" for line in lines) > 0


def _take_terminal(terminal: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def _collect(terminal: int, into: bytearray) -> None:
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            return
        if not data:
            return
        into += data
