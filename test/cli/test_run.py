"""`roma run`, with the embedded model on clips made here and on real ones."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import pytest

from roma_ros.cli import main
from roma_ros.plot_style import RED
from roma_ros.thinker import RomaConfig, RomaThinker
from roma_ros.thinker.checkpoint import resolve_folder

from ..clips import Clip, write_clip
from ..sources.devices import FakeCameras, FakeSound
from ..sources.servers import LiveStream, http_live_server
from ..sources.test_bag import BASE, Recording, write_bag

ROMA = [sys.executable, "-c", "import sys; from roma_ros.cli import main; sys.exit(main())"]


SUMMARY = re.compile(r"\d+ units?, .* of the stream|\d+ alerts?, |units? filled")


class Output(NamedTuple):
    """What a run has printed; in a pipe its summary stands on standard error.

    Attributes:
        out: standard output.
        err: standard error without the summary.
        summary: the summary.
    """

    out: str
    err: str
    summary: str


def output(capture: pytest.CaptureFixture[str]) -> Output:
    out, err = capture.readouterr()
    lines = err.splitlines(keepends=True)
    summary = [line for line in lines if SUMMARY.match(line)]
    return Output(out, "".join(line for line in lines if line not in summary), "".join(summary))


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
    arguments += [
        "--watch",
        "alert me when a star appears",
        "--watch",
        "alert me when you hear a beep",
    ]
    arguments += ["--threshold", "1e-9", "--window", "1", "--cooldown", "0"]
    arguments += ["--narrate", "--narrate-threshold", "1"]
    arguments += ["--ask", "what do you hear now?@2", "--ask", "which came first, a knock@three?@0"]
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
        ("which came first, a knock@three?", 1.0),
        ("what do you hear now?", 2.0),
    ]
    assert "narration" not in kinds
    assert_picture(plot)

    captured = output(capsys)
    assert "p(speak) watch-1: 0." in captured.out
    assert "ANSWER watch-1: what do you hear now? → " in captured.out
    assert "3 units, 3.0 s of the stream; real-time factor" in captured.summary
    assert "2 alerts, 0 narrations, 2 answers" in captured.summary
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
    lines = output(capsys).out.splitlines()
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
    summary = output(capsys).summary
    assert "3 units" in summary
    assert "1 answer" in summary
    assert "<svg" in plot.read_text()


def test_a_question_whose_time_never_comes(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(clip), "--fast", "--ask", "what do you hear now?@99"]) == 1
    assert output(capsys).err == (
        "roma: question 'what do you hear now?' was not asked: the source ended before 1:39\n"
    )


def test_a_bag_is_followed_by_the_stamps_of_its_headers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = write_bag(tmp_path / "bag", Recording(extra=("/rear/image_raw",)))
    events = tmp_path / "events.jsonl"
    arguments = ["run", str(bag), "--fast", "--events", str(events)]
    assert main([*arguments, "--topics", "/rear/image_raw,/mic/audio"]) == 0
    heard = [event for event in events_of(events) if event["event"] == "speak_probability"]
    assert [event["stamp_ns"] - BASE for event in heard] == [n * 10**9 for n in (1, 2, 3, 4)]
    assert output(capsys).err == ""
    assert main(arguments) == 2
    assert "choose one by --topics" in output(capsys).err


@pytest.fixture
def live(clip: Path, tmp_path: Path) -> LiveStream:
    return LiveStream(write_clip(tmp_path / "live.ts", Clip(seconds=3.0)))


def test_a_source_that_fails_on_the_way(
    live: LiveStream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stream that ends: what was seen of it is told, drawn and summed up all the same."""
    plot, events = tmp_path / "t.png", tmp_path / "events.jsonl"
    with http_live_server(live) as address:
        secret = address.replace("://", "://user:secret@")
        arguments = [secret, "--plot", str(plot), "--events", str(events), "--reconnect", "0"]
        assert main(["run", *arguments]) == 1
    captured = output(capsys)
    shown = address.replace("://", "://***@")
    assert captured.err == f"roma: error: {shown} has ended\n"
    assert "of the stream" in captured.summary
    assert "secret" not in captured.out + events.read_text()
    kinds = [event["event"] for event in events_of(events)]
    assert kinds.count("speak_probability") in (2, 3)
    assert_picture(plot)


@pytest.mark.long
def test_a_stream_that_comes_back_is_followed_on(
    live: LiveStream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events.jsonl"
    with http_live_server(live) as address:
        arguments = [address, "--quiet", "--events", str(events), "--reconnect", "2"]
        threading.Timer(5.0, live.refuses.set).start()  # in its second round
        assert main(["run", *arguments]) == 1
    lines = output(capsys).err.splitlines()
    assert lines[0] == f"roma: warning: {address} has ended; trying again in 0.5 s"
    assert any(line.startswith(f"roma: warning: {address} is back after") for line in lines)
    assert re.search(
        r"cannot be opened: the host has an error .*; tried \d times in 2 s", lines[-1]
    )
    kinds = [event["event"] for event in events_of(events)]
    assert kinds.count("speak_probability") >= 5


def test_files_are_played_one_after_another_and_each_event_names_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A film, then by a pattern a sound and a film: three streams."""
    (tmp_path / "more" / "deep").mkdir(parents=True)
    first = write_clip(tmp_path / "first.mp4", Clip(seconds=3.0))
    sound = Clip(seconds=2.0, video=False, audio_codec="pcm_s16le", sample_format="s16")
    second = write_clip(tmp_path / "more" / "b.wav", sound)
    third = write_clip(tmp_path / "more" / "deep" / "a.mp4", Clip(seconds=2.0, audio=False))
    (tmp_path / "more" / "notes.txt").write_text("words")
    events = tmp_path / "events.jsonl"
    arguments = [str(first), str(tmp_path / "more" / "**" / "*"), "--fast", "--events", str(events)]
    arguments += ["--ask", "what do you hear?@4", "--plot", str(tmp_path / "t.png")]
    assert main(["run", *arguments]) == 0
    written = events_of(events)
    seen = [
        (event["source"], event["source_seconds"], event["seconds"], event["stream"])
        for event in written
        if event["event"] == "speak_probability"
    ]
    assert seen == [
        *((str(first), second, second, 0) for second in (1.0, 2.0, 3.0)),
        *((str(second), seconds, 3.0 + seconds, 1) for seconds in (1.0, 2.0)),
        *((str(third), seconds, 5.0 + seconds, 2) for seconds in (1.0, 2.0)),
    ]
    (answer,) = [event for event in written if event["event"] == "answer"]
    assert (answer["source"], answer["source_seconds"]) == (str(second), 1.0)
    captured = output(capsys)
    assert f"{second} 1.0 s  ANSWER: what do you hear? → " in captured.out
    assert f"{third} 2.0 s  p(speak): 0." in captured.out
    assert "7 units, 7.0 s of the stream" in captured.summary
    assert captured.err == ""
    assert_picture(tmp_path / "t.png")


@pytest.mark.parametrize("fast", [True, False])
def test_a_clip_too_short_to_judge_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fast: bool
) -> None:
    path = write_clip(tmp_path / "tick.wav", short_sound(0.05))
    assert main(["run", str(path), *(["--fast"] if fast else [])]) == 3
    captured = output(capsys)
    assert captured.err == (
        f"roma: warning: {path} lasts 0.05 s; expected at least 0.1 s\n"
        f"roma: error: {path} gave no unit, so it was not processed\n"
    )
    assert "0 units" in captured.summary


def test_a_clip_shorter_than_a_unit_is_judged_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_clip(tmp_path / "tick.wav", short_sound(0.4))
    assert main(["run", str(path), "--fast"]) == 0
    captured = output(capsys)
    assert captured.err == (
        f"roma: warning: {path} lasts 0.40 s, less than a unit (1 s); the rest was filled "
        "with silence and its last frame\n"
    )
    assert "1 unit," in captured.summary


def short_sound(seconds: float) -> Clip:
    return Clip(seconds=seconds, video=False, audio_codec="pcm_s16le", sample_format="s16")


def test_a_damaged_file_among_others_is_told_counted_and_in_the_exit_code(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first is played for what it holds, of the second nothing can be decoded."""
    film = Clip(seconds=2.0, audio=False, video_codec="mjpeg")
    data = bytearray(write_clip(tmp_path / "a.mkv", film).read_bytes())
    starts = [match.start() for match in re.finditer(b"\xff\xd8\xff", data)]
    for name, wiped in (("a.mkv", starts[10:12]), ("b.mkv", starts[2:])):
        damaged = bytearray(data)
        for start in wiped:
            end = damaged.index(b"\xff\xd9", start)
            damaged[start:end] = bytes(end - start)
        (tmp_path / name).write_bytes(damaged)
    assert main(["run", str(tmp_path / "?.mkv"), str(clip), "--fast"]) == 3
    captured = output(capsys)
    assert (
        f"warning: {tmp_path / 'a.mkv'} is damaged: 2 of 40 video packets could not be decoded"
    ) in captured.err
    assert f"error: {tmp_path / 'b.mkv'} gave no unit, so it was not processed" in captured.err
    assert re.search(r"\d\d packets damaged", captured.summary)
    assert f"{clip} 3.0 s  p(speak)" in captured.out


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
        (["{folder}/none-*.mp4"], "matches no video or audio file"),
        (["{folder}/n*.mp4"], "n*.mp4: no file can be decoded: "),
        (["{clip}", "{folder}/none.mp4"], "none.mp4 does not exist"),
        (
            ["http://u:p@127.0.0.1:1/a?key=p"],
            "http://***@127.0.0.1:1/a?*** cannot be opened: the con",
        ),
        (["ftp://host/a"], "ftp:// addresses cannot be opened; expected one of rtsp://"),
        (["file://{folder}/none.mp4"], "none.mp4 does not exist"),
        (["{clip}", "--reconnect", "-1"], "give_up_after is -1.0 s; expected 0 or more"),
        (["{clip}", "--watch", ""], "the instruction has 0 characters"),
        (["{clip}", "--watch", "x" * 501], "the instruction has 501 characters"),
        (["{clip}", "--watch", "a bell", "--threshold", "2"], "threshold is 2.0"),
        (["{clip}", "--watch", "a bell", "--threshold", "nan"], "threshold is nan"),
        (["{clip}", "--watch", "a bell", "--window", "0"], "window is 0"),
        (["{clip}", "--watch", "a bell", "--cooldown", "-1"], "cooldown is -1.0"),
        (["{clip}", "--narrate", " "], "the instruction has 1 characters"),
        (["{clip}", *["--watch", "a bell"] * 9], "one too many"),
        (["{clip}", "--watch", "a beep", "--reply"], "was not trained to put an alert in words"),
        (["{clip}", "--watch", "a dog barks", "--strict"], "roma_tiny knows no 'dog' or 'barks'"),
        (["{clip}", "--ask", "who is there?@1", "--strict"], "names nothing that roma_tiny knows"),
        (["{clip}", "--ask", "x" * 100_000 + "@1"], "the question has 100000 characters"),
        (["{clip}", "--context-seconds", "0"], "context_seconds is 0.0"),
        (["{clip}", "--context-seconds", "1e5"], "context_seconds is 100000.0"),
        (["{clip}", "--model", "{folder}"], "config.json"),
        (["{clip}", "--model", "{folder}/none"], "no model folder"),
        (["{clip}", "--device", "abacus"], "device is 'abacus'"),
        (["{clip}", "--plot", "t.gif"], "ends in .png, .svg, .pdf"),
        (["{clip}", "--plot", "{folder}/none/t.png"], "none is not a folder"),
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
    captured = output(capfd)
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
    assert "expected QUESTION@SECONDS" in output(capsys).err


def test_ctrl_c_ends_cleanly_and_still_draws(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    for name in "abcdefgh":
        (folder / f"{name}.mp4").symlink_to(clip)
    plot = tmp_path / "t.png"
    arguments = ["run", str(folder), "--plot", str(plot), "--ask", "what do you hear now?@20"]
    with subprocess.Popen(
        [*ROMA, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "p(speak)" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert all(SUMMARY.match(line) for line in err.splitlines()), err
    assert "of the stream" in err
    assert "of the stream" not in out
    assert_picture(plot)


@pytest.mark.parametrize("device", ["camera", "microphone"])
def test_ctrl_c_ends_within_two_seconds_whatever_hangs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], device: str
) -> None:
    """A grab that never returns; callbacks that stop, and a close that hangs."""
    sound = FakeSound()
    monkeypatch.setitem(sys.modules, "sounddevice", sound)  # type: ignore[arg-type]
    monkeypatch.setattr(cv2, "VideoCapture", FakeCameras(iter([threading.Event()])))
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    def press_when_it_runs() -> None:
        while signal.getsignal(signal.SIGINT) is before:
            time.sleep(0.01)
        if device == "microphone":
            sound.streams[0].stalled = sound.hangs = True
        threading.Timer(0.5, press).start()

    before = signal.getsignal(signal.SIGINT)
    threading.Thread(target=press_when_it_runs, daemon=True).start()
    code = main(["run", "0" if device == "camera" else "mic", "--quiet"])
    assert time.monotonic() - pressed[0] < 2.0
    assert code == 0


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


@pytest.fixture
def broken() -> Iterator[str]:
    """The embedded checkpoint with a speak head whose arithmetic overflows once it is loaded."""
    load = RomaThinker.from_pretrained

    def broken_head(*arguments: object, **options: object) -> RomaThinker:
        thinker = load(*arguments, **options)
        assert thinker.speak_head is not None
        thinker.speak_head.fc2.bias.data.fill_(float("nan"))
        return thinker

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RomaThinker, "from_pretrained", broken_head)
        yield "roma_tiny"


def test_units_that_fault_are_said_counted_and_in_the_exit_code(
    broken: str, clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    events, plot = tmp_path / "events.jsonl", tmp_path / "timeline.png"
    arguments = ["--watch", "alert me when you hear a beep", "--model", str(broken), "--fast"]
    arguments += ["--events", str(events), "--plot", str(plot)]
    assert main(["run", str(clip), *arguments]) == 3
    captured = output(capfd)
    assert captured.err == (
        "roma: error: no unit was processed: 3 failed; could not step: JudgementError: p(speak) "
        "is nan; expected a number from 0 to 1: the model's arithmetic has overflowed, or its "
        "weights are damaged; try another dtype\n"
    )
    assert "3 units FAILED" in captured.summary
    assert captured.out.count("fault during step") == 1
    faults = [event for event in events_of(events) if event["event"] == "fault"]
    assert [(fault["count"], fault["seconds"]) for fault in faults] == [(1, 1), (2, 2), (3, 3)]
    assert "speak_probability" not in events.read_text()
    image = cv2.imread(str(plot))
    assert image is not None
    colour = tuple(reversed(bytes.fromhex(RED.removeprefix("#"))))  # OpenCV has BGR
    red = (abs(image.astype(int) - colour).sum(axis=2) < 12).sum()
    assert red > 1_000  # the notice and the hatching


def test_a_watch_that_cannot_be_opened_is_in_the_exit_code(
    clip: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--watch", "alert me when you hear a beep", "--context-seconds", "8000"]
    assert main(["run", str(clip), "--fast", *arguments]) == 3
    captured = output(capfd)
    warning, error = captured.err.splitlines()
    assert "context_seconds is 8000" in warning
    assert "at most 20 s" in warning
    assert error.startswith("roma: error: no unit was processed: 3 failed; could not open: Conte")
    assert "Traceback" not in captured.err
    assert "p(speak)" not in captured.out


def test_words_that_the_model_does_not_know_are_said_everywhere(
    clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    events, plot = tmp_path / "events.jsonl", tmp_path / "timeline.svg"
    arguments = ["--watch", "a dog barks", "--ask", "asdf qwer zxcv@1", "--fast"]
    arguments += ["--events", str(events), "--plot", str(plot)]
    assert main(["run", str(clip), *arguments]) == 0
    captured = output(capfd)
    known = "it knows the sounds beep, tone, burst, knock, word and the sights shape, circle"
    dog, question = captured.err.splitlines()
    assert dog.startswith(f"roma: warning: watch-1: roma_tiny knows no 'dog' or 'barks'; {known}")
    assert question.startswith(
        "roma: warning: question 'asdf qwer zxcv': roma_tiny knows no 'asdf' or 'qwer' or 'zxcv'"
    )
    warnings = [event for event in events_of(events) if event["event"] == "warning"]
    assert [(event["watch"], event["text"]) for event in warnings] == [
        ("watch-1", "a dog barks"),
        ("", "asdf qwer zxcv"),
    ]
    assert "no 'dog'" in warnings[0]["message"]
    assert plot.read_text().count("<!-- warning -->") == 2
    assert "WARNING" not in captured.out  # stderr has had it


def test_a_warning_quotes_only_the_beginning_of_a_long_text(
    clip: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    dogs = "\N{DOG FACE}"
    arguments = ["--watch", 60 * dogs, "--ask", f"{60 * dogs}@1"]
    assert main(["run", str(clip), "--fast", *arguments]) == 0
    lines = output(capfd).err.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.startswith("roma: warning: ")
        assert dogs in line
        assert line.count(dogs) <= 100  # the question is named by 40, and the warning has 60


@pytest.mark.parametrize(
    ("made", "instruction", "complaint"),
    [
        (Clip(audio=False, seconds=2), "alert me when you hear a beep", "needs audio, and the"),
        (Clip(video=False, seconds=2), "alert me when a star appears", "needs video, and the"),
        (Clip(seconds=2), "alert me when a star appears while a beep sounds", ""),
    ],
)
def test_an_instruction_for_a_sense_that_the_source_lacks_is_told(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    made: Clip,
    instruction: str,
    complaint: str,
) -> None:
    path = write_clip(tmp_path / "clip.mp4", made)
    assert main(["run", str(path), "--fast", "--watch", instruction]) == 0
    err = output(capfd).err
    assert complaint in err
    assert err.count("\n") == bool(complaint)
    if complaint:
        assert main(["run", str(path), "--fast", "--watch", instruction, "--strict"]) == 2


def test_an_example_of_the_help_is_known_to_the_default_model(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    lines = [line for line in output(capsys).out.splitlines() if "  roma run" in line]
    told = (line for line in lines if "--model" not in line)
    texts = [text for line in told for text in re.findall(r'--(?:watch|ask) "([^"]*)"', line)]
    vocabulary = RomaConfig.from_folder(resolve_folder("roma_tiny")).vocabulary
    assert vocabulary is not None
    assert len(texts) >= 2
    assert [vocabulary.warning(text, "roma_tiny") for text in texts] == [""] * len(texts)
