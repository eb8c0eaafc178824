"""Hooks of the real node: an alert runs a program, and nobody can set one over ROS."""

from __future__ import annotations

import json
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticStatus
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter

from .conftest import until


def test_an_alert_runs_a_program_and_that_is_in_the_diagnostics(
    make_roma, robot, tmp_path: Path
) -> None:
    out, own = tmp_path / "all", tmp_path / "own"
    watches = tmp_path / "watches.yaml"
    watches.write_text(
        "version: 1\n"
        "watches:\n"
        "  - id: beep\n"
        "    instruction: alert me when you hear a beep\n"
        "    threshold: 0.0000001\n"
        f"    on_alert: {{command: [cp, /dev/stdin, {own}]}}\n"
    )
    roma = make_roma({"hooks.command": f"cp /dev/stdin {out}", "watches_file": str(watches)})
    robot.meet(roma)
    robot.play(2)
    until(lambda: own.exists() and own.read_text() and out.exists() and out.read_text(), "alerts")
    event = json.loads(out.read_text())
    assert (event["event"], event["watch"]) == ("alert", "beep")
    assert event["sequence"] > 0
    status = until(
        lambda: (
            (found := robot.diagnostics.get("hooks")) and found.values[0].value != "0" and found
        ),
        "the diagnostics of hooks",
    )
    assert status.level == DiagnosticStatus.OK


def test_a_program_that_fails_is_a_warning(make_roma, robot) -> None:
    roma = make_roma(
        {
            "hooks.command": "false",
            "alert.instructions": ["alert me when you hear a beep"],
            "alert.threshold": 0.0000001,
        }
    )
    robot.meet(roma)
    robot.play(2)
    until(
        lambda: (
            (found := robot.diagnostics.get("hooks"))
            and found.level == DiagnosticStatus.WARN
            and "not delivered" in found.message
        ),
        "the warning",
    )


def test_a_hook_that_cannot_be_made_keeps_the_node_unconfigured_and_is_said(
    make_roma, robot
) -> None:
    roma = make_roma({"hooks.command": "no-such-program-at-all"})
    status = until(
        lambda: (
            (found := robot.diagnostics.get("state")) and "is not found" in found.message and found
        ),
        "the reason",
    )
    assert status.level == DiagnosticStatus.ERROR
    assert roma.state == "unconfigured"


def test_nobody_sets_a_program_over_ros(make_roma, robot) -> None:
    roma = make_roma({"autostart": False})
    client = robot.node.create_client(
        SetParameters, f"{roma.get_fully_qualified_name()}/set_parameters"
    )
    assert client.wait_for_service(10)
    values = {"hooks.command": "true", "hooks.webhook": "http://127.0.0.1/", "watches_file": "/x"}
    request = SetParameters.Request(
        parameters=[
            Parameter(name, value=value).to_parameter_msg() for name, value in values.items()
        ]
    )
    asked = client.call_async(request)
    results = until(lambda: asked.result() if asked.done() else None, "the reply").results
    assert [result.successful for result in results] == [False] * 3
    assert "read-only" in results[0].reason
