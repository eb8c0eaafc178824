"""Sensors whose stamps disagree, in real time; a bag in a loop; lateness at run time."""

from __future__ import annotations

import time

from diagnostic_msgs.msg import DiagnosticStatus
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from roma_ros.msg import Alert

from roma_ros.nodes.stamps import stamp_of

from .conftest import BASE, SECOND, audio, image, until

TENTH = SECOND // 10


def alerts(robot) -> list[Alert]:
    return [message for message in list(robot.messages) if isinstance(message, Alert)]


def test_a_camera_on_the_boot_clock_and_a_microphone_in_unix_time(make_roma, robot):
    """98 % of the chunks or of the frames were lost, with all diagnostics OK."""
    logged: list[str] = []
    roma = make_roma()
    robot.meet(roma)
    roma._active.input_thread._on_notice = logged.append
    begin = time.monotonic_ns()
    for number in range(70):  # 7 s
        wait = begin + number * TENTH - time.monotonic_ns()
        time.sleep(max(wait, 0) / SECOND)
        robot.images.publish(image(time.monotonic_ns()))
        robot.audio.publish(audio(time.time_ns() - TENTH))
    until(lambda: len(robot.probabilities()) >= 4, "units")
    for message in robot.probabilities():
        assert stamp_of(message.header.stamp) <= time.time_ns()
        assert abs(stamp_of(message.header.stamp) - time.time_ns()) < 60 * SECOND
    until(lambda: int(robot.diagnostic("units", "units made") or 0) >= 5, "the diagnostics")
    made = int(robot.diagnostic("units", "units made"))
    assert int(robot.diagnostic("units", "units with video filled")) <= made - 4
    assert int(robot.diagnostic("units", "units with audio filled")) <= made - 4
    assert int(robot.diagnostic("units", "new streams")) <= 1
    assert robot.diagnostic("inputs", "camera aligned by") == "arrival"
    assert robot.diagnostic("inputs", "microphone aligned by") == "stamps"
    assert float(robot.diagnostic("inputs", "camera stamp offset [s]")) > 1e9
    status = robot.diagnostics["inputs"]
    assert status.level == DiagnosticStatus.WARN
    assert "another epoch" in status.message
    assert sum("the camera's stamps are" in line for line in logged) == 1, "said once"


def test_three_laps_of_a_bag_raise_alerts_in_each(make_roma, robot):
    roma = make_roma(
        {"alert.instructions": ["A dog barks."], "alert.threshold": 1e-9, "alert.window": 2}
    )
    robot.meet(roma)
    for lap in range(1, 4):
        robot.now = BASE
        for _ in range(4):
            robot.publish_second()
        until(lambda n=lap: len(alerts(robot)) >= n, f"the alert of lap {lap}")
    assert len(alerts(robot)) == 3
    assert [alert.unit for alert in alerts(robot)] == [1, 1, 1]
    until(lambda: robot.diagnostic("units", "new streams") == "2", "the diagnostics")


def test_lateness_changes_at_run_time(make_roma, robot):
    robot.meet(make_roma())
    client = robot.node.create_client(SetParameters, f"{robot.namespace}/roma/set_parameters")
    assert client.wait_for_service(timeout_sec=30.0)

    def change(value) -> str:
        parameter = Parameter("lateness", value=value).to_parameter_msg()
        future = client.call_async(SetParameters.Request(parameters=[parameter]))
        until(future.done, "the parameter is set")
        return future.result().results[0].reason

    for value, shown in ((1.25, "1.250"), ("auto", "0.150"), (0.5, "0.500")):
        assert change(value) == ""
        until(
            lambda shown=shown: robot.diagnostic("inputs", "camera lateness in use [s]") == shown,
            f"lateness {value} is in use",
        )
    for value in ("soon", 7.5, -1.0, True):
        assert "expected auto or 0.0 to 5.0 s" in change(value)
    robot.node.destroy_client(client)
