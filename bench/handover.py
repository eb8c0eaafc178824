"""Measure what the context policy handover costs, and plot p(speak) across handovers.

    python bench/handover.py [--cost] [--age] [--plot]      (default: all three)

cost    Two sessions, evict and handover, process the same encoded units in turn, with full windows.
        Mean, p50 and p99 of a unit, encoders included, in CPU time of one thread, so that other
        processes do not count; and bytes of the KV caches.
age     One session with handovers processes an hour of units: CPU time of a unit and memory of the
        process in minute 60 over minute 2.
plot    p(speak) of a session over a stream with handovers (bench/handover.png). Each context is
        drawn as a line of its own, also where another one is in use: at a handover both lines see
        the same scene.

Results are merged into bench/handover.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from roma_ros.plot_style import AMBER, BLUE, FAINT, GREEN, GRID, INK, PURPLE, RED_TINT, STYLE
from roma_ros.speed import bench_unit
from roma_ros.thinker import EncodedUnit, RomaThinker, StreamSession
from roma_ros.world import Scene, Senses, Sound, Split, WorldEvent, WorldRenderer, make_scene

FOLDER = Path(__file__).parent
RESULTS, PLOT = FOLDER / "handover.json", FOLDER / "handover.png"
INSTRUCTION = "alert me when you hear a beep"
POLICIES = ("evict", "handover")
DIFFERENT_UNITS = 4
FIRST_WORLD = 700_300  # of the validation split
SCENE_SECONDS = 20
BEEP = WorldEvent(sound=Sound.BEEP)
COLOURS = (BLUE, PURPLE, GREEN, AMBER)


def measure_cost(thinker: RomaThinker, window: int, units: int) -> dict[str, Any]:
    """Return seconds of a unit and bytes of the caches by policy, and their ratios."""
    stream = [bench_unit(index) for index in range(DIFFERENT_UNITS)]
    sessions = {
        policy: thinker.open_session(INSTRUCTION, context_seconds=window, context_policy=policy)
        for policy in POLICIES
    }
    seconds: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    for index in range(2 * window + units):
        begin = time.process_time()
        encoded = thinker.encode(stream[index % DIFFERENT_UNITS])
        encoding = time.process_time() - begin
        for policy in POLICIES[:: 1 if index % 2 else -1]:
            begin = time.process_time()
            sessions[policy].step(encoded)
            if index >= 2 * window:
                seconds[policy].append(encoding + time.process_time() - begin)
    figures = {policy: _figures(sessions[policy], seconds[policy]) for policy in POLICIES}
    for session in sessions.values():
        session.close()
    ratios = {
        name: round(figures["handover"][name] / figures["evict"][name], 3)
        for name in ("mean_ms", "p50_ms", "p99_ms", "cache_mb")
    }
    return {"window": window, "units": units, **figures, "handover / evict": ratios}


def measure_age(thinker: RomaThinker, window: int, minutes: int = 60) -> dict[str, Any]:
    """Return the figures of minute 2 and of the last minute of a long stream, and their ratios."""
    units = [thinker.encode(bench_unit(index)) for index in range(DIFFERENT_UNITS)]
    process = psutil.Process()
    by_minute = {}
    with thinker.open_session(
        INSTRUCTION, context_seconds=window, context_policy="handover"
    ) as session:
        for minute in range(1, minutes + 1):
            begin = time.process_time()
            for second in range(60):
                session.step(units[second % DIFFERENT_UNITS])
            by_minute[minute] = {
                "unit_ms": round((time.process_time() - begin) / 60 * 1e3, 3),
                "process_mb": round(process.memory_info().rss / 1e6, 1),
                "cache_mb": round(session.memory_bytes / 1e6, 3),
            }
    early, late = by_minute[2], by_minute[minutes]
    ratios = {name: round(late[name] / early[name], 3) for name in early}
    return {"window": window, "minute 2": early, f"minute {minutes}": late, "ratio": ratios}


def draw(thinker: RomaThinker, window: int, scenes: int = 3) -> dict[str, Any]:
    """Draw p(speak) over scenes with handovers; return by how much it jumps at them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    units, due = [], []
    for scene in islice(_scenes_with(BEEP), scenes):
        due += BEEP.happens(Senses(scene)).tolist()
        units += [thinker.encode(unit) for unit in WorldRenderer(scene)]
    with thinker.open_session(
        INSTRUCTION, context_seconds=window, context_policy="handover"
    ) as session:
        shown, starts = [], []
        for number, unit in enumerate(units):
            shown.append(_p_speak(session, unit))
            starts.append(number + 1 - session.units_kept)
    lines = {}
    for start in sorted(set(starts)):
        end = min(start + window, len(units))
        with thinker.open_session(
            INSTRUCTION, context_seconds=window, context_policy="evict"
        ) as context:
            lines[start] = [_p_speak(context, unit) for unit in units[start:end]]
    changes = [number for number in range(1, len(units)) if starts[number] != starts[number - 1]]
    apart = [
        abs(lines[starts[change - 1]][-1] - lines[starts[change]][change - 1 - starts[change]])
        for change in changes
    ]
    with pyplot.rc_context(STYLE):
        figure, axes = pyplot.subplots(figsize=(10, 3.8), layout="constrained")
        for second in np.flatnonzero(due).tolist():
            axes.axvspan(second - 0.5, second + 0.5, color=RED_TINT, lw=0)
        for change in changes:
            axes.axvline(change - 0.5, color=FAINT, lw=0.8, ls=":")
        for number, (start, values) in enumerate(lines.items()):
            axes.plot(
                range(start, start + len(values)),
                values,
                color=COLOURS[number % len(COLOURS)],
                lw=1.4,
                label=f"context {number + 1}, from {start} s",
            )
        axes.plot(range(len(units)), shown, ".", color=INK, ms=5, label="session")
        axes.set(
            xlabel="second of the stream",
            ylabel="p(speak)",
            ylim=(-0.03, 1.03),
            xlim=(-0.5, len(units) - 0.5),
            title=f"{thinker.name}, {INSTRUCTION!r}, window {window} s\n"
            "shaded: a beep sounds; dotted: a handover",
        )
        axes.grid(color=GRID)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
        figure.savefig(PLOT, dpi=120)
    return {
        "window": window,
        "handovers at": changes,
        "difference of the two contexts before each": [round(value, 4) for value in apart],
    }


def _scenes_with(event: WorldEvent) -> Iterator[Scene]:
    """Yield scenes in which an event happens for at least two seconds."""
    for number in count(FIRST_WORLD):
        scene = make_scene(Split.VALIDATION.seed(number), SCENE_SECONDS)
        if sum(event.happens(Senses(scene))) >= 2:
            yield scene


def _p_speak(session: StreamSession, unit: EncodedUnit) -> float:
    p_speak = session.step(unit).p_speak
    assert p_speak is not None, "roma_tiny has a speak head"
    return p_speak


def _figures(session: StreamSession, seconds: list[float]) -> dict[str, float]:
    milliseconds = 1e3 * np.array(seconds)
    return {
        "mean_ms": round(float(milliseconds.mean()), 2),
        "p50_ms": round(float(np.median(milliseconds)), 2),
        "p99_ms": round(float(np.percentile(milliseconds, 99)), 2),
        "cache_mb": round(session.memory_bytes / 1e6, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for part in ("cost", "age", "plot"):
        parser.add_argument(f"--{part}", action="store_true")
    parser.add_argument("--model", default="roma_tiny", help="checkpoint (default: %(default)s)")
    parser.add_argument("--units", type=int, default=240, help="units to time (default: 240)")
    arguments = parser.parse_args()
    every = not (arguments.cost or arguments.age or arguments.plot)
    torch.set_num_threads(1)
    thinker = RomaThinker.from_pretrained(arguments.model, device="cpu")
    window = int(thinker.context_seconds)
    results: dict[str, Any] = {}
    if arguments.plot or every:
        results["plot"] = draw(thinker, window)
    if arguments.cost or every:
        windows = sorted({window, 60})
        results["cost"] = [measure_cost(thinker, each, arguments.units) for each in windows]
    if arguments.age or every:
        results["age"] = measure_age(thinker, window)
    if RESULTS.exists():
        results = {**json.loads(RESULTS.read_text()), **results}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
