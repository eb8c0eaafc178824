"""`roma data` and `roma label`, from clips and labels to a file of samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roma_ros.cli.main import main
from roma_ros.data import read_labels, read_samples
from roma_ros.data.skip_log import SkipLog
from roma_ros.events import Alert
from roma_ros.journal import Header, Record, encode

from ..clips import Clip, write_clip

LABELS = """\
file,kind,text,start,end,answer
a.mp4,alert,the doorbell rings,1,2,
b.mp4,alert,the doorbell rings,,,
a.mp4,question,How often?,2.5,,once
gone.mp4,alert,x,1,2,
"""


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("a", "b"):
        write_clip(folder / f"{name}.mp4", Clip(seconds=3))
    (folder / "b.srt").write_text("1\n00:00:00,500 --> 00:00:02,000\nNothing happens.\n")
    (tmp_path / "labels.csv").write_text(LABELS)
    return folder


def test_clips_and_labels_become_samples(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "train.jsonl"
    labels = tmp_path / "labels.csv"
    arguments = ["data", "build", "clips", "--clips", str(clips), "--labels", str(labels)]
    assert main([*arguments, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "4 samples on 2 videos" in printed
    assert "4 kept, 1 skipped (no video: 1)" in printed
    samples = {sample.id: sample for sample in read_samples(out)}
    assert sorted(samples) == ["a-alert-0", "a-question-2", "b-alert-1", "b-subtitles"]
    assert [answer.unit for answer in samples["a-alert-0"].answers] == [1]
    assert samples["b-alert-1"].answers == ()
    assert samples["a-question-2"].answers[0].time == 3.0
    assert samples["b-subtitles"].answers[0].time == 2.0
    assert samples["a-alert-0"].video == ("clips/a.mp4",)
    report = json.loads((tmp_path / "train.report.json").read_text())
    assert report["kept"] == 4
    assert report["skipped"] == {"no video": 1}
    assert (tmp_path / "train.sheet.png").stat().st_size > 10_000
    assert main([*arguments, "--out", str(out), "--strict"]) == 2
    assert "line 5: gone.mp4 is not in" in capsys.readouterr().err
    assert main(["data", "check", str(out)]) == 0
    assert "4 kept" in capsys.readouterr().out
    (clips / "a.mp4").unlink()
    assert main(["data", "check", str(out)]) == 1
    assert "2 kept, 2 skipped (no video: 2)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clips", "--out", "x.jsonl"], "--clips is missing"),
        (["didemo", "--out", "x.jsonl", "--videos", "."], "--annotations is missing"),
        (["didemo", "--out", "x.csv"], "ends in .jsonl or .json"),
        (["didemo", "--out", "no/x.json"], "is not a folder; create it first"),
        (["didemo", "--out", "x.json", "--clips", "."], "--videos is missing"),
        (["clips", "--out", "x.json", "--clips", "gone"], "gone is no folder"),
        (["clips", "--out", "x.json", "--clips", ".", "--videos", "."], "--videos is given"),
        (["clips", "--out", "x.json", "--clips", ".", "--negatives", "-1"], "negatives is -1"),
        (
            ["didemo", "--out", "x.json", "--videos", ".", "--annotations", "gone.json"],
            "gone.json cannot be read",
        ),
        (
            ["coin", "--out", "x.json", "--videos", ".", "--keep-gaps", "--cut-gaps"],
            "--keep-gaps and --cut-gaps",
        ),
    ],
)
def test_a_wrong_argument_is_named(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["data", "build", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_no_sample_at_all_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.jsonl"
    assert main(["data", "build", "clips", "--clips", str(tmp_path), "--out", str(out)]) == 1
    assert "no sample could be made" in capsys.readouterr().err


def test_labels_start_from_the_events_of_a_run(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events.jsonl"
    alert = Alert(
        stream=0,
        stamp=2 * 10**9,
        unit=1,
        watch="door",
        instruction="tell me when the doorbell rings",
        text="",
        p_speak=0.9,
    )
    lines = [encode(Header(source=("a.mp4",), model="m"))]
    lines.append(encode(Record(event=alert, sequence=1, seconds=2.0)))
    events.write_bytes(b"".join(lines) + b"{broken\n")
    clip = clips / "a.mp4"
    assert main(["label", str(clip), "--from", str(events)]) == 0
    out = clips / "a.labels.csv"
    assert "1 labels to check; 1 lines cannot be read" in capsys.readouterr().out
    (label,) = read_labels(out, SkipLog(strict=True))
    assert (label.file, label.kind, label.start, label.end) == ("a.mp4", "alert", 1, 2)
    assert main(["label", str(clip), "--from", str(events)]) == 2
    assert "--overwrite replaces it" in capsys.readouterr().err
    assert main(["label", str(clip), "--from", str(events), "--overwrite"]) == 0
    samples = tmp_path / "train.jsonl"
    arguments = ["--clips", str(clips), "--labels", str(out), "--out", str(samples)]
    assert main(["data", "build", "clips", *arguments]) == 0
    first = read_samples(samples)[0]
    assert first.queries[0].text == "tell me when the doorbell rings"
    assert main(["label", str(tmp_path / "no.mp4"), "--from", str(events)]) == 2
    assert "does not exist" in capsys.readouterr().err
    events.write_bytes(lines[0])
    assert main(["label", str(clip), "--from", str(events), "--overwrite"]) == 2
    assert "has no alert, narration or answer" in capsys.readouterr().err
