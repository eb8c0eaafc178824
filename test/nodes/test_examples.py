"""The examples of docs/ that need ROS, run as their reader would run them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
import wave
from pathlib import Path
from typing import Any

import pytest
from roma_ros.msg import StreamEvent

from roma_ros.nodes.client import Outcome
from roma_ros.units import UNIT_RATE

from .conftest import until


@pytest.fixture
def run(repository, namespace, robot):
    """Runs an example while the sensors publish; returns its exit code and what it printed."""

    def run(name: str, *arguments: str) -> tuple[int, str]:
        command = [sys.executable, str(repository / "docs" / "examples" / name), *arguments]
        command += ["--node", f"{namespace}/roma"]
        example = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while example.poll() is None:
            robot.publish_second_blindly()
            time.sleep(0.1)
        output, _ = example.communicate()
        return example.returncode, output

    return run


def load(repository: Path, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, repository / "docs/examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tell_me_when_waits_for_an_alert_and_asks_about_it(make_roma, robot, run):
    robot.meet(make_roma({"answer_tokens": 4}))
    robot.play(2)
    code, output = run(
        "tell_me_when.py", "Tell me when a dog barks.", "Which dog?", "--threshold", "1e-9"
    )
    assert code == 0, output
    assert "alert: p(speak) 0." in output
    assert len(output.splitlines()) >= 2
    assert robot.roma.watch("A cat.", name="alert_1"), "the example has removed its watch"


def test_narrations_are_spoken_while_the_audio_input_is_off(make_roma, robot, run, tmp_path):
    pytest.importorskip("espeakng_loader")
    robot.meet(make_roma({"reply_tokens": 8}))
    robot.play(2)
    arguments = ["describe what happens", "--threshold", "1e-9", "--seconds", "6"]
    code, output = run("narrate_to_speech.py", *arguments, "--wav", str(tmp_path))
    assert code == 0, output
    files = sorted(tmp_path.glob("unit_*.wav"))
    assert files, output
    with wave.open(str(files[0])) as file:
        assert file.getframerate() == UNIT_RATE
        assert file.getnframes() > 0.2 * UNIT_RATE
    switches = (StreamEvent.DISABLED, StreamEvent.ENABLED)
    switched = [e.kind for e in robot.stream if e.kind in switches and e.reason == "audio"]
    assert StreamEvent.DISABLED in switched
    until(lambda: robot.stream[-1].kind == StreamEvent.ENABLED, "the audio input is on again")


def test_the_leaf_runs_until_there_is_an_answer(make_roma, robot, repository):
    leaves = load(repository, "ask_leaf")
    robot.meet(make_roma({"answer_tokens": 4}))
    robot.play(2)
    leaf = leaves.Ask("ask", robot.roma, "is there a circle?")
    statuses = [leaf.tick()]
    assert statuses == [leaves.Status.RUNNING], "no answer is there within a tick"
    until(lambda: leaf.tick() is not leaves.Status.RUNNING, "the answer")
    assert leaf.status is leaves.Status.SUCCESS, leaf.feedback_message
    assert leaf.feedback_message

    strict = leaves.Ask("ask", robot.roma, "is there a circle?", expect="zebra")
    until(lambda: strict.tick() is not leaves.Status.RUNNING, "the answer")
    assert strict.status is leaves.Status.FAILURE
    assert strict.feedback_message == leaf.feedback_message, "the answer that was not expected"


def test_a_leaf_that_is_stopped_cancels_its_question(make_roma, robot, repository):
    leaves = load(repository, "ask_leaf")
    robot.meet(make_roma())  # no unit has come: the question waits
    leaf = leaves.Ask("ask", robot.roma, "is there a circle?")
    assert leaf.tick() is leaves.Status.RUNNING
    pending = leaf._pending
    leaf.stop()
    assert pending.wait(10.0).outcome is Outcome.CANCELLED
    assert leaf.status is leaves.Status.INVALID


def test_a_leaf_without_a_node_fails_at_once(robot, repository):
    leaves = load(repository, "ask_leaf")
    leaf = leaves.Ask("ask", robot.roma, "is there a circle?")
    assert leaf.tick() is leaves.Status.FAILURE
    assert "no reply from" in leaf.feedback_message


def test_the_leaf_as_a_program(make_roma, robot, run):
    robot.meet(make_roma({"answer_tokens": 4}))
    robot.play(2)
    code, output = run("ask_leaf.py", "is there a circle?")
    assert code == 0, output
    assert output.startswith("SUCCESS: ")
