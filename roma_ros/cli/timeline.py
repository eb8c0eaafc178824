"""Timeline plot of a run: p(speak) of every watch, its threshold, and the events, over time.

Needs neither torch nor ROS.
"""

from __future__ import annotations

import textwrap
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

from roma_ros.cli.event_text import EventLine, LineKind
from roma_ros.cli.source_time import SourceTime
from roma_ros.cli.text import clock, one_line, shortened
from roma_ros.events import Event, Fault, SpeakProbability
from roma_ros.plot_style import AMBER, BLUE, FAINT, GREEN, GRID, INK, PURPLE, RED, RED_TINT
from roma_ros.watch import Watch

__all__ = ["FORMATS", "Timeline"]

FORMATS = (".png", ".svg", ".pdf")
HISTORY = 6 * 3600  # units of each watch, and event lines; older ones are not drawn
LISTED = 24  # event lines that are numbered and listed below the lanes: the newest

CURVE, HIGH, HATCHED = BLUE, RED, RED_TINT
COLOURS = {
    LineKind.ALERT: HIGH,
    LineKind.NARRATION: GREEN,
    LineKind.ANSWER: PURPLE,
    LineKind.NOTE: AMBER,
    LineKind.WARNING: AMBER,
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

CHARACTERS = range(120, 5, -5)  # lengths of a row that are tried
TEXT_LINES = 3  # at most, for one event
TITLE_SIZE, LANE_SIZE, TEXT_SIZE = 13.0, 9.5, 9.0  # points
UNIT_STEPS = ("open", "encode", "step")  # a fault in one of these leaves a unit without p(speak)
DENSE = 600  # units, from which on thin lines are drawn
TICKS = 12
TICK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)  # seconds


@dataclass(slots=True)
class _Lane:
    """Plot data of one watch.

    Attributes:
        title: text above the lane.
        points: (seconds at the unit's end, p(speak), threshold) of each unit.
        failed: seconds at the end of each unit that has no p(speak) because of a fault.
    """

    title: str
    points: deque[tuple[float, float, float]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    failed: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def failed_spans(self) -> list[tuple[float, float]]:
        """Return begin and end, in seconds, of each run of units without p(speak)."""
        spans: list[tuple[float, float]] = []
        for end in self.failed:
            if spans and end - 1.0 <= spans[-1][1] + 0.5:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((end - 1.0, end))
        return spans

    def steps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return seconds, p(speak) and thresholds, (n,) each, of a step line over the units.

        NaN breaks the line where a unit does not follow the one before.
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
    """Entry of the list below the lanes.

    Attributes:
        number: its number, from 1; the lane shows it too.
        event: what is listed.
        rows: its text, broken into rows.
    """

    number: int
    event: EventLine
    rows: tuple[str, ...]

    @property
    def height(self) -> float:
        """Height in the list, in inches."""
        return TEXT_ROW * len(self.rows) + ENTRY_GAP


class Timeline:
    """Collector of a run's events, of bounded size, that plots them.

    Args:
        title: title of the plot, such as the source's name.
        watches: watches to plot, one lane each, in this order.
    """

    def __init__(self, title: str, watches: Sequence[Watch] = ()) -> None:
        self.title = title
        self._lanes = {
            watch.id: _Lane(f"{watch.id}: {one_line(watch.instruction)}") for watch in watches
        } or {"": _Lane("without a watch")}
        self._event_lines: deque[EventLine] = deque(maxlen=HISTORY)

    def take(self, event: Event, seconds: float, source: SourceTime | None = None) -> None:
        """Collect an event that happened `seconds` after the run's beginning."""
        if isinstance(event, SpeakProbability):
            self._lanes[event.watch].points.append((seconds, event.p_speak, event.threshold))
            return
        if isinstance(event, Fault) and event.during in UNIT_STEPS:
            self._take_fault(event, seconds)
        line = EventLine.of(event, seconds)
        if line is not None and source is not None:
            line = replace(line, text=f"{source}: {line.text}")
        if line is not None:
            self._event_lines.append(line)

    def _take_fault(self, fault: Fault, seconds: float) -> None:
        """Mark the unit in the lane of the fault's watch, or in all lanes."""
        lanes = [self._lanes[fault.watch]] if fault.watch in self._lanes else self._lanes.values()
        for lane in lanes:
            if not lane.failed or lane.failed[-1] != seconds:
                lane.failed.append(seconds)

    @property
    def _notice(self) -> str:
        """Warning about units without p(speak); empty if there are none."""
        failed = {seconds for lane in self._lanes.values() for seconds in lane.failed}
        if not failed:
            return ""
        count = "1 unit" if len(failed) == 1 else f"{len(failed)} units"
        return f"{count} FAILED (hatched): alerts there are missing"

    def draw(self, path: Path) -> None:
        """Write the plot as PNG, SVG or PDF.

        Args:
            path: file to write; its suffix (.png, .svg, .pdf) selects the format.

        Raises:
            OSError: the file cannot be written.
        """
        families = [name for name in FONTS if name in font_manager.get_font_names()]
        # Text comes from users and models: a dollar sign in it must not start a formula.
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
        title = _cut(self.title, WIDTH - LEFT - MARGIN, size=TITLE_SIZE, weight="bold")
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
            title = _cut(lane.title, WIDTH - LEFT - MARGIN, size=LANE_SIZE)
            _text(figure, LEFT, y + LANE + above[watch] - 0.22, title, size=LANE_SIZE)
            _draw_event_lines(
                axes, self._of_lane(entries, watch), rows[watch], self._unlisted(entries, watch)
            )
            axes.tick_params(labelbottom=False)
        assert axes is not None
        axes.tick_params(labelbottom=True)
        self._draw_entries(figure, y - AXIS - LIST_GAP, entries)
        return figure

    def _entries(self) -> list[_Entry]:
        """Return the newest event lines as entries, by time."""
        newest = list(self._event_lines)[-LISTED:]
        in_order = sorted(newest, key=lambda line: line.seconds)
        return [
            _Entry(number, line, _list_rows(line)) for number, line in enumerate(in_order, start=1)
        ]

    def _of_lane(self, entries: Iterable[_Entry], watch: str) -> list[_Entry]:
        return [entry for entry in entries if self._lane_of(entry.event) == watch]

    def _lane_of(self, line: EventLine) -> str:
        """Return the key of the line's lane: that of its watch, or else the first."""
        return line.watch if line.watch in self._lanes else next(iter(self._lanes))

    def _unlisted(self, entries: Sequence[_Entry], watch: str) -> list[EventLine]:
        """Return the event lines of a lane that are plotted but too old to be listed."""
        earlier = list(self._event_lines)[: len(self._event_lines) - len(entries)]
        begin, _ = self._span()
        return [each for each in earlier if self._lane_of(each) == watch and each.seconds >= begin]

    def _span(self) -> tuple[float, float]:
        """Return the plotted range in seconds."""
        points = [point for lane in self._lanes.values() for point in lane.points]
        ends = [end for end, _, _ in points] + [line.seconds for line in self._event_lines]
        ends += [end for lane in self._lanes.values() for end in lane.failed]
        begins = [end - 1.0 for end, _, _ in points]
        begins += [end - 1.0 for lane in self._lanes.values() for end in lane.failed]
        begins += [line.seconds for line in list(self._event_lines)[-LISTED:]]
        begin = max(0.0, min(begins, default=0.0))
        return begin, max([begin + 1.0, *ends])

    def _draw_entries(self, figure: Figure, top: float, entries: Sequence[_Entry]) -> None:
        if not entries:
            _text(figure, LEFT, top, "No events.", size=TEXT_SIZE, colour=FAINT)
            return
        head = "Events"
        if (total := len(self._event_lines)) > len(entries):
            head += f": the newest {len(entries)} of {total} (▾ marks earlier ones)"
        _text(figure, LEFT, top, head, weight="bold", size=TEXT_SIZE)
        y = top - TEXT_ROW - ENTRY_GAP
        for entry in entries:
            event = entry.event
            colour = COLOURS[event.kind]
            number, time, kind, words = (LEFT + at for at in TEXT_AT)
            width, height = figure.get_size_inches()
            middle = number + NUMBER_WIDTH / 2
            figure.text(middle / width, y / height, str(entry.number), **_badge(colour))
            _text(figure, time, y, clock(event.seconds), size=TEXT_SIZE, colour=FAINT)
            _text(figure, kind, y, event.kind.value, size=TEXT_SIZE, colour=colour, weight="bold")
            for index, row in enumerate(entry.rows):
                _text(figure, words, y - TEXT_ROW * index, row, size=TEXT_SIZE)
            y -= entry.height


def _draw_lane(axes: Axes, lane: _Lane) -> None:
    seconds, values, thresholds = lane.steps()
    for begin, end in lane.failed_spans():
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


def _draw_event_lines(
    axes: Axes, entries: Sequence[_Entry], rows: dict[int, int], unlisted: Sequence[EventLine]
) -> None:
    for kind, colour in COLOURS.items():
        seconds = [line.seconds for line in unlisted if line.kind is kind]
        axes.plot(seconds, [1.0] * len(seconds), "v", markersize=4, color=colour, clip_on=False)
    for entry in entries:
        colour = COLOURS[entry.event.kind]
        axes.axvline(entry.event.seconds, color=colour, linewidth=0.9, alpha=0.7)
        if entry.number not in rows:
            continue
        axes.annotate(
            str(entry.number),
            (entry.event.seconds, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 72 * NUMBER_ROW * (rows[entry.number] + 0.55)),
            textcoords="offset points",
            annotation_clip=False,
            **_badge(colour),
        )


def _add_axes(figure: Figure, bottom: float, begin: float, end: float) -> Axes:
    """Add an empty lane, from `bottom` inches up, over `begin` to `end` seconds."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes(
        (LEFT / width, bottom / height, (width - LEFT - RIGHT) / width, LANE / height)
    )
    axes.set_ylim(0, 1.04)  # a line at 1 is drawn in full
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
    """Add text; `x` and `y` are inches of its left end from the lower left corner."""
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
    """Return the text style of a number on a coloured background."""
    box = {"boxstyle": "round,pad=0.25", "facecolor": colour, "edgecolor": "none"}
    return {"ha": "center", "va": "center", "fontsize": 7.5, "color": "white", "bbox": box}


def _rows(entries: Iterable[_Entry], seconds_per_inch: float) -> dict[int, int]:
    """Return the row above the lane for each entry's number, so that numbers do not overlap.

    A number for which no row is free is left out.
    """
    rows: dict[int, int] = {}
    free_from = [-np.inf] * NUMBER_ROWS
    for entry in entries:
        at = entry.event.seconds
        row = next((row for row in range(NUMBER_ROWS) if at >= free_from[row]), None)
        if row is not None:
            free_from[row] = at + NUMBER_WIDTH * seconds_per_inch
            rows[entry.number] = row
    return rows


def _list_rows(line: EventLine) -> tuple[str, ...]:
    """Return the watch's id and the text in at most three rows, as wide as the page."""
    named = line.watch not in ("", line.kind.value)
    text = f"{line.watch}: {line.text}" if named else line.text
    return _wrap(text, WIDTH - LEFT - TEXT_AT[-1] - MARGIN, size=TEXT_SIZE, rows=TEXT_LINES)


def _cut(text: str, inches: float, *, size: float, weight: str = "normal") -> str:
    """Return one line, cut to a width in inches; `size` in points."""
    for characters in CHARACTERS:
        line = shortened(text, characters)
        if _width(line, size, weight) <= inches:
            break
    return line


def _wrap(text: str, inches: float, *, size: float, rows: int) -> tuple[str, ...]:
    """Break text into at most `rows` rows of a width in inches and cut the last; `size` in points.

    The number of characters in a row depends on the letters: Chinese ones are twice as wide.
    """
    for characters in CHARACTERS:
        broken = textwrap.wrap(text, characters, max_lines=rows, placeholder=" …") or [""]
        if all(_width(row, size, "normal") <= inches for row in broken):
            break
    return tuple(broken)


def _width(line: str, size: float, weight: str) -> float:
    """Return the width of a line in inches, in matplotlib's current font."""
    dots_per_inch = 72.0
    text = Figure(dpi=dots_per_inch).text(0, 0, line, fontsize=size, fontweight=weight)
    return float(text.get_window_extent().width) / dots_per_inch
