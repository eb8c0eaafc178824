"""EventFile: a header and one JSON object a line, in the schema of the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roma_ros.cli.event_file import STDOUT, EventFile
from roma_ros.cli.main import main
from roma_ros.events import Lag, LagPolicy, SpeakProbability
from roma_ros.journal import Header, Record, read_lines

HEADER = Header(source=("clip.mp4",), model="roma_tiny")
PROBABILITY = SpeakProbability(
    stream=1,
    stamp=12_500_000_000,
    unit=4,
    watch="дверь",
    p_speak=float("nan"),
    threshold=0.5,
    triggered=False,
)
LAG = Lag(
    stream=1,
    stamp=13_500_000_000,
    policy=LagPolicy.AUDIO_ONLY,
    dropped=0,
    audio_only=2,
    recovered=True,
)


def test_lines_are_there_at_once_and_are_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with EventFile(path, HEADER) as file:
        file.take(PROBABILITY, 2.5)
        header, first = path.read_text().splitlines()
        assert json.loads(header)["source"] == ["clip.mp4"]
        assert json.loads(first) == {
            "sequence": 1,
            "event": "speak_probability",
            "seconds": 2.5,
            "stamp_ns": 12_500_000_000,
            "stream": 1,
            "unit": 4,
            "watch": "дверь",
            "p_speak": None,
            "threshold": 0.5,
            "triggered": False,
        }
        file.take(LAG, 3.5)
    _, _, second = read_lines(path)
    assert second == Record(event=LAG, sequence=2, seconds=3.5)


def test_a_dash_is_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with EventFile(STDOUT, HEADER) as file:
        file.take(LAG, 3.5)
    lines = capsysbinary.readouterr().out.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["header", "lag"]


def test_a_run_that_cannot_start_leaves_files_alone(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("of the last run\n")
    with EventFile(file, HEADER):
        pass
    assert file.read_text() == "of the last run\n"
    assert main(["run", str(file), "--events", str(file)]) == 2
    assert main(["run", "no-such.mp4", "--events", str(file)]) == 2
    assert file.read_text() == "of the last run\n"
