"""Compare the time of a unit with and without the optimisations, and in an earlier version.

    python bench/optimizations.py                       optimised and switched off
    python bench/optimizations.py --earlier ../before   also a checkout of an earlier version

Every way runs in a process of its own; the processes take turns unit by unit, so that all have the
same load of the machine. A unit has two frames of 1280x720 pixels and sound, and the window is
full. CPU time is that of all threads, which hardly depends on the load. Writes
bench/optimizations.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import torch
import transformers
from rich.console import Console
from rich.table import Table

from roma_ros.machine import commit, cores, load, processor
from roma_ros.speed import Spread, bench_unit
from roma_ros.thinker import RomaThinker

RESULTS = Path(__file__).with_suffix(".json")
REPOSITORY = Path(__file__).resolve().parent.parent
INSTRUCTION = "alert me when you hear a beep"
EARLIER, OFF, OPTIMIZED = "earlier version", "switched off", "optimised"
DISTINCT_UNITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Time of one unit, encoders and the steps of all watches.

    Attributes:
        way: "optimised", "switched off" or "earlier version".
        threads: threads of torch.
        watches: sessions that are stepped with each unit.
        wall, cpu: duration, and CPU time of all threads.
        optimised_is_faster_by: p50 of `cpu` over that of "optimised".
    """

    way: str
    threads: int
    watches: int
    wall: Spread
    cpu: Spread
    optimised_is_faster_by: float


class Way:
    """Process that steps its watches with one unit at a time, on demand.

    Args:
        way: "optimised", "switched off" or "earlier version".
        source: checkout whose package it runs.
        threads: threads of torch.
        watches: number of sessions.
    """

    def __init__(self, way: str, source: Path, threads: int, watches: int) -> None:
        self.way = way
        self.seconds: list[tuple[float, float]] = []
        path = os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve", way, "--watches", str(watches)],
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(threads)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()  # it is warm

    def __enter__(self) -> Way:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def step(self) -> None:
        """Process one unit, and add its duration and CPU time to `seconds`."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        wall, cpu = self._read()
        self.seconds.append((wall, cpu))

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def serve(way: str, watches: int) -> None:
    """Process a unit for each line of standard input, and print its duration and CPU time."""
    # An earlier version has no switch.
    switch: dict[str, Any] = {} if way == EARLIER else {"optimized": way == OPTIMIZED}
    thinker = RomaThinker.from_pretrained("roma_tiny", device="cpu", **switch)
    units = [bench_unit(index) for index in range(DISTINCT_UNITS)]
    with ExitStack() as stack:
        sessions = [stack.enter_context(thinker.open_session(INSTRUCTION)) for _ in range(watches)]

        def process(index: int) -> None:
            encoded = thinker.encode(units[index % DISTINCT_UNITS])
            for session in sessions:
                session.step(encoded)

        for index in range(int(thinker.context_seconds) + 5):
            process(index)
        print("[]", flush=True)
        for index, _ in enumerate(sys.stdin):
            wall, cpu = perf_counter(), process_time()
            process(index)
            print([perf_counter() - wall, process_time() - cpu], flush=True)


def compare(threads: int, watches: int, units: int, earlier: Path | None) -> list[Figures]:
    """Let the ways take turns over a number of units."""
    sources = {OPTIMIZED: REPOSITORY, OFF: REPOSITORY}
    if earlier is not None:
        sources[EARLIER] = earlier
    with ExitStack() as stack:
        ways = [
            stack.enter_context(Way(way, source, threads, watches))
            for way, source in sources.items()
        ]
        for _ in range(units):
            for way in ways:
                way.step()
        spreads = {
            way.way: [Spread.of(times) for times in zip(*way.seconds, strict=True)] for way in ways
        }
    return [
        Figures(
            way=way,
            threads=threads,
            watches=watches,
            wall=wall,
            cpu=cpu,
            optimised_is_faster_by=round(cpu.p50 / spreads[OPTIMIZED][1].p50, 2),
        )
        for way, (wall, cpu) in spreads.items()
    ]


def table(figures: list[Figures]) -> Table:
    """Return the figures as a table; milliseconds are p50 / p99."""
    made = Table(title="one unit, 1280x720 and sound, ms p50 / p99")
    for name in ("threads", "watches", "", "duration", "CPU time", "over optimised"):
        made.add_column(name, justify="right" if name else "left")
    for row in figures:
        spreads = (f"{spread.p50:.1f} / {spread.p99:.1f}" for spread in (row.wall, row.cpu))
        factor = f"{row.optimised_is_faster_by:.2f}"
        made.add_row(str(row.threads), str(row.watches), row.way, *spreads, factor)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--earlier", type=Path, help="checkout of an earlier version")
    parser.add_argument("--units", type=int, default=200, help="units of each (default: 200)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="default: 1 2")
    parser.add_argument("--watches", type=int, nargs="+", default=[1, 8], help="default: 1 8")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, *arguments.watches)
        return
    figures = [
        figure
        for watches in arguments.watches
        for threads in arguments.threads
        for figure in compare(threads, watches, arguments.units, arguments.earlier)
    ]
    Console().print(table(figures))
    results = {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit(mark_changes=False),
        "cpu": processor(),
        "cores": cores(),
        "load": load(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "figures": [asdict(figure) for figure in figures],
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
