"""The example of docs/, as its reader would run it."""

from __future__ import annotations

import subprocess
import sys


def test_it_waits_for_an_alert_and_asks_about_it(make_roma, robot, repository, namespace):
    robot.meet(make_roma({"answer_tokens": 4}))
    robot.play(2)
    command = [sys.executable, repository / "docs" / "examples" / "tell_me_when.py"]
    command += ["Tell me when a dog barks.", "Which dog?", "--threshold", "1e-9"]
    command += ["--node", f"{namespace}/roma"]
    example = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while example.poll() is None:
        robot.play(1)
    output, _ = example.communicate()
    assert example.returncode == 0, output
    assert "it has happened: p(speak) 0." in output
    assert len(output.splitlines()) >= 2
    assert robot.roma.watch("A cat.", name="alert_1"), "the example has taken its watch away"
