"""What is wrong with the ROS graph around the node, in diagnostics and in warnings."""

from __future__ import annotations

import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from roma_ros.msg import Audio
from sensor_msgs.msg import CompressedImage, Image

from roma_ros.nodes.graph_check import describe_publishers

from .conftest import until


def graph(robot) -> str:
    """The last message of the graph's diagnostics, with its level."""
    status = robot.diagnostics.get("graph")
    return "" if status is None else f"{status.level[0]} {status.message}"


@pytest.mark.parametrize(("kind", "topic"), [(Image, "image"), (Audio, "audio")])
def test_a_second_publisher_of_an_input_is_a_warning_while_it_is_there(
    make_roma, robot, ros, spin, namespace, kind, topic
):
    robot.meet(make_roma())
    until(lambda: graph(robot).startswith("0 one publisher"), "all is well")
    other = spin(Node("other", context=ros, namespace=namespace))
    other.create_publisher(kind, topic, 5)
    until(lambda: graph(robot).startswith(f"1 {namespace}/{topic} has 2 publishers"), "a warning")
    assert f"{namespace}/other" in graph(robot)
    spin.close_one(other)
    until(lambda: graph(robot).startswith("0"), "all is well again")


def test_a_publisher_of_another_type_and_a_node_of_the_same_name_are_warnings(
    make_roma, robot, ros, spin, namespace
):
    roma = make_roma()
    robot.meet(roma)
    elsewhere = Context()  # one process may not give a topic two types in one context
    rclpy.init(context=elsewhere)
    other = Node("other", context=elsewhere, namespace=namespace)
    other.create_publisher(CompressedImage, "image", 5)
    expected = f"1 {namespace}/other publishes sensor_msgs/msg/CompressedImage on {namespace}/image"
    until(lambda: graph(robot).startswith(expected), "the type")
    other.destroy_node()
    elsewhere.try_shutdown()
    spin(Node(roma.get_name(), context=ros, namespace=namespace))
    until(
        lambda: f"2 nodes are named {roma.get_fully_qualified_name()}" in graph(robot), "the name"
    )


def test_an_input_without_data_whose_publisher_fits_names_users_and_buffers(ros, spin, namespace):
    node = spin(Node("looker", context=ros, namespace=namespace))
    topic = f"{namespace}/image"
    node.create_publisher(Image, topic, 5)
    until(lambda: node.count_publishers(topic) == 1, "the publisher is known")
    described = describe_publishers(node, topic, "sensor_msgs/msg/Image")
    assert "another user" in described
    assert "config/fastdds_udp.xml" in described
    assert "config/fastdds.xml on both sides" in described


def test_many_resets_are_a_warning_that_names_them(make_roma, robot):
    robot.meet(make_roma())
    robot.play(2)
    for _ in range(3):
        assert robot.roma.reset()
    for _ in range(20):
        assert robot.roma.reset()
    until(lambda: "units" in robot.diagnostics, "the first diagnostics")
    until(lambda: "resets in 10 s" in robot.diagnostics["units"].message, "the warning")
    assert robot.diagnostics["units"].level == b"\x01"
