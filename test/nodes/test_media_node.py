"""The media node as a process of its own, into the real roma node."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ..clips import Clip, write_clip
from ..sources.servers import LiveStream, http_live_server
from ..sources.test_bag import Recording, write_bag
from .conftest import until


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("media") / "clip.mp4"
    return write_clip(path, Clip(seconds=4.6, channels=1))


@pytest.fixture
def play(namespace):
    processes = []

    def start(path, **parameters):
        command = [sys.executable, "-m", "roma_ros.nodes.media_node", "--ros-args"]
        command += ["-r", f"__ns:={namespace}", "-p", f"path:={path}"]
        for name, value in parameters.items():
            command += ["-p", f"{name}:={value}"]
        processes.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("transport", "reliability"), [("raw", "best_effort"), ("compressed", "reliable")]
)
def test_a_clip_becomes_units_in_the_node(make_roma, robot, play, clip, transport, reliability):
    # Twice as fast as real time on a busy machine: sound may be late behind pictures.
    make_roma({"image_transport": transport, "lateness": 0.5})
    assert robot.roma.wait_until_active()
    media = play(
        clip,
        image_transport=transport,
        reliability=reliability,
        rate=2.0,
        wait_for_subscribers=20.0,
    )
    assert media.wait(timeout=30.0) == 0, media.stderr.read()
    until(lambda: len(robot.probabilities()) >= 4, "p(speak) of all whole seconds")
    assert [message.unit for message in robot.probabilities()] == [0, 1, 2, 3]
    now = robot.node.get_clock().now().nanoseconds / 1e9
    assert all(abs(message.header.stamp.sec - now) < 60 for message in robot.probabilities())
    until(lambda: robot.diagnostic("units", "units made") == "4", "the diagnostics catch up")
    assert robot.diagnostic("units", "units with audio filled") == "0"
    assert robot.diagnostic("units", "units with video filled") == "0"


def test_a_bag_and_a_live_stream_become_units_in_the_node(make_roma, robot, play, tmp_path):
    make_roma({"lateness": 0.5})
    assert robot.roma.wait_until_active()
    bag = write_bag(tmp_path / "bag", Recording())
    media = play(bag, rate=2.0, wait_for_subscribers=20.0)
    assert media.wait(timeout=30.0) == 0, media.stderr.read()
    until(lambda: len(robot.probabilities()) >= 3, "p(speak) of the bag")
    count = len(robot.probabilities())
    live = LiveStream(write_clip(tmp_path / "live.ts", Clip(seconds=6.0)))
    with http_live_server(live) as address:
        secret = address.replace("://", "://user:secret@")
        media = play(secret, reconnect_seconds=0.0)
        _, errors = media.communicate(timeout=30.0)
    assert media.returncode == 1
    assert "***@127.0.0.1" in errors
    assert "has ended" in errors
    assert "secret" not in errors
    until(lambda: len(robot.probabilities()) >= count + 2, "p(speak) of the stream")


def test_a_folder_is_played_in_a_loop_as_one_stream_until_told_to_stop(
    make_roma, robot, play, clip
):
    make_roma()
    assert robot.roma.wait_until_active()
    media = play(clip.parent, loop="true", rate=6.0, wait_for_subscribers=20.0)
    until(lambda: len(robot.probabilities()) >= 10, "units beyond the clip's end")
    assert [message.unit for message in robot.probabilities()][:10] == list(range(10))
    media.send_signal(signal.SIGINT)
    assert media.wait(timeout=10.0) == 0, media.stderr.read()


@pytest.mark.parametrize(("path", "word"), [("no/such.mp4", "does not exist"), ("", "empty")])
def test_a_path_with_nothing_to_play_ends_with_the_reason(play, path, word):
    media = play(path or "''")
    _, errors = media.communicate(timeout=30.0)
    assert media.returncode == 2
    assert word in errors
    assert "Traceback" not in errors
