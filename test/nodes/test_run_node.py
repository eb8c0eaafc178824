"""A node's process, from its arguments to its exit status."""

from __future__ import annotations

import signal
import subprocess
import sys

from .conftest import until


def start(node, namespace, *parameters):
    command = [sys.executable, "-m", f"roma_ros.nodes.{node}", "--ros-args"]
    command += ["-r", f"__ns:={namespace}"]
    for parameter in parameters:
        command += ["-p", parameter]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_sigint_and_sigterm_end_a_node_in_good_order_while_it_works(make_robot, namespace):
    nodes = []
    for ending in (signal.SIGINT, signal.SIGTERM):  # both start at once
        own = f"{namespace}/{ending.name}"
        nodes.append((ending, start("roma_node", own), make_robot(namespace=own)))
    for ending, process, robot in nodes:
        assert robot.roma.wait_until_active()
        until(robot.images.get_subscription_count, "the node subscribes")
        robot.publish_second_blindly()
        process.send_signal(ending)
        _, log = process.communicate(timeout=20.0)
        assert process.returncode == 0, (ending, log)
        assert "Traceback" not in log


def test_a_parameter_that_is_refused_ends_the_process_with_the_reason(namespace):
    process = start("media_node", namespace, "rate:=7000.0")
    _, log = process.communicate(timeout=30.0)
    assert process.returncode == 2
    assert "rate" in log
    assert "Traceback" not in log
