"""Measure roma_tiny on this machine: `make bench`, or `python bench/bench.py --help`.

    python bench/bench.py                    everything; about ten minutes on two cores
    python bench/bench.py --only over_ros    one measurement; the others keep their last figures

Writes bench/results.json and prints its tables. Compare speeds of the same run only.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
import transformers
from comparison import compare_ways
from endurance import measure_endurance
from over_ros import measure_over_ros
from phases import measure_phases
from rich.console import Console
from rich.table import Table

from roma_ros.machine import commit, cores, processor, python_version
from roma_ros.thinker import RomaThinker

RESULTS = Path(__file__).parent / "results.json"


def machine() -> dict[str, Any]:
    """Return time, commit, machine and versions of the measurement."""
    return {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit(mark_changes=False),
        "cpu": processor(),
        "cores": cores(),
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "transformers": transformers.__version__,
        "python": python_version(),
    }


def phases(thinker: RomaThinker) -> Any:
    return {name: asdict(spread) for name, spread in measure_phases(thinker).items()}


def ways(thinker: RomaThinker) -> Any:
    return [asdict(speed) for speed in compare_ways(thinker)]


def endurance(thinker: RomaThinker) -> Any:
    return [asdict(age) for age in measure_endurance(thinker)]


def over_ros(_: RomaThinker) -> Any:
    sizes = ((640, 480), (1280, 720))
    return [asdict(measure_over_ros(width=width, height=height)) for width, height in sizes]


MEASUREMENTS: dict[str, Callable[[RomaThinker], Any]] = {
    "phases": phases,
    "ways": ways,
    "endurance": endurance,
    "over_ros": over_ros,
}


def spread(figures: dict[str, float]) -> str:
    return f"{figures['p50']:.1f} / {figures['p99']:.1f}"


def tables(results: dict[str, Any]) -> list[Table]:
    """Return the results as tables; milliseconds are p50 / p99."""
    made = []
    if "phases" in results:
        table = Table("phase", "ms per unit", title="one unit, roma_tiny, 1280x720 and sound")
        for name, figures in results["phases"].items():
            table.add_row(name, spread(figures))
        made.append(table)
    if "ways" in results:
        table = Table("way", "unit", "tokens", "ms per unit", title="one more unit, three ways")
        for way in results["ways"]:
            table.add_row(way["way"], str(way["unit"]), str(way["tokens"]), spread(way["step"]))
        made.append(table)
    if "endurance" in results:
        table = Table("unit", "ms per step", "cache MB", "process MB", title="a stream without end")
        for age in results["endurance"]:
            cells = [spread(age["step"]), str(age["cache_mb"]), str(age["process_mb"])]
            table.add_row(str(age["unit"]), *cells)
        made.append(table)
    if "over_ros" in results:
        table = Table("camera", "latency ms", "units", "missed", "cores", title="the node over ROS")
        for run in results["over_ros"]:
            cells = [str(run[name]) for name in ("units", "missed", "node_cores")]
            table.add_row(run["camera"], spread(run["latency"]), *cells)
        made.append(table)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=MEASUREMENTS, action="append", help="repeatable")
    arguments = parser.parse_args()
    console = Console()
    results = json.loads(RESULTS.read_text()) if arguments.only and RESULTS.exists() else {}
    thinker = RomaThinker.from_pretrained("roma_tiny")
    for name in arguments.only or MEASUREMENTS:
        with console.status(f"measuring {name} ..."):
            results[name] = MEASUREMENTS[name](thinker)
        results.setdefault("machine", {})[name] = machine()
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    for table in tables(results):
        console.print(table)
    console.print(f"written to {RESULTS.name}; ms are p50 / p99")


if __name__ == "__main__":
    main()
