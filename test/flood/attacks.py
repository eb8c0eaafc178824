"""Attacks of clients and publishers: `python test/flood/attacks.py NAME NAMESPACE SECONDS`.

Each function runs in a process of its own until `deadline` (monotonic seconds), and returns what
was observed from outside, as numbers and texts; the process prints it as JSON.
"""

from __future__ import annotations

import array
import json
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from roma_ros.msg import Audio
from roma_ros.srv import Ask, ListWatches, Watch
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import SetBool, Trigger

__all__ = ["ATTACKS", "Attacker"]

Observed = dict[str, Any]


class Attacker(Node):
    """A node beside the robot, with calls that wait no longer than the attack."""

    def __init__(self, namespace: str, deadline: float) -> None:
        super().__init__("attacker", namespace=namespace)
        self.deadline = deadline

    @property
    def left(self) -> float:
        """Seconds until the attack ends."""
        return max(0.0, self.deadline - time.monotonic())

    def client(self, kind: Any, name: str) -> Any:
        client = self.create_client(kind, name)
        if not client.wait_for_service(timeout_sec=10.0):
            raise TimeoutError(f"{name} is not there")
        return client

    def call(self, client: Any, request: Any, timeout: float | None = None) -> Any:
        """Return the response; `None` if none came in time."""
        future = client.call_async(request)
        rclpy.spin_until_future_complete(self, future, timeout_sec=timeout or self.left + 1.0)
        return future.result() if future.done() else None

    def sleep(self, seconds: float) -> None:
        """Spin for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            rclpy.spin_once(self, timeout_sec=left)

    def repeat(self, message: Any, topic: str, period: float) -> Observed:
        """Publish a message every `period` seconds until the deadline."""
        publisher = self.create_publisher(type(message), topic, qos_profile_sensor_data)
        published = 0
        while self.left > 0:
            if hasattr(message, "header"):
                message.header.stamp = self.get_clock().now().to_msg()
            publisher.publish(message)
            published += 1
            self.sleep(min(period, self.left))
        return {"published": published}


def image(width: int, height: int) -> Image:
    message = Image(height=height, width=width, encoding="rgb8", step=3 * width)
    message.data = array.array("B", bytes(3 * width * height))
    return message


def unknown_parameter_types(attacker: Attacker) -> Observed:
    """Set parameters to values of types that do not exist, one by one and atomically."""
    name = "roma/set_parameters"
    one = attacker.client(SetParameters, name)
    atomic = attacker.client(SetParametersAtomically, f"{name}_atomically")
    counts: Counter[str] = Counter()
    kinds = np.random.default_rng(0)
    while attacker.left > 0:
        value = ParameterValue(type=int(kinds.integers(10, 256)))
        parameters = [Parameter(name="alert.threshold", value=value)]
        for client, kind in ((one, SetParameters), (atomic, SetParametersAtomically)):
            response = attacker.call(client, kind.Request(parameters=parameters))
            results = getattr(response, "results", None) or [getattr(response, "result", None)]
            counts["none" if results[0] is None else str(results[0].successful)] += 1
        attacker.sleep(0.02)
    return {"replies": dict(counts)}


def thin_images(attacker: Attacker) -> Observed:
    """Publish images of 300x1 beside the camera's."""
    return attacker.repeat(image(300, 1), "image", 0.1)


def long_instructions(attacker: Attacker) -> Observed:
    """Open six watches of 500 emoji each, and reset the stream again and again."""
    watch = attacker.client(Watch, "roma/watch")
    reset = attacker.client(Trigger, "roma/reset")
    counts: Counter[str] = Counter()
    longest = 0
    for number in range(6):
        request = Watch.Request(id=f"long_{number}", instruction="\U0001f600" * 500)
        response = attacker.call(watch, request)
        counts["none" if response is None else str(response.success)] += 1
        longest = max(longest, len(getattr(response, "message", "")))
    while attacker.left > 5:
        attacker.sleep(5.0)
        attacker.call(reset, Trigger.Request())
    attacker.sleep(attacker.left)
    return {"replies": dict(counts), "longest_message": longest}


def png_bomb(attacker: Attacker) -> Observed:
    """Publish a PNG of a few kB that decodes to 8000x8000 beside the camera's JPEGs."""
    width = height = 8000
    raw = zlib.compress(bytes((width // 8 + 1) * height), 9)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", raw) + chunk(b"IEND", b"")
    message = CompressedImage(format="png", data=array.array("B", png))
    return attacker.repeat(message, "image/compressed", 0.25) | {"bytes": len(png)}


def questions_at_once(attacker: Attacker) -> Observed:
    """Ask 1,000 questions at once from 20 clients, and count the replies."""
    clients = [attacker.client(Ask, "roma/ask") for _ in range(20)]
    request = Ask.Request(question="What was there?")
    futures = [client.call_async(request) for client in clients for _ in range(50)]
    while attacker.left > 0 and not all(future.done() for future in futures):
        attacker.sleep(0.1)
    replies = [future.result() for future in futures if future.done()]
    attacker.sleep(attacker.left)
    return {
        "asked": len(futures),
        "replies": len(replies),
        "answers": sum(r.success for r in replies),
    }


def switched_off(attacker: Attacker) -> Observed:
    """Switch all inputs off for the whole time."""
    enable = attacker.client(SetBool, "roma/enable")
    attacker.call(enable, SetBool.Request(data=False))
    attacker.sleep(attacker.left - 1.0)
    response = attacker.call(enable, SetBool.Request(data=True))
    return {"switched_on_again": bool(response and response.success)}


def resets(attacker: Attacker) -> Observed:
    """Reset the stream 100 times a second."""
    reset = attacker.client(Trigger, "roma/reset")
    futures = []
    while attacker.left > 0:
        futures.append(reset.call_async(Trigger.Request()))
        attacker.sleep(0.01)
    attacker.sleep(1.0)
    return {"resets": len(futures), "replies": sum(future.done() for future in futures)}


def second_camera(attacker: Attacker) -> Observed:
    """Publish another camera's images on the camera's topic."""
    return attacker.repeat(image(320, 240), "image", 0.1)


def second_microphone(attacker: Attacker) -> Observed:
    """Publish another microphone's chunks on the microphone's topic."""
    message = Audio(sample_rate=16_000, channels=1, format="s16le")
    message.data = array.array("B", bytes(2 * 1_600))
    return attacker.repeat(message, "audio", 0.1)


def second_node(attacker: Attacker) -> Observed:
    """Start a second node of the same name in the same namespace."""
    command = [sys.executable, "-m", "roma_ros.nodes.roma_node", "--ros-args"]
    command += ["-r", f"__ns:={attacker.get_namespace()}", "-p", "device:=cpu"]
    command += ["-p", "watches.state_file:=''", "-p", "journal.folder:=''"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        attacker.sleep(attacker.left)
    finally:
        process.terminate()
        process.wait(10)
    return {"second_node": process.returncode}


def other_type(attacker: Attacker) -> Observed:
    """Publish messages of another type on the camera's topic."""
    return attacker.repeat(CompressedImage(format="jpeg"), "image", 0.1)


def long_names(attacker: Attacker) -> Observed:
    """Begin watches whose id has a million characters, and look at the sizes of the replies."""
    watch = attacker.client(Watch, "roma/watch")
    listing = attacker.client(ListWatches, "roma/list_watches")
    taken, longest = 0, 0
    while attacker.left > 0:
        request = Watch.Request(id="x" * 1_000_000, instruction="alert me when a dog appears")
        response = attacker.call(watch, request)
        taken += bool(response and response.success)
        longest = max(longest, len(getattr(response, "message", "")))
        listed = attacker.call(listing, ListWatches.Request())
        longest = max(longest, len(str(listed)))
        attacker.sleep(0.2)
    return {"taken": taken, "longest_reply": longest}


def huge_images(attacker: Attacker) -> Observed:
    """Publish images of 268 MB beside the camera's."""
    return attacker.repeat(image(9_460, 9_460), "image", 1.0)


def fast_images(attacker: Attacker) -> Observed:
    """Publish images of 1080p as fast as they go."""
    return attacker.repeat(image(1_920, 1_080), "image", 0.005)


ATTACKS: dict[str, Callable[[Attacker], Observed]] = {
    function.__name__: function
    for function in (
        *(unknown_parameter_types, thin_images, long_instructions, png_bomb, questions_at_once),
        *(switched_off, resets, second_camera, second_microphone, second_node, other_type),
        *(long_names, huge_images, fast_images),
    )
}


def main() -> None:
    name, namespace, seconds = sys.argv[1:4]
    rclpy.init()
    attacker = Attacker(namespace, time.monotonic() + float(seconds))
    print(json.dumps(ATTACKS[name](attacker)), flush=True)


if __name__ == "__main__":
    main()
