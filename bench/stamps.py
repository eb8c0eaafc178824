"""Simulate sensors whose stamps disagree: `python bench/stamps.py [--json FILE]`.

Cameras and microphones with wrong offsets, latencies, chunk lengths and clocks run through the
assembler with the node's settings. Prints missing, filled and shifted units after the first 10 s.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from sensor_pair import SensorPair, measure

DECADE = 10 * 365.25 * 86_400.0
SINCE_BOOT = -(1_700_000_000 - 5_000.0)  # seconds from Unix time to the time since boot


def cases() -> dict[str, SensorPair]:
    """Return the sensors of each row of the table by name."""
    table = {"honest": SensorPair()}
    for offset in (-5.0, -2.5, -0.7, -0.3, 0.1, 0.3, 0.7, 1.2, 2.5, 5.0, -DECADE, DECADE):
        name = f"{offset:+g} s" if abs(offset) < 100 else f"{offset / DECADE:+.0f} decade"
        table[f"camera {name}"] = SensorPair(camera_offset=offset)
        table[f"microphone {name}"] = SensorPair(microphone_offset=offset)
    table["camera on the boot clock"] = SensorPair(camera_offset=SINCE_BOOT)
    table["camera frozen"] = SensorPair(frozen=True)
    for latency in (0.1, 0.3, 0.6, 1.2, 2.0):
        table[f"sound {latency:g} s late"] = SensorPair(microphone_latency=latency)
        table[f"camera {latency:g} s late"] = SensorPair(camera_latency=latency)
    table["both 2 s late"] = SensorPair(camera_latency=2.0, microphone_latency=2.0)
    table["sound 0.1 s late, jitter 0.3 s"] = SensorPair(microphone_latency=0.1, jitter=0.3)
    for chunk in (0.01, 0.1, 0.5, 1.0, 2.0, 5.0):
        table[f"chunks of {chunk:g} s"] = SensorPair(chunk=chunk, seconds=40.0)
    table["chunks of 1 s, stamped at their end"] = SensorPair(chunk=1.0, stamped_at_end=True)
    table["camera drifts 100 ppm"] = SensorPair(drift=100.0, seconds=120.0)
    table["camera +0.7 s, drifts 100 ppm"] = SensorPair(
        drift=100.0, camera_offset=0.7, seconds=120.0
    )
    for offset in (0.7, 2.5, SINCE_BOOT):
        name = f"camera {offset:+g} s" if offset > SINCE_BOOT else "boot clock"
        table[f"{name}, camera first"] = SensorPair(camera_offset=offset, microphone_from=1.0)
        table[f"{name}, microphone first"] = SensorPair(camera_offset=offset, camera_from=1.0)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results as JSON")
    parser.add_argument(
        "--no-clock",
        action="store_true",
        help="give the assembler arrival times only, without the node's clock",
    )
    arguments = parser.parse_args()
    print(f"{'':38} units video filled  sound filled  chunks lost    skew   delay  new streams")
    rows = {}
    for name, pair in cases().items():
        row = measure(pair, clock=not arguments.no_clock)
        rows[name] = asdict(row)
        print(
            f"{name:38} {row.units:5} {row.video_filled:12.0%} {row.audio_filled:13.0%} "
            f"{row.lost:12.0%} {row.skew:+7.3f} {row.delay:7.3f} {row.streams:12}   {row.stats}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
