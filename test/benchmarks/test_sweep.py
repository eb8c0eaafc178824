"""Sweeps: the setting is chosen on the validation part, and the rest is scored once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.registry import score
from roma_ros.benchmarks.score import ScoreSettings, ScoringProtocol
from roma_ros.benchmarks.sweep import sweep_scores, validation_rows

from .small import lines, write

ROMA, ONLINE = ScoringProtocol.ROMA, ScoringProtocol.ONLINE
NAMES = [f"video {number}" for number in range(60)]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Events with p of about 0.6 for three seconds, and blips of one second with p of 0.9."""
    dice = random.Random(0)
    rows, streams = [], []
    for name in NAMES:
        start = dice.randint(5, 20)
        p = [dice.uniform(0, 0.4) for _ in range(30)]
        p[start : start + 3] = [0.6, 0.61, 0.62]
        p[2] = 0.9
        rows.append({"id": name, "answer": {"segment": [start, start + 4]}})
        streams.append({"id": name, "p": p})
    return write(tmp_path, "rows", lines(rows)), write(tmp_path, "p", lines(streams))


def test_the_best_setting_is_found_and_holds_on_the_rest(files: tuple[Path, Path]) -> None:
    result = sweep_scores(
        "omnimmi_pa", ONLINE, *files, thresholds=(0.3, 0.5, 0.8), windows=(1, 2, 4)
    )
    assert result.figure == "alert F1"
    assert (result.best.threshold, result.best.window) == (0.5, 2)
    assert len(result.points) == 9
    assert result.rest.figure("alert F1").value == 100
    assert result.best.score.rows + result.rest.rows == 60
    assert 5 <= result.best.score.rows <= 20


def test_the_rest_does_not_move_the_choice(files: tuple[Path, Path], tmp_path: Path) -> None:
    rows, streams = files
    chosen = validation_rows(dict.fromkeys(NAMES), 0.2)
    changed = [
        line if any(f'"{name}"' in line for name in chosen) else line.replace("0.9", "0.1")
        for line in streams.read_text().splitlines(keepends=True)
    ]
    settings = {"thresholds": (0.5, 0.8), "windows": (1, 2)}
    first = sweep_scores("omnimmi_pa", ROMA, *files, **settings)
    other = write(tmp_path, "changed", "".join(changed))
    second = sweep_scores("omnimmi_pa", ROMA, rows, other, **settings)
    assert first.points == second.points
    assert first.best == second.best


def test_a_point_is_the_score_of_its_part(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = sweep_scores("omnimmi_pa", ROMA, *files, thresholds=(0.5,), windows=(3,), share=0.5)
    chosen = validation_rows(dict.fromkeys(NAMES), 0.5)
    rows, streams = (
        write(
            tmp_path,
            f"{file.name} part",
            "".join(
                line
                for line in file.read_text().splitlines(keepends=True)
                if any(f'"{name}"' in line for name in chosen)
            ),
        )
        for file in files
    )
    alone = score("omnimmi_pa", ROMA, rows, streams, ScoreSettings(threshold=0.5, window=3))
    assert result.points[0].score == alone


def test_rows_of_one_video_are_on_one_side() -> None:
    class Row:
        def __init__(self, video: str) -> None:
            self.video = video

    rows = {str(number): Row(f"v{number // 5}") for number in range(100)}
    chosen = validation_rows(rows, 0.5)
    assert 20 < len(chosen) < 80
    assert all(len({str(5 * v + k) in chosen for k in range(5)}) == 1 for v in range(20))


def test_only_windows_are_swept_where_there_is_no_threshold(tmp_path: Path) -> None:
    row = {
        "query": "q",
        "duration": 6,
        "relevant_clip_ids": [],
        "saliency_scores": [],
        "relevant_windows": [[2, 3]],
    }
    rows = [{**row, "qid": number, "vid": f"v{number}_0_6"} for number in range(20)]
    streams = [{"id": number, "p": [0.1, 0.2, 0.9, 0.8, 0.1, 0.0]} for number in range(20)]
    result = sweep_scores(
        "qvhighlights",
        ROMA,
        write(tmp_path, "rows", lines(rows)),
        write(tmp_path, "p", lines(streams)),
        thresholds=(0.1, 0.9),
        windows=(1, 2),
    )
    assert [(point.threshold, point.window) for point in result.points] == [(None, 1), (None, 2)]


@pytest.mark.parametrize(
    ("name", "protocol", "change", "message"),
    [
        ("didemo", ROMA, {}, "didemo has no protocol roma for streams of p.*; expected online"),
        ("omnimmi_pa", ROMA, {"figure": "mAP"}, "figure 'mAP' is none of accuracy"),
        ("omnimmi_pa", ROMA, {"share": 1.0}, "share is 1; expected a number between 0 and 1"),
        ("omnimmi_pa", ROMA, {"share": 0.0001}, "no stream is in the validation part; give more"),
        ("omnimmi_pa", ROMA, {"thresholds": (2.0,)}, "threshold is 2; expected a number in"),
    ],
)
def test_what_cannot_be_swept(
    files: tuple[Path, Path], name: str, protocol: ScoringProtocol, change: dict, message: str
) -> None:
    settings = {"thresholds": (0.5,), "windows": (1,), **change}
    with pytest.raises(BenchmarkError, match=message):
        sweep_scores(name, protocol, *files, **settings)
