"""Cameras of every kind are heard: reliable, best effort, compressed, remapped."""

from __future__ import annotations

import array

import cv2
import numpy as np
import pytest
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage

from roma_ros.nodes.graph_check import describe_publishers

from .conftest import BASE, SECOND, header, until


@pytest.mark.parametrize("reliability", [ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE])
def test_best_effort_and_reliable_sensors_are_both_heard(make_roma, make_robot, reliability):
    robot = make_robot(reliability=reliability)
    robot.meet(make_roma())
    robot.play(3)
    assert [message.unit for message in robot.probabilities()] == [0, 1]
    until(lambda: robot.diagnostic("units", "units made") == "2", "the diagnostics catch up")
    assert robot.diagnostic("units", "units with video filled") == "0"
    assert robot.diagnostic("units", "units with audio filled") == "0"


@pytest.mark.parametrize("remapped", [False, True])
def test_compressed_images_follow_where_image_is_remapped_to(
    make_roma, make_robot, namespace, remapped
):
    topic = f"{namespace}/camera/image_raw" if remapped else f"{namespace}/image"
    robot = make_robot(compressed=True, image_topic=f"{topic}/compressed")
    remapping = ("-r", f"image:={topic}") if remapped else ()
    robot.meet(make_roma({"image_transport": "compressed", "use_audio": False}, *remapping))
    _, jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))
    for number in range(8):
        robot.see(
            CompressedImage(
                header=header(BASE + number * SECOND // 2),
                format="rgb8; jpeg compressed bgr8",
                data=array.array("B", jpeg.tobytes()),
            )
        )
    until(lambda: len(robot.probabilities()) >= 2, "units")
    until(lambda: robot.diagnostic("units", "frames bad") == "0", "no frame was bad")


def test_without_a_camera_there_is_no_image_subscription(make_roma, robot, namespace):
    make_roma({"use_image": False})
    assert robot.roma.wait_until_active()
    until(robot.audio.get_subscription_count, "the node subscribes to audio")
    assert robot.node.count_subscribers(f"{namespace}/image") == 0


def test_publishers_are_described_with_type_and_qos(ros, spin, namespace):
    node = spin(Node("looker", context=ros, namespace=namespace))
    topic = f"{namespace}/image"
    assert "no publisher" in describe_publishers(node, topic, "sensor_msgs/msg/Image")
    node.create_publisher(
        CompressedImage, topic, QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    )
    until(lambda: node.count_publishers(topic) == 1, "the publisher is known")
    described = describe_publishers(node, topic, "sensor_msgs/msg/Image")
    assert f"{namespace}/looker" in described
    assert "best_effort" in described
    assert "CompressedImage" in described
    assert "expects sensor_msgs/msg/Image" in described
