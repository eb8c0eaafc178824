"""The demo with `oracle_node.py` as its node.

`python demo_with_oracle.py SEED UNITS FLAW` puts film, logs and units.jsonl into the
folder that $ROMA_DEMO_FOLDER names.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console

from roma_ros.demo.demo import Demo
from roma_ros.demo.plan import make_plan

ORACLE = Path(__file__).with_name("oracle_node.py")

if __name__ == "__main__":
    seed, units, flaw = sys.argv[1:]
    folder = Path(os.environ["ROMA_DEMO_FOLDER"])
    oracle = (sys.executable, str(ORACLE), seed, units, str(folder / "units.jsonl"), flaw)
    plan = make_plan(int(seed), int(units))
    raise SystemExit(Demo(Console(width=120), plan, folder, roma_node=oracle).run())
