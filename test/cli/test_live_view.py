"""LiveView, on a terminal in memory."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from roma_ros.cli.live_view import LiveView
from roma_ros.cli.playback import Progress
from roma_ros.events import Answer, SpeakProbability
from roma_ros.watch import Watch, WatchKind

DOOR = Watch(id="door", kind=WatchKind.ALERT, instruction="[red]the door " * 20, threshold=0.6)


def probability(value: float, watch: str = "door", threshold: float = 0.6) -> SpeakProbability:
    return SpeakProbability(
        stream=0,
        stamp=1,
        unit=0,
        watch=watch,
        p_speak=value,
        threshold=threshold,
        triggered=value >= threshold,
    )


def shown(view: LiveView, console: Console) -> str:
    with console.capture() as capture:
        console.print(view._panel())
    return capture.get()


def terminal(width: int = 100) -> Console:
    return Console(
        file=io.StringIO(), width=width, height=30, force_terminal=True, color_system=None
    )


@pytest.mark.parametrize("width", [40, 80, 200])
def test_values_are_bars_and_the_newest_is_on_the_right(width: int) -> None:
    console = terminal(width)
    view = LiveView(console, title="a [b] c", watches=[DOOR])
    for value in (0.0, 0.5, 1.0, float("nan"), 0.7):
        view.take(probability(value), 1.0)
    text = shown(view, console)
    assert "▁▅█?▆" in text
    assert "0.700" in text
    assert "≥ 0.6  ×2" in text
    assert "a [b] c" in text
    assert max(len(line) for line in text.splitlines()) == width


def test_a_run_without_a_watch() -> None:
    console = terminal()
    view = LiveView(console, title="title", watches=[])
    view.take(probability(0.99, "", 1.0), 1.0)
    text = shown(view, console)
    assert "0.990" in text
    assert "≥" not in text


def test_what_happens_is_told_above_in_full() -> None:
    console = terminal(60)
    answer = Answer(
        stream=0,
        stamp=1,
        unit=0,
        watch="door",
        question="Who?",
        text="[bold]Nobody[/bold] \x1b[2J " + "at all " * 30 + "end.",
        latency=0.1,
        finished=True,
        kept=False,
    )
    with LiveView(console, title="title", watches=[DOOR]) as view:
        view.take(answer, 75.0)
        view.refresh(Progress(units=3, seconds=3.0, busy=1.5, backlog=1, dropped=2))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "1:15  ANSWER door: Who? → [bold]Nobody[/bold] [2J at all" in text
    assert "end." in text
    assert "\x1b[2J" not in text
    assert "real-time factor 0.50" in text
    assert "backlog 1" in text
    assert "skipped 2" in text


def test_units_without_a_judgement_are_told() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=30)
    with LiveView(console, title="title", watches=[DOOR]) as view:
        view.refresh(Progress(units=3, failed=2))
    assert isinstance(console.file, io.StringIO)
    assert "2 units FAILED" in console.file.getvalue()
