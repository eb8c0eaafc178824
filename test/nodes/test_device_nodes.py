"""The camera node with a camera of the network, and what happens where there is no device."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image

from roma_ros.nodes.stamps import stamp_of

from .conftest import until


class NetworkCamera(BaseHTTPRequestHandler):
    """Sends JPEG images one after another, as such cameras do, until it is switched off."""

    off = threading.Event()

    def do_GET(self) -> None:
        _, jpeg = cv2.imencode(".jpg", np.full((120, 160, 3), (30, 60, 200), np.uint8))
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        while not self.off.wait(0.05):
            self.wfile.write(b"--next\r\nContent-Type: image/jpeg\r\n")
            self.wfile.write(f"Content-Length: {len(jpeg)}\r\n\r\n".encode())
            self.wfile.write(jpeg.tobytes() + b"\r\n")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Be quiet."""


@pytest.fixture
def camera_address() -> Iterator[str]:
    NetworkCamera.off.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), NetworkCamera)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/video.mjpg"
    NetworkCamera.off.set()
    server.shutdown()
    server.server_close()


def run(node, namespace, **parameters):
    command = [sys.executable, "-m", f"roma_ros.nodes.{node}", "--ros-args"]
    command += ["-r", f"__ns:={namespace}", "-r", "image:=seen"]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={value}"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_a_camera_is_published_with_ros_time_and_its_end_ends_the_process(
    robot, namespace, camera_address
):
    seen: list[Image] = []
    robot.node.create_subscription(Image, "seen", seen.append, 50)
    begin = robot.node.get_clock().now().nanoseconds
    arguments = {"device": camera_address, "frame_id": "front", "reliability": "reliable"}
    arguments["reconnect_seconds"] = 0.0
    camera = run("camera_node", namespace, **arguments)
    until(lambda: len(seen) > 5, "frames")
    NetworkCamera.off.set()
    _, errors = camera.communicate(timeout=30.0)
    assert camera.returncode == 1
    assert f"{camera_address} has ended" in errors
    assert "Traceback" not in errors
    message = seen[0]
    assert (message.encoding, message.header.frame_id) == ("rgb8", "front")
    assert (message.height, message.width) == (120, 160)
    red, green, blue = np.asarray(message.data).reshape(-1, 3).mean(axis=0)
    assert (red, green, blue) == pytest.approx((200, 60, 30), abs=4)
    stamps = [stamp_of(message.header.stamp) for message in seen]
    assert begin < stamps[0]
    assert stamps == sorted(stamps)


def test_a_camera_that_was_switched_off_is_found_again(robot, namespace, camera_address):
    seen: list[Image] = []
    robot.node.create_subscription(Image, "seen", seen.append, 50)
    secret = camera_address.replace("://", "://user:secret@")
    camera = run("camera_node", namespace, device=secret, reliability="reliable")
    until(lambda: len(seen) > 5, "frames")
    NetworkCamera.off.set()
    time.sleep(0.3)
    NetworkCamera.off.clear()
    count = len(seen)
    until(lambda: len(seen) > count + 10, "frames after the camera was switched on again")
    camera.send_signal(signal.SIGINT)
    _, errors = camera.communicate(timeout=10.0)
    assert camera.returncode == 0
    assert "has ended; trying again in 0.5 s" in errors
    assert "is back after" in errors
    assert "secret" not in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("node", "parameters"),
    [("camera_node", {"device": "/dev/video99"}), ("microphone_node", {"device": "no-such-one"})],
)
def test_a_device_that_is_not_there_ends_with_the_reason(namespace, node, parameters):
    process = run(node, namespace, **parameters)
    _, errors = process.communicate(timeout=30.0)
    assert process.returncode == 2
    assert "cannot start" in errors
    assert "Traceback" not in errors
