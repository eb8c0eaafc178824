"""What ~/stream tells, and inputs that are switched off alone."""

from __future__ import annotations

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from roma_ros.msg import StreamEvent

from roma_ros.events import Fault, Lag, LagPolicy
from roma_ros.nodes import qos
from roma_ros.nodes.client import Outcome

from .conftest import BASE, SECOND, audio, ends, image, until


def kinds(robot) -> list[tuple[int, str]]:
    return [(event.kind, event.reason) for event in robot.stream]


def expect(robot, kind: int, reason: str) -> StreamEvent:
    """The event, when it has come as the next one."""
    until(lambda: (kind, reason) in kinds(robot), f"{kind} {reason} on ~/stream")
    event = next(event for event in robot.stream if (event.kind, event.reason) == (kind, reason))
    robot.stream.clear()
    return event


def test_a_stream_tells_of_its_start_with_the_reason_its_number_and_its_frame(make_roma, robot):
    robot.meet(make_roma())
    robot.play(3)
    first = expect(robot, StreamEvent.STARTED, "first")
    assert (first.stream, ends([first]), first.header.frame_id) == (0, [1.0], "camera")
    assert (first.video_enabled, first.audio_enabled) == (True, True)
    assert robot.roma.reset()
    robot.publish_second()
    robot.play(1)
    assert expect(robot, StreamEvent.STARTED, "reset").stream == 1
    robot.now += 20 * SECOND
    robot.publish_second()
    robot.play(1)
    jumped = expect(robot, StreamEvent.STARTED, "sensors")
    assert jumped.stream == 2
    assert ends([jumped]) == [(robot.now - BASE) / SECOND - 1]
    until(lambda: len(robot.probabilities()) == 5, "p(speak) of five units")
    streams = [(message.stream, message.unit) for message in robot.probabilities()]
    assert streams == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]


def test_lag_recovery_and_faults_are_told_with_their_counts(make_roma, robot, ros, spin, namespace):
    roma = make_roma()
    robot.meet(roma)
    robot.play(2)
    robot.stream.clear()
    place = {"stream": 0, "stamp": BASE + SECOND}
    policy = LagPolicy.AUDIO_ONLY
    lag = {"policy": policy, "dropped": 3, "audio_only": 2}
    roma._publish_event(Lag(**place, **lag, recovered=False))
    roma._publish_event(Lag(**place, **lag, recovered=True))
    roma._publish_event(
        Fault(**place, watch="dog", during="step", error="RuntimeError: broken", restarted=True)
    )
    until(lambda: len(robot.stream) == 3, "three events")
    assert kinds(robot) == [
        (StreamEvent.LAG, "audio_only"),
        (StreamEvent.RECOVERED, "audio_only"),
        (StreamEvent.FAULT, "step"),
    ]
    assert [(e.units_dropped, e.units_audio_only) for e in robot.stream] == [(3, 2), (3, 2), (0, 0)]
    fault = robot.stream[-1]
    assert (fault.watch, fault.text) == ("dog", "could not step: RuntimeError: broken")

    late: list[StreamEvent] = []
    latecomer = Node("latecomer", context=ros, namespace=namespace)
    latecomer.create_subscription(StreamEvent, "roma/stream", late.append, qos.STREAM_EVENTS)
    spin(latecomer)
    until(lambda: late and late[-1] == fault, "who comes late knows what has become of the stream")


def test_a_node_that_does_not_hear_goes_on_seeing_and_says_so(make_roma, robot):
    robot.meet(make_roma({"alert.instructions": ["A dog barks."]}))
    robot.play(3)
    reply = robot.roma.enable_audio(False)
    assert reply
    assert reply.message == "video is enabled, audio is disabled by ~/enable_audio"
    event = expect(robot, StreamEvent.DISABLED, "audio")
    assert (event.video_enabled, event.audio_enabled) == (True, False)
    assert event.text == "audio is disabled by ~/enable_audio"
    robot.play(3)
    until(lambda: robot.diagnostic("units", "units with audio filled") == "2", "they are flagged")
    until(
        lambda: (
            robot.diagnostics["inputs"].level == DiagnosticStatus.WARN
            and "audio is disabled by ~/enable_audio" in robot.diagnostics["inputs"].message
        ),
        "a warning",
    )
    assert robot.roma.enable_audio(True)
    assert expect(robot, StreamEvent.ENABLED, "audio").audio_enabled
    robot.play(3)
    until(lambda: len(robot.probabilities()) == 8, "p(speak) of eight units")
    units = [(message.stream, message.unit) for message in robot.probabilities()]
    assert units == [(0, unit) for unit in range(8)], "one stream, without a unit lost"
    until(lambda: robot.diagnostic("units", "units made") == "8", "the diagnostics catch up")
    assert robot.diagnostic("units", "units with audio filled") == "3"


def test_a_node_that_does_not_see_goes_on_hearing(make_roma, robot):
    robot.meet(make_roma())
    robot.play(3)
    assert robot.roma.enable_video(False)
    assert not expect(robot, StreamEvent.DISABLED, "video").video_enabled
    robot.play(3)
    assert [message.unit for message in robot.probabilities()] == [0, 1, 2, 3, 4]
    until(lambda: robot.diagnostic("units", "units made") == "5", "the diagnostics catch up")
    assert robot.diagnostic("units", "units with video filled") == "2"
    assert robot.diagnostic("units", "units with audio filled") == "0"


def test_enable_gives_back_what_it_took_and_leaves_audio_off(make_roma, robot):
    robot.meet(make_roma())
    assert robot.roma.enable_audio(False)
    assert robot.roma.enable(False).message == (
        "video is disabled by ~/enable, audio is disabled by ~/enable and ~/enable_audio"
    )
    assert robot.roma.enable(True).message == (
        "video is enabled, audio is disabled by ~/enable_audio"
    )


def test_an_input_that_the_node_does_not_use_cannot_be_switched(make_roma, robot):
    robot.meet(make_roma({"use_audio": False}))
    reply = robot.roma.enable_audio(False)
    assert reply.outcome is Outcome.REFUSED
    assert reply.message.startswith("the node has no audio input: use_audio is false; set it to")


@pytest.mark.parametrize(("camera", "frame"), [(True, "camera"), (False, "microphone")])
def test_messages_name_the_cameras_frame_or_the_microphones(make_roma, robot, camera, frame):
    robot.meet(
        make_roma(
            {
                "alert.instructions": ["A dog."],
                "alert.threshold": 1e-9,
                "narration.instruction": "Describe it.",
                "narration.threshold": 1e-9,
                "use_image": camera,
            }
        )
    )
    for _ in range(3):
        for piece in range(10):
            stamp = robot.now + piece * SECOND // 10
            if camera and piece % 5 == 0:
                robot.see(image(stamp))
            robot.hear(audio(stamp))
        robot.now += SECOND
    alert = robot.roma.wait_for_alert(timeout=10)
    narration = robot.roma.wait_for_narration(timeout=10)
    assert alert is not None
    assert narration is not None
    said = [alert, narration, *robot.probabilities()]
    assert {message.header.frame_id for message in said} == {frame}
    assert {message.stream for message in said} == {0}
