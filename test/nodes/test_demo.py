"""The demo as `make demo` runs it, and what makes it fail."""

from __future__ import annotations

import subprocess
import sys
import time

from builtin_interfaces.msg import Time
from roma_ros.msg import Alert, Narration, SpeakProbability
from std_msgs.msg import Header

from roma_ros.nodes.demo import UNITS
from roma_ros.nodes.demo_tally import Tally


def test_the_demo_ends_by_itself_with_everything_received():
    begin = time.monotonic()
    demo = subprocess.run(
        [sys.executable, "-m", "roma_ros.nodes.demo"], capture_output=True, text=True, timeout=90
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert time.monotonic() - begin < 60
    assert "untrained" in demo.stdout
    assert demo.stdout.count(f"{UNITS} of {UNITS} units") == 2
    assert "answer " in demo.stdout


def test_a_unit_without_p_speak_is_missed():
    tally = Tally()
    header = Header(stamp=Time(sec=1))
    for unit in (0, 2):
        tally.add(SpeakProbability(header=header, watch="bell", unit=unit))
    tally.add(Alert(header=header, watch="bell"))
    tally.add(Narration(header=header, watch="room"))
    assert tally.missing("bell", 3) == [1]
    assert not tally.is_complete(["bell"], 3)
    assert tally.is_complete(["bell"], 1)
    assert not tally.is_complete(["bell", "room"], 1)
    assert (tally.alerts["bell"], tally.narrations["room"]) == (1, 1)
