"""Live view of a run on a terminal."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from roma_ros.cli.event_text import EventLine, LineKind
from roma_ros.cli.source_time import SourceTime
from roma_ros.cli.text import clock, one_line
from roma_ros.events import Event, SpeakProbability
from roma_ros.watch import Watch

if TYPE_CHECKING:  # playback imports torch, which takes seconds
    from roma_ros.cli.playback import Progress

__all__ = ["LiveView"]

BARS = "▁▂▃▄▅▆▇█"
HISTORY = 240  # units; more than a terminal is wide
INTERVAL = 0.1  # seconds between two redraws
STYLES = {
    LineKind.ALERT: "bold red",
    LineKind.NARRATION: "green",
    LineKind.ANSWER: "cyan",
    LineKind.NOTE: "yellow",
    LineKind.WARNING: "yellow",
}


@dataclass(slots=True)
class _Lane:
    """Last values of p(speak) of one watch, and its number of triggers."""

    name: str
    threshold: float
    values: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))
    triggers: int = 0

    def sparkline(self, width: int) -> Text:
        """Return a bar per value, the newest on the right, red at or above the threshold."""
        text = Text()
        shown = list(self.values)[-width:]
        text.append(" " * (width - len(shown)))
        for value in shown:
            bar = BARS[min(int(value * len(BARS)), len(BARS) - 1)] if value >= 0 else "?"
            text.append(bar, style="bold red" if value >= self.threshold else "blue")
        return text


class LiveView:
    """Panel with p(speak) of each watch and the speed; events are printed as lines above it.

    Use as a context manager.

    Args:
        console: terminal to draw on.
        title: title of the panel, such as the source's name.
        watches: watches to show, one lane each.
    """

    def __init__(self, console: Console, *, title: str, watches: Sequence[Watch]) -> None:
        self._console = console
        self._title = one_line(title)
        self._lanes = {
            watch.id: _Lane(f"{watch.id}  {one_line(watch.instruction)}", watch.threshold)
            for watch in watches
        } or {"": _Lane("no watch", 1.0)}
        self._progress: Progress | None = None
        self._drawn = 0.0
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> LiveView:
        self._live.start()
        self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        self._draw()
        self._live.stop()

    def take(self, event: Event, seconds: float, source: SourceTime | None = None) -> None:
        """Show an event that happened `seconds` after the run's beginning."""
        if isinstance(event, SpeakProbability):
            lane = self._lanes[event.watch]
            lane.values.append(event.p_speak)
            lane.triggers += event.triggered
            return
        line = EventLine.of(event, seconds)
        if line is not None and line.kind is not LineKind.WARNING:  # already on stderr
            self._print(line, f"{clock(seconds):>8}" if source is None else str(source))

    def refresh(self, progress: Progress) -> None:
        """Redraw, at most once per `INTERVAL`."""
        self._progress = progress
        if time.monotonic() - self._drawn >= INTERVAL:
            self._draw()

    def _print(self, line: EventLine, when: str) -> None:
        """Print a line above the panel, where it stays."""
        text = Text.assemble(
            (f"{when}  ", "dim"),
            (line.kind.value.upper(), STYLES[line.kind]),
            (f" {line.watch}: " if line.watch else ": "),
            line.text,
        )
        self._console.print(text)

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        self._live.update(self._panel(), refresh=True)

    def _panel(self) -> RenderableType:
        return Panel(
            Group(self._probabilities(), Text(), self._figures()),
            title=Text(self._title, style="bold"),
            title_align="left",
            border_style="dim",
            padding=(1, 2),
        )

    def _probabilities(self) -> Table:
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(justify="right", no_wrap=True, style="dim")
        width = max(10, self._console.width // 2 - 18)
        for lane in self._lanes.values():
            newest = lane.values[-1] if lane.values else None
            value = "-" if newest is None else f"{newest:.3f}"
            high = newest is not None and newest >= lane.threshold
            table.add_row(
                Text(lane.name),
                lane.sparkline(width),
                Text(value, style="bold red" if high else ""),
                f"≥ {lane.threshold:g}  ×{lane.triggers}"
                if lane.threshold < 1 or lane.triggers
                else "",
            )
        return table

    def _figures(self) -> Text:
        if (now := self._progress) is None:
            return Text("waiting for the first unit", style="dim")
        words = [
            clock(now.seconds),
            f"{now.units} units",
            f"real-time factor {now.real_time_factor:.2f}",
            f"step p50 {now.step_p50 * 1e3:.0f} ms, p99 {now.step_p99 * 1e3:.0f} ms",
            f"backlog {now.backlog}",
        ]
        if now.dropped or now.audio_only:
            words.append(f"skipped {now.dropped}, audio only {now.audio_only}")
        failed = f"{now.failed} units FAILED · " if now.failed else ""
        return Text.assemble((failed, "bold red"), (" · ".join(words), "dim"))
