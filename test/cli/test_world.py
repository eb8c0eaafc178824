"""`roma world render`: a video and its ground truth."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from roma_ros.cli import main

from ..world.recorded import write_esc_10


def test_render_writes_a_film_and_its_annotations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    assert main(["world", "render", "--seed", "7", "--seconds", "4", str(out)]) == 0
    with av.open(str(out)) as film:
        assert film.streams.video[0].codec_context.name == "h264"
        assert film.duration == pytest.approx(4e6, abs=1e5)
    annotations = json.loads((tmp_path / "out.json").read_text())
    assert (annotations["seed"], annotations["seconds"]) == (7, 4)
    assert "out.json" in capsys.readouterr().out


def test_render_sights_over_footage(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in "abc":
        clip = clips / f"{name}.mp4"
        assert main(["world", "render", "--seconds", "1", "--size", "112x112", str(clip)]) == 0
    out = tmp_path / "out.mp4"
    options = ["--plot", "sights", "--footage", str(clips), "--seconds", "8", "--size", "112x112"]
    assert main(["world", "render", "--seed", "1", *options, str(out)]) == 0
    annotations = json.loads((tmp_path / "out.json").read_text())
    assert {alert["kind"] for alert in annotations["alerts"]} == {"sight"}
    assert {sight["kind"] for sight in annotations["sights"]} <= {
        *("dark", "dimmed", "covered", "frozen", "lamp")
    }
    assert annotations["segments"] == annotations["questions"] == []


def test_recordings_of_a_folder_are_played(tmp_path: Path) -> None:
    folder = write_esc_10(tmp_path / "esc10")
    arguments = ["--plot", "recordings", "--recordings", str(folder), "--seconds", "20"]
    arguments += ["--fps", "2", "--size", "56x56", str(tmp_path / "out.mp4")]
    assert main(["world", "render", *arguments]) == 0
    annotations = json.loads((tmp_path / "out.json").read_text())
    assert {sound["kind"] for sound in annotations["sounds"]} <= {"dog", "rain", "waves", "baby"}
    assert all(sound["recording"].endswith("-A.wav") for sound in annotations["sounds"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--footage", "nowhere", "x.mp4"], "--footage is for --plot sights"),
        (["--plot", "sights", "--footage", "nowhere", "x.mp4"], "nowhere is not a folder"),
        (["--seed", "-1", "x.mp4"], "the seed is -1"),
        (["--seconds", "0", "x.mp4"], "0 s;"),
        (["--size", "57x61", "x.mp4"], "even"),
        (["--fps", "500", "x.mp4"], "2 to 120"),
        (["x.avi"], "ends in .mp4"),
        (["nowhere/x.mp4"], "nowhere is not a folder"),
        (["--recordings", "none", "x.mp4"], "none is not a folder; expected one of recordings"),
        (["--plot", "recordings", "x.mp4"], "expected a folder of recordings to play"),
    ],
)
def test_what_cannot_be_rendered_is_said_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["world", "render", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_size_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["world", "render", "--size", "big", "x.mp4"])
    assert "WIDTHxHEIGHT" in capsys.readouterr().err
