"""Timeline: what is drawn, whatever there is to draw."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from roma_ros import plot_style
from roma_ros.cli.timeline import HISTORY, Timeline
from roma_ros.events import (
    Alert,
    Answer,
    Fault,
    InstructionWarning,
    Lag,
    LagPolicy,
    Narration,
    SpeakProbability,
    StreamStart,
    StreamStarted,
)
from roma_ros.watch import Watch, WatchKind

DOOR = Watch(id="door", kind=WatchKind.ALERT, instruction="alert me: the door", threshold=0.6)
STORY = Watch(id="story", kind=WatchKind.NARRATION, instruction="narrate", threshold=0.9)
RED = np.array([int(plot_style.RED[at : at + 2], 16) for at in (5, 3, 1)])  # BGR


def probability(second: int, value: float, watch: Watch | None = DOOR) -> SpeakProbability:
    return SpeakProbability(
        stream=0,
        stamp=second * 1_000_000_000,
        unit=second - 1,
        watch=watch.id if watch else "",
        p_speak=value,
        threshold=watch.threshold if watch else 1.0,
        triggered=False,
    )


def alert(second: int, text: str = "") -> Alert:
    return Alert(
        stream=0,
        stamp=second * 1_000_000_000,
        unit=second - 1,
        watch="door",
        instruction=DOOR.instruction,
        text=text,
        p_speak=0.9,
    )


def draw(timeline: Timeline, path: Path) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        timeline.draw(path)
    image = cv2.imread(str(path))
    assert image is not None
    margins = [image[:15], image[-15:], image[:, :15], image[:, -15:]]
    assert all((margin > 250).all() for margin in margins), "something reaches over the edge"
    return np.asarray(image)


def red_pixels(image: np.ndarray) -> int:
    return int((np.abs(image.astype(int) - RED).sum(axis=2) < 12).sum())


def test_nothing_happened(tmp_path: Path) -> None:
    image = draw(Timeline("nothing", [DOOR, STORY]), tmp_path / "t.png")
    assert (image < 128).any()
    assert not red_pixels(image)


def fault(second: int, watch: str = "", during: str = "encode", count: int = 1) -> Fault:
    return Fault(
        stream=0,
        stamp=second * 1_000_000_000,
        watch=watch,
        during=during,
        error="UnitShapeError: odd",
        restarted=False,
        count=count,
    )


@pytest.mark.slow
def test_units_without_a_judgement_are_hatched_and_noticed(tmp_path: Path) -> None:
    timeline = Timeline("faults", [DOOR, STORY])
    quiet = Timeline("faults", [DOOR, STORY])
    for second in range(1, 61):
        for watch in (DOOR, STORY):
            quiet.take(probability(second, 0.01, watch), float(second))
        if second > 30:
            timeline.take(fault(second, count=second - 30), float(second))
        else:
            for watch in (DOOR, STORY):
                timeline.take(probability(second, 0.01, watch), float(second))
    assert not red_pixels(draw(quiet, tmp_path / "q.png"))
    assert red_pixels(draw(timeline, tmp_path / "t.png")) > 5_000
    draw(timeline, tmp_path / "t.png")
    timeline.draw(tmp_path / "t.svg")
    text = (tmp_path / "t.svg").read_text()
    assert "30 units FAILED" in text
    assert text.count("<!-- note -->") == 2  # the first fault and the tenth


def test_a_fault_of_one_watch_is_in_its_lane_alone() -> None:
    timeline = Timeline("faults", [DOOR, STORY])
    for second, during in ((1, "open"), (2, "step"), (3, "step"), (7, "step"), (8, "answer")):
        timeline.take(fault(second, "door", during), float(second))
    assert timeline._lanes["door"].failed_spans() == [(0.0, 3.0), (6.0, 7.0)]
    assert timeline._lanes["story"].failed_spans() == []


def test_a_warning_is_listed(tmp_path: Path) -> None:
    timeline = Timeline("warning", [DOOR])
    timeline.take(
        InstructionWarning(stream=-1, stamp=0, watch="door", text="x", message="knows no 'door'"),
        0.0,
    )
    timeline.draw(tmp_path / "t.svg")
    assert "knows no 'door'" in (tmp_path / "t.svg").read_text()


def test_no_watch_at_all(tmp_path: Path) -> None:
    timeline = Timeline("no watch")
    timeline.take(probability(1, 0.99, None), 1.0)
    assert not red_pixels(draw(timeline, tmp_path / "t.png"))


def test_what_reaches_the_threshold_is_red(tmp_path: Path) -> None:
    counts = []
    for high in (0.1, 0.9):
        timeline = Timeline("door", [DOOR])
        for second in range(1, 10):
            timeline.take(probability(second, high if second in (4, 5) else 0.1), float(second))
        counts.append(red_pixels(draw(timeline, tmp_path / f"{high}.png")))
    assert counts[0] == 0
    assert counts[1] > 500


@pytest.mark.slow
def test_all_that_can_happen_is_listed(tmp_path: Path) -> None:
    timeline = Timeline("all", [DOOR, STORY])
    before = draw(timeline, tmp_path / "before.png")
    timeline.take(StreamStarted(stream=0, stamp=1, reason=StreamStart.FIRST), 1.0)
    assert draw(timeline, tmp_path / "first.png").shape == before.shape
    timeline.take(alert(2), 2.0)
    timeline.take(
        Narration(
            stream=0,
            stamp=3,
            unit=2,
            watch="story",
            instruction="narrate",
            text="It rains.",
            p_speak=0.95,
        ),
        3.0,
    )
    timeline.take(
        Answer(
            stream=0,
            stamp=4,
            unit=3,
            watch="",
            question="What?",
            text="Rain.",
            latency=0.1,
            finished=True,
            kept=False,
        ),
        4.0,
    )
    timeline.take(
        Lag(
            stream=0,
            stamp=5,
            policy=LagPolicy.DROP_OLDEST,
            dropped=2,
            audio_only=0,
            recovered=False,
        ),
        5.0,
    )
    after = draw(timeline, tmp_path / "after.png")
    assert after.shape[0] > before.shape[0] + 4 * 30


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "word " * 200,
        "W" * 900,
        "$x_{1}^ \\frac{a}",
        '%s {0} <b> & "',
        "它在下雨。" * 60,
        "\x1b[31m\n\t",
    ],
)
def test_any_text_stays_on_the_page(tmp_path: Path, text: str) -> None:
    watch = Watch(id="door", kind=WatchKind.ALERT, instruction=("." + text)[:500], threshold=0.6)
    timeline = Timeline(text, [watch])
    for second in range(1, 30):
        timeline.take(probability(second, 0.5), float(second))
        timeline.take(alert(second, text), float(second))
    assert draw(timeline, tmp_path / "t.png").shape[1] == 1650


def test_a_long_run_is_bounded_in_memory_and_on_the_page(tmp_path: Path) -> None:
    timeline = Timeline("long", [DOOR])
    for second in range(1, HISTORY + 5_000):
        timeline.take(probability(second, (second % 100) / 100), float(second))
        if second % 10 == 0:
            timeline.take(alert(second), float(second))
    assert len(timeline._lanes["door"].points) == HISTORY
    image = draw(timeline, tmp_path / "t.png")
    assert image.shape[0] < 1_800


def test_a_line_is_broken_where_units_are_missing() -> None:
    timeline = Timeline("gap", [DOOR])
    for second in (1, 2, 7, 8, 3):
        timeline.take(probability(second, 0.5), float(second))
    seconds, values, thresholds = timeline._lanes["door"].steps()
    assert seconds[~np.isnan(values)].tolist() == [0, 1, 1, 2, 6, 7, 7, 8, 2, 3]
    assert np.isnan(values).sum() == np.isnan(thresholds).sum() == 2


@pytest.mark.parametrize(("name", "start"), [("t.svg", b"<?xml"), ("t.pdf", b"%PDF")])
def test_other_formats(tmp_path: Path, name: str, start: bytes) -> None:
    timeline = Timeline("formats", [DOOR])
    timeline.take(alert(1, "a bell"), 1.0)
    timeline.draw(tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.slow
def test_it_needs_neither_torch_nor_ros() -> None:
    code = (
        "import sys, roma_ros.cli.timeline\n"
        "sys.exit(' '.join({'torch', 'rclpy', 'matplotlib.pyplot'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
