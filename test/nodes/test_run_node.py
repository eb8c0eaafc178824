"""A node's process, from its arguments to its exit status."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from .conftest import until


def start(node, namespace, *parameters):
    command = [sys.executable, "-m", f"roma_ros.nodes.{node}", "--ros-args"]
    command += ["-r", f"__ns:={namespace}"]
    for parameter in parameters:
        command += ["-p", parameter]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_node_in_good_order_while_it_works(robot, namespace, ending):
    process = start("roma_node", namespace)
    assert robot.roma.wait_until_active()
    until(robot.images.get_subscription_count, "the node subscribes")
    robot.publish_second_blindly()
    process.send_signal(ending)
    _, log = process.communicate(timeout=20.0)
    assert process.returncode == 0, log
    assert "Traceback" not in log


def test_a_parameter_that_is_refused_ends_the_process_with_the_reason(namespace):
    process = start("media_node", namespace, "rate:=7000.0")
    _, log = process.communicate(timeout=30.0)
    assert process.returncode == 2
    assert "rate" in log
    assert "Traceback" not in log
