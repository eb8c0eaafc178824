"""A picture of a run: p(speak) of every watch, thresholds, and all that was said, over time.

Needs neither torch nor ROS.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from roma_ros.cli.event_text import Happening, Kind
from roma_ros.cli.fitting import fitted, wrapped
from roma_ros.cli.source_time import SourceTime
from roma_ros.cli.text import clock, one_line
from roma_ros.events import Event, Fault, SpeakProbability
from roma_ros.plot_style import AMBER, BLUE, FAINT, GREEN, GRID, INK, PURPLE, RED, RED_TINT
from roma_ros.watch import Watch

__all__ = ["FORMATS", "Timeline"]

FORMATS = (".png", ".svg", ".pdf")
HISTORY = 6 * 3600  # units of each watch, and things said: what is older is not shown
LISTED = 24  # things said that have a number and are told below the lanes: the newest

CURVE, HIGH, HATCHED = BLUE, RED, RED_TINT
COLOURS = {
    Kind.ALERT: HIGH,
    Kind.NARRATION: GREEN,
    Kind.ANSWER: PURPLE,
    Kind.NOTE: AMBER,
    Kind.WARNING: AMBER,
}
FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Micro Hei")

# Inches.
WIDTH, LEFT, RIGHT = 11.0, 0.8, 0.75
TOP, BOTTOM, MARGIN = 0.62, 0.3, 0.25
NOTICE_ROW = 0.22
LANE, AXIS, LIST_GAP = 1.05, 0.5, 0.2
TITLE_ROW, NUMBER_ROW, TEXT_ROW, ENTRY_GAP = 0.3, 0.22, 0.19, 0.07
NUMBER_WIDTH = 0.24
NUMBER_ROWS = 4
TEXT_AT = (0.0, 0.3, 1.15, 2.1)  # number, time, kind, text

TEXT_LINES = 3  # at most
TITLE_SIZE, LANE_SIZE, TEXT_SIZE = 13.0, 9.5, 9.0  # points
JUDGING = ("open", "encode", "hear")  # faults in these cost a unit its p(speak)
DENSE = 600  # units, from which on thin lines are drawn
TICKS = 12
TICK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)  # seconds


@dataclass(slots=True)
class _Lane:
    """One watch: p(speak) as (seconds at the unit's end, value, threshold), and the ends of the
    units that a fault has left without one."""

    title: str
    points: deque[tuple[float, float, float]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    unjudged: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def unjudged_spans(self) -> list[tuple[float, float]]:
        """Begin and end, in seconds, of each run of units without a p(speak)."""
        spans: list[tuple[float, float]] = []
        for end in self.unjudged:
            if spans and end - 1.0 <= spans[-1][1] + 0.5:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((end - 1.0, end))
        return spans

    def steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(n,) seconds, values and thresholds of a line with a step for each unit.

        It is broken (NaN) where a unit does not follow on the one before.
        """
        seconds, values, thresholds = [], [], []
        last = None
        for end, value, threshold in self.points:
            if last is not None and not 0.5 < end - last < 1.5:
                seconds.append(end)
                values.append(np.nan)
                thresholds.append(np.nan)
            seconds += [end - 1.0, end]
            values += [value, value]
            thresholds += [threshold, threshold]
            last = end
        return np.array(seconds), np.array(values), np.array(thresholds)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something that was said, with its number, and the lines in which it is told."""

    number: int
    happening: Happening
    lines: tuple[str, ...]

    @property
    def height(self) -> float:
        return TEXT_ROW * len(self.lines) + ENTRY_GAP


class Timeline:
    """Collects a run's events, a bounded number of them, and draws them.

    Args:
        title: of the picture, such as the source's name.
        watches: one lane each, in this order.
    """

    def __init__(self, title: str, watches: Sequence[Watch] = ()) -> None:
        self.title = title
        self._lanes = {
            watch.id: _Lane(f"{watch.id}: {one_line(watch.instruction)}") for watch in watches
        } or {"": _Lane("without a watch")}
        self._happenings: deque[Happening] = deque(maxlen=HISTORY)

    def take(self, event: Event, seconds: float, source: SourceTime | None = None) -> None:
        """Collect an event that happened `seconds` after the run's beginning."""
        if isinstance(event, SpeakProbability):
            self._lanes[event.watch].points.append((seconds, event.p_speak, event.threshold))
            return
        if isinstance(event, Fault) and event.during in JUDGING:
            self._take_fault(event, seconds)
        happening = Happening.of(event, seconds)
        if happening is not None and source is not None:
            happening = replace(happening, text=f"{source}: {happening.text}")
        if happening is not None:
            self._happenings.append(happening)

    def _take_fault(self, fault: Fault, seconds: float) -> None:
        """Mark the unit in the lane of the watch that was not judged, or in all of them."""
        lanes = [self._lanes[fault.watch]] if fault.watch in self._lanes else self._lanes.values()
        for lane in lanes:
            if not lane.unjudged or lane.unjudged[-1] != seconds:
                lane.unjudged.append(seconds)

    @property
    def _notice(self) -> str:
        """What must not be overlooked; empty if there is nothing."""
        unjudged = {seconds for lane in self._lanes.values() for seconds in lane.unjudged}
        if not unjudged:
            return ""
        seen = "1 unit was" if len(unjudged) == 1 else f"{len(unjudged)} units were"
        return f"{seen} NOT JUDGED (hatched): nothing that happened there was noticed"

    def draw(self, path: Path) -> None:
        """Write the picture; the name's ending (.png, .svg or .pdf) says in which format.

        Raises:
            OSError: it cannot be written.
        """
        families = [name for name in FONTS if name in font_manager.get_font_names()]
        # Text is a user's or a model's: a dollar sign in it starts no formula.
        style = {"font.family": families or ["sans-serif"], "text.parse_math": False}
        with mpl.rc_context(style), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            self._figure().savefig(path, dpi=150)

    def _figure(self) -> Figure:
        entries = self._entries()
        begin, end = self._span()
        rows = {
            watch: _rows(self._of_lane(entries, watch), (end - begin) / (WIDTH - LEFT - RIGHT))
            for watch in self._lanes
        }
        above = {
            watch: TITLE_ROW + NUMBER_ROW * (1 + max(rows[watch].values(), default=-1))
            for watch in self._lanes
        }
        listed = sum(entry.height for entry in entries) + TEXT_ROW + LIST_GAP
        top = TOP + (NOTICE_ROW if self._notice else 0)
        height = top + sum(above.values()) + LANE * len(self._lanes) + AXIS + listed + BOTTOM
        figure = Figure(figsize=(WIDTH, height), facecolor="white")
        title = fitted(self.title, WIDTH - LEFT - MARGIN, size=TITLE_SIZE, weight="bold")
        _text(figure, LEFT, height - 0.38, title, size=TITLE_SIZE, weight="bold")
        if self._notice:
            y = height - 0.38 - NOTICE_ROW
            _text(figure, LEFT, y, self._notice, size=TEXT_SIZE, weight="bold", colour=HIGH)
        y = height - top
        axes = None
        for watch, lane in self._lanes.items():
            y -= above[watch] + LANE
            axes = _add_axes(figure, y, begin, end)
            _draw_lane(axes, lane)
            title = fitted(lane.title, WIDTH - LEFT - MARGIN, size=LANE_SIZE)
            _text(figure, LEFT, y + LANE + above[watch] - 0.22, title, size=LANE_SIZE)
            _draw_happenings(
                axes, self._of_lane(entries, watch), rows[watch], self._unlisted(entries, watch)
            )
            axes.tick_params(labelbottom=False)
        assert axes is not None
        axes.tick_params(labelbottom=True)
        self._draw_entries(figure, y - AXIS - LIST_GAP, entries)
        return figure

    def _entries(self) -> list[_Entry]:
        """The newest things that were said, numbered from 1."""
        newest = list(self._happenings)[-LISTED:]
        in_order = sorted(newest, key=lambda happening: happening.seconds)
        return [
            _Entry(number, happening, _lines(happening))
            for number, happening in enumerate(in_order, start=1)
        ]

    def _of_lane(self, entries: Iterable[_Entry], watch: str) -> list[_Entry]:
        return [entry for entry in entries if self._lane_of(entry.happening) == watch]

    def _lane_of(self, happening: Happening) -> str:
        """Its watch's lane, or the first one."""
        return happening.watch if happening.watch in self._lanes else next(iter(self._lanes))

    def _unlisted(self, entries: Sequence[_Entry], watch: str) -> list[Happening]:
        """What was said earlier than what is listed, as far as it is in the picture."""
        earlier = list(self._happenings)[: len(self._happenings) - len(entries)]
        begin, _ = self._span()
        return [h for h in earlier if self._lane_of(h) == watch and h.seconds >= begin]

    def _span(self) -> tuple[float, float]:
        """Seconds of the first and the last thing to be seen."""
        points = [point for lane in self._lanes.values() for point in lane.points]
        ends = [end for end, _, _ in points] + [h.seconds for h in self._happenings]
        ends += [end for lane in self._lanes.values() for end in lane.unjudged]
        begins = [end - 1.0 for end, _, _ in points]
        begins += [end - 1.0 for lane in self._lanes.values() for end in lane.unjudged]
        begins += [h.seconds for h in list(self._happenings)[-LISTED:]]
        begin = max(0.0, min(begins, default=0.0))
        return begin, max([begin + 1.0, *ends])

    def _draw_entries(self, figure: Figure, top: float, entries: Sequence[_Entry]) -> None:
        if not entries:
            _text(figure, LEFT, top, "Nothing was said.", size=TEXT_SIZE, colour=FAINT)
            return
        left = len(self._happenings) - len(entries)
        head = "What was said"
        if left:
            head += f": the newest {len(entries)} of {len(self._happenings)} (▾ marks earlier ones)"
        _text(figure, LEFT, top, head, weight="bold", size=TEXT_SIZE)
        y = top - TEXT_ROW - ENTRY_GAP
        for entry in entries:
            happening = entry.happening
            colour = COLOURS[happening.kind]
            number, time, kind, words = (LEFT + at for at in TEXT_AT)
            width, height = figure.get_size_inches()
            middle = number + NUMBER_WIDTH / 2
            figure.text(middle / width, y / height, str(entry.number), **_badge(colour))
            _text(figure, time, y, clock(happening.seconds), size=TEXT_SIZE, colour=FAINT)
            _text(
                figure, kind, y, happening.kind.value, size=TEXT_SIZE, colour=colour, weight="bold"
            )
            for number_of_line, line in enumerate(entry.lines):
                _text(figure, words, y - TEXT_ROW * number_of_line, line, size=TEXT_SIZE)
            y -= entry.height


def _draw_lane(axes: Axes, lane: _Lane) -> None:
    seconds, values, thresholds = lane.steps()
    for begin, end in lane.unjudged_spans():
        axes.axvspan(begin, end, facecolor=HATCHED, edgecolor=HIGH, hatch="///", linewidth=0)
    if not len(seconds):
        axes.text(
            0.5, 0.5, "no p(speak)", transform=axes.transAxes, ha="center", va="center", color=FAINT
        )
        return
    width = 1.5 if len(lane.points) < DENSE else 0.6
    axes.fill_between(seconds, values, color=CURVE, alpha=0.18, linewidth=0)
    axes.plot(seconds, values, color=CURVE, linewidth=width, solid_joinstyle="miter")
    high = np.where(values >= thresholds, values, np.nan)
    axes.fill_between(seconds, high, color=HIGH, alpha=0.25, linewidth=0)
    axes.plot(seconds, high, color=HIGH, linewidth=1.2 * width)
    threshold = lane.points[-1][2]
    if threshold < 1:
        axes.plot(seconds, thresholds, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.annotate(
            f"≥ {threshold:g}",
            (1, threshold),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK,
        )


def _draw_happenings(
    axes: Axes, entries: Sequence[_Entry], rows: dict[int, int], unlisted: Sequence[Happening]
) -> None:
    for kind, colour in COLOURS.items():
        seconds = [happening.seconds for happening in unlisted if happening.kind is kind]
        axes.plot(seconds, [1.0] * len(seconds), "v", markersize=4, color=colour, clip_on=False)
    for entry in entries:
        colour = COLOURS[entry.happening.kind]
        axes.axvline(entry.happening.seconds, color=colour, linewidth=0.9, alpha=0.7)
        if entry.number not in rows:
            continue
        axes.annotate(
            str(entry.number),
            (entry.happening.seconds, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 72 * NUMBER_ROW * (rows[entry.number] + 0.55)),
            textcoords="offset points",
            annotation_clip=False,
            **_badge(colour),
        )


def _add_axes(figure: Figure, bottom: float, begin: float, end: float) -> Axes:
    """An empty lane, from `bottom` inches up and from `begin` to `end` seconds."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes(
        (LEFT / width, bottom / height, (width - LEFT - RIGHT) / width, LANE / height)
    )
    axes.set_ylim(0, 1.04)  # a line at 1 is seen whole
    axes.set_ylabel("p(speak)", fontsize=8, color=FAINT)
    axes.set_yticks([0, 0.5, 1])
    axes.set_yticklabels(["0", "0.5", "1"])
    shown = end - begin
    step = next((step for step in TICK_STEPS if shown / step <= TICKS), TICK_STEPS[-1])
    axes.set_xlim(begin, end)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axes.tick_params(labelsize=8, colors=FAINT, length=3)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRID)
    return axes


def _tick(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else clock(seconds)


def _text(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    weight: str = "normal",
    colour: str = INK,
) -> None:
    """Text whose left end is at inches from the lower left corner."""
    width, height = figure.get_size_inches()
    figure.text(
        x / width,
        y / height,
        text,
        va="center",
        fontsize=size,
        fontweight=weight,
        color=colour,
    )


def _badge(colour: str) -> dict[str, Any]:
    """How a number looks that stands on a colour."""
    box = {"boxstyle": "round,pad=0.25", "facecolor": colour, "edgecolor": "none"}
    return {"ha": "center", "va": "center", "fontsize": 7.5, "color": "white", "bbox": box}


def _rows(entries: Iterable[_Entry], seconds_per_inch: float) -> dict[int, int]:
    """The row above the lane for each entry's number, so that numbers do not cover one another.

    A number for which no row is free is left out.
    """
    rows: dict[int, int] = {}
    free_from = [-np.inf] * NUMBER_ROWS
    for entry in entries:
        at = entry.happening.seconds
        row = next((row for row in range(NUMBER_ROWS) if at >= free_from[row]), None)
        if row is not None:
            free_from[row] = at + NUMBER_WIDTH * seconds_per_inch
            rows[entry.number] = row
    return rows


def _lines(happening: Happening) -> tuple[str, ...]:
    """The watch's id and the words, as wide as the page and at most three lines."""
    named = happening.watch not in ("", happening.kind.value)
    text = f"{happening.watch}: {happening.text}" if named else happening.text
    room = WIDTH - LEFT - TEXT_AT[-1] - MARGIN
    return wrapped(text, room, size=TEXT_SIZE, lines=TEXT_LINES)
