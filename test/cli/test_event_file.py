"""EventFile: one JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

from roma_ros.cli.event_file import NAMES, EventFile
from roma_ros.cli.main import main
from roma_ros.events import Event, Lag, SpeakProbability
from roma_ros.lag import LagPolicy


def test_every_kind_of_event_has_a_name() -> None:
    assert set(NAMES) == set(get_args(Event))


def test_lines_are_there_at_once_and_are_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with EventFile(path) as file:
        file.take(
            SpeakProbability(
                stream=1,
                stamp=12_500_000_000,
                unit=4,
                watch="дверь",
                p_speak=float("nan"),
                threshold=0.5,
                triggered=False,
            ),
            2.5,
        )
        assert json.loads(path.read_text()) == {
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
        file.take(
            Lag(
                stream=1,
                stamp=13_500_000_000,
                policy=LagPolicy.AUDIO_ONLY,
                dropped=0,
                audio_only=2,
                recovered=True,
            ),
            3.5,
        )
    second = json.loads(path.read_text().splitlines()[1])
    assert (second["event"], second["policy"], second["audio_only"]) == ("lag", "audio_only", 2)


def test_a_run_that_cannot_start_leaves_files_alone(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("of the last run\n")
    with EventFile(file):
        pass
    assert file.read_text() == "of the last run\n"
    assert main(["run", str(file), "--events", str(file)]) == 2
    assert main(["run", "no-such.mp4", "--events", str(file)]) == 2
    assert file.read_text() == "of the last run\n"
