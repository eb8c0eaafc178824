from __future__ import annotations

import threading
import time

import pytest
import torch
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from roma_ros.msg import Alert, Narration

from roma_ros.nodes.client import Outcome
from roma_ros.watch import WatchKind

from .conftest import BASE, SECOND, Robot, ends, until


def call(robot: Robot, srv_type, name: str, request):
    """Call a service of the roma node as any program would."""
    client = robot.node.create_client(srv_type, f"{robot.namespace}/roma/{name}")
    assert client.wait_for_service(timeout_sec=30.0)
    done = threading.Event()
    future = client.call_async(request)
    future.add_done_callback(lambda _: done.set())
    assert done.wait(30.0)
    robot.node.destroy_client(client)
    return future.result()


def change_state(robot: Robot, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return call(robot, ChangeState, "change_state", request).success


def state(robot: Robot) -> str:
    return call(robot, GetState, "get_state", GetState.Request()).current_state.label


def set_parameter(robot: Robot, name: str, value) -> str:
    """Why it was refused; empty if it was not."""
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    (result,) = call(robot, SetParameters, "set_parameters", request).results
    return "" if result.successful else result.reason


def test_publishes_p_speak_of_every_unit_at_the_units_end(make_roma, robot):
    robot.meet(make_roma())
    robot.play(4)
    probabilities = robot.probabilities()
    assert [message.unit for message in probabilities] == [0, 1, 2]
    assert ends(probabilities) == [1.0, 2.0, 3.0]
    assert {message.watch for message in probabilities} == {""}
    assert all(0 < message.p_speak < 1 for message in probabilities)


def test_interface_has_the_documented_names_types_and_qos(make_roma, robot, namespace):
    roma = make_roma()
    robot.meet(roma)
    node = robot.node

    def outputs(name):
        (info,) = node.get_publishers_info_by_topic(f"{namespace}/roma/{name}")
        return info.topic_type, info.qos_profile.reliability, info.qos_profile.durability

    def inputs(name):
        (info,) = node.get_subscriptions_info_by_topic(f"{namespace}/{name}")
        return info.topic_type, info.qos_profile.reliability, info.qos_profile.durability

    reliable, best_effort = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT
    volatile, latched = DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL
    assert outputs("alert") == ("roma_ros/msg/Alert", reliable, latched)
    assert outputs("narration") == ("roma_ros/msg/Narration", reliable, volatile)
    assert outputs("speak_probability") == ("roma_ros/msg/SpeakProbability", reliable, volatile)
    assert inputs("image") == ("sensor_msgs/msg/Image", best_effort, volatile)
    assert inputs("audio") == ("roma_ros/msg/Audio", best_effort, volatile)
    services = dict(node.get_service_names_and_types_by_node("roma", namespace))
    for name, service_type in (
        ("ask", "roma_ros/srv/Ask"),
        ("watch", "roma_ros/srv/Watch"),
        ("unwatch", "roma_ros/srv/Unwatch"),
        ("reset", "std_srvs/srv/Trigger"),
        ("enable", "std_srvs/srv/SetBool"),
    ):
        assert services[f"{namespace}/roma/{name}"] == [service_type]


def test_goes_through_its_lifecycle_and_back(make_roma, robot, namespace):
    roma = make_roma({"autostart": False})
    assert state(robot) == "unconfigured"
    assert "configure" in robot.roma.ask("What is there?").message

    assert change_state(robot, Transition.TRANSITION_CONFIGURE)
    assert state(robot) == "inactive"
    assert "activate" in robot.roma.ask("What is there?").message
    assert robot.node.count_subscribers(f"{namespace}/image") == 0

    for _ in range(2):
        assert change_state(robot, Transition.TRANSITION_ACTIVATE)
        robot.meet(roma)
        before = len(robot.probabilities())
        robot.publish_second()
        robot.play(2)
        assert [message.unit for message in robot.probabilities()[before:]] == [0, 1]
        assert not change_state(robot, Transition.TRANSITION_CLEANUP)  # it is active: refused
        assert state(robot) == "active"
        assert change_state(robot, Transition.TRANSITION_DEACTIVATE)
        until(lambda: not robot.images.get_subscription_count(), "the subscription ends")

    assert change_state(robot, Transition.TRANSITION_CLEANUP)
    assert state(robot) == "unconfigured"
    assert change_state(robot, Transition.TRANSITION_CONFIGURE)
    assert change_state(robot, Transition.TRANSITION_INACTIVE_SHUTDOWN)
    assert state(robot) == "finalized"


def test_an_unknown_model_is_reported_and_can_be_mended(make_roma, robot):
    make_roma({"model": "no/such/folder"})
    until(lambda: "state" in robot.diagnostics, "diagnostics of a node without a model")
    status = until(
        lambda: robot.diagnostics["state"].message and robot.diagnostics["state"], "the reason"
    )
    assert status.level == DiagnosticStatus.ERROR
    assert "no/such/folder" in status.message
    assert state(robot) == "unconfigured"
    assert "no/such/folder" in robot.roma.ask("What is there?").message
    assert set_parameter(robot, "model", "roma_tiny") == ""
    assert change_state(robot, Transition.TRANSITION_CONFIGURE)


def test_an_alert_is_raised_and_kept_for_late_subscribers(make_roma, robot, ros, spin, namespace):
    roma = make_roma(
        {
            "alert.instructions": ["Tell me when somebody comes in."],
            "alert.threshold": 1e-9,
            "alert.window": 2,
            "alert.reply": False,
        }
    )
    robot.meet(roma)
    robot.play(4)
    alert = robot.roma.wait_for_alert(timeout=10.0)
    assert alert is not None
    assert (alert.watch, alert.unit) == ("alert_1", 1)
    assert alert.instruction == "Tell me when somebody comes in."
    assert ends([alert]) == [2.0]
    assert [message.triggered for message in robot.probabilities("alert_1")] == [False, True, False]

    late: list[Alert] = []
    latched = QoSProfile(depth=50, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    latecomer = Node("latecomer", context=ros, namespace=namespace)
    latecomer.create_subscription(Alert, "roma/alert", late.append, latched)
    spin(latecomer)
    assert until(lambda: late, "the alert comes late")[0] == alert


def test_a_narration_is_spoken(make_roma, robot):
    roma = make_roma({"narration.instruction": "Describe it.", "narration.threshold": 1e-9})
    robot.meet(roma)
    robot.play(4)
    narration = robot.roma.wait_for_narration(timeout=20.0)
    assert isinstance(narration, Narration)
    assert narration.watch == "narration_1"
    assert narration.instruction == "Describe it."
    assert 0 < narration.p_speak < 1


def test_watches_come_and_go_by_service(make_roma, robot):
    robot.meet(make_roma({"alert.threshold": 0.25}))
    robot.play(2)
    added = robot.roma.watch("A dog barks.", name="dog")
    assert added
    assert added.id == "dog"
    assert robot.roma.watch("Describe it.", kind=WatchKind.NARRATION, threshold=0.9).id == (
        "narration_1"
    )
    robot.play(2)
    until(lambda: robot.probabilities("dog"), "p(speak) of the dog")
    assert robot.probabilities("dog")[-1].threshold == pytest.approx(0.25)
    until(lambda: robot.probabilities("narration_1"), "p(speak) of the narration")
    assert robot.roma.unwatch("dog")
    assert robot.roma.unwatch("narration_1")
    robot.play(2)
    until(lambda: robot.probabilities()[-1].watch == "", "the stream without a watch")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"instruction": ""}, "instruction"),
        ({"instruction": "x" * 501}, "501"),
        ({"instruction": "A dog.", "threshold": 2.0}, "threshold is 2"),
        ({"instruction": "A dog.", "threshold": float("nan")}, "threshold is nan"),
        ({"instruction": "A dog.", "window": 61}, "window is 61"),
        ({"instruction": "A dog.", "cooldown": -3.0}, "cooldown is -3"),
        ({"instruction": "A dog.", "name": "taken"}, "taken"),
    ],
)
def test_a_watch_that_makes_no_sense_is_refused_with_the_reason(make_roma, robot, arguments, word):
    make_roma()
    assert robot.roma.wait_until_active()
    assert robot.roma.watch("A cat.", name="taken")
    reply = robot.roma.watch(**arguments)
    assert reply.outcome is Outcome.REFUSED
    assert word in reply.message
    assert reply.id == ""
    assert robot.roma.unwatch("taken"), "the good watch is still there"


def test_unwatch_of_what_is_not_there_is_refused(make_roma, robot):
    make_roma()
    assert robot.roma.wait_until_active()
    reply = robot.roma.unwatch("nothing")
    assert reply.outcome is Outcome.REFUSED
    assert "nothing" in reply.message


def test_a_question_is_answered_from_the_last_unit(make_roma, robot):
    robot.meet(make_roma({"answer_tokens": 8}))
    robot.play(3)
    reply = robot.roma.ask("What was there?")
    assert reply.outcome is Outcome.SUCCEEDED, reply.message
    assert reply.answer
    assert reply.stamp == BASE + 2 * SECOND
    assert 0 < reply.latency < 30


def test_of_fifty_questions_at_once_those_that_fit_are_answered_and_the_others_refused(
    make_roma, robot
):
    robot.meet(make_roma({"answer_tokens": 8, "max_questions": 8}))
    robot.play(3)
    replies = []
    askers = [
        threading.Thread(target=lambda n=n: replies.append(robot.roma.ask(f"What about {n}?")))
        for n in range(50)
    ]
    for asker in askers:
        asker.start()
    begin = time.monotonic()
    assert state(robot) == "active", "the executor is free while answers are decoded"
    assert time.monotonic() - begin < 5
    for asker in askers:
        asker.join()
    outcomes = [reply.outcome for reply in replies]
    assert len(replies) == 50
    assert outcomes.count(Outcome.SUCCEEDED) >= 8
    assert set(outcomes) <= {Outcome.SUCCEEDED, Outcome.REFUSED}
    assert all("wait" in reply.message for reply in replies if not reply)
    robot.play(2)
    assert robot.probabilities()[-1].unit == 3, "no unit was lost over it"


@pytest.mark.parametrize(("question", "word"), [("x" * 100_000, "100000"), ("  ", "empty")])
def test_a_question_too_long_or_empty_is_refused(make_roma, robot, question, word):
    robot.meet(make_roma())
    robot.play(2)
    reply = robot.roma.ask(question)
    assert reply.outcome is Outcome.REFUSED
    assert word in reply.message
    robot.play(1)
    assert [message.unit for message in robot.probabilities()] == [0, 1]


def test_a_question_to_a_watch_that_is_not_there_is_refused(make_roma, robot):
    make_roma()
    assert robot.roma.wait_until_active()
    reply = robot.roma.ask("What is there?", watch="nobody")
    assert reply.outcome is Outcome.REFUSED
    assert "nobody" in reply.message


def test_reset_begins_a_new_stream_and_keeps_the_watches(make_roma, robot):
    robot.meet(make_roma({"alert.instructions": ["A dog barks."]}))
    robot.play(4)
    assert robot.roma.reset()
    before = len(robot.probabilities())
    robot.publish_second()
    robot.play(2)
    fresh = robot.probabilities()[before:]
    assert [message.unit for message in fresh] == [0, 1]
    assert {message.watch for message in fresh} == {"alert_1"}


def test_enable_shuts_eyes_and_ears_and_opens_them_again(make_roma, robot):
    roma = make_roma()
    robot.meet(roma)
    robot.play(3)
    assert robot.roma.enable(False)
    before = len(robot.probabilities())
    for _ in range(3):
        robot.publish_second()
    assert robot.roma.ask("What was there?"), "what was seen can still be asked about"
    assert len(robot.probabilities()) == before
    assert robot.roma.enable(True)
    robot.now += 20 * SECOND
    for _ in range(3):
        robot.publish_second()
    # The unit that was open when the eyes were shut is closed too, as the old stream's last.
    until(
        lambda: [message.unit for message in robot.probabilities()[before:]] == [2, 0, 1], "units"
    )


def test_thresholds_change_at_run_time_without_touching_the_session(make_roma, robot):
    robot.meet(make_roma({"alert.instructions": ["A dog barks."], "alert.threshold": 0.9}))
    assert robot.roma.watch("A cat.", name="own", threshold=0.8)
    robot.play(3)
    for name, value in (
        ("alert.threshold", 0.125),
        ("alert.window", 3),
        ("alert.cooldown", 1.0),
        ("narration.threshold", 0.5),
    ):
        assert set_parameter(robot, name, value) == ""
    robot.play(2)
    until(lambda: robot.probabilities("own")[-1].unit == 3, "the last unit")
    assert robot.probabilities("alert_1")[-1].threshold == pytest.approx(0.125)
    assert robot.probabilities("alert_1")[-1].unit == 3, "the stream goes on"
    assert robot.probabilities("own")[-1].threshold == pytest.approx(0.8), "its own, not a default"


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("alert.threshold", 2.0, "2.0"),
        ("alert.threshold", 0.0, "above 0"),
        ("alert.window", 0, "0"),
        ("alert.cooldown", -1.0, "-1.0"),
        ("alert.threshold", "high", "type"),
        ("model", "other", "active"),
        ("device", "cuda", "active"),
        ("lag_policy", "panic", "drop_oldest"),
    ],
)
def test_parameters_out_of_range_or_fixed_are_refused(make_roma, robot, name, value, word):
    make_roma()
    assert robot.roma.wait_until_active()
    assert word in set_parameter(robot, name, value)


def test_diagnostics_tell_how_the_node_is(make_roma, robot):
    robot.meet(make_roma({"alert.instructions": ["A dog barks."]}))
    robot.play(4)
    until(lambda: robot.diagnostic("units", "units processed") == "3", "the diagnostics catch up")
    topic = f"{robot.namespace}/image"
    assert float(robot.diagnostic("inputs", f"{topic} rate [Hz]")) > 0
    assert float(robot.diagnostic("inputs", f"{topic} age [s]")) < 5
    for kind, keys in {
        "units": [
            "units made",
            "frames late",
            "units with video filled",
            "units dropped",
            "audio-video skew [s]",
        ],
        "thinker": [
            "step p50 [s]",
            "step p99 [s]",
            "backlog [units]",
            "kv length [tokens]",
            "kv memory [MiB]",
            "process memory [MiB]",
        ],
    }.items():
        for key in keys:
            float(robot.diagnostic(kind, key))
    assert int(robot.diagnostic("thinker", "kv length [tokens]")) > 0
    assert {status.level for status in robot.diagnostics.values()} <= {
        DiagnosticStatus.OK,
        DiagnosticStatus.WARN,
    }


def warns(robot: Robot, kind: str, words: str, level: bytes = DiagnosticStatus.WARN) -> str:
    """The message of a diagnostic, once it is of that level and has these words."""

    def message() -> str:
        status = robot.diagnostics.get(kind)
        if status is None or status.level != level or words not in status.message:
            return ""
        return str(status.message)

    return until(message, f"{kind}: {words}")


def test_diagnostics_beat_and_warn_without_a_simulation_clock(make_roma, robot):
    make_roma({"use_sim_time": True})
    assert robot.roma.wait_until_active()
    warns(robot, "clock", "use_sim_time is true, but /clock has no messages")


def test_a_disabled_node_says_so_in_the_diagnostics(make_roma, robot):
    robot.meet(make_roma())
    robot.play(2)
    assert robot.roma.enable(False)
    warns(robot, "inputs", "disabled by ~/enable")
    assert robot.roma.enable(True)
    until(lambda: "disabled" not in robot.diagnostics["inputs"].message, "it is over")


def test_what_the_model_does_not_know_is_told(make_roma, robot):
    robot.meet(make_roma({"alert.instructions": ["alert me when a dog barks"]}))
    reply = robot.roma.watch("alert me when a cat meows", name="cat")
    assert reply
    assert reply.warning.startswith("roma_tiny knows no 'cat' or 'meows'; it knows the sounds beep")
    assert robot.roma.watch("alert me when you hear a beep", name="beep").warning == ""
    message = warns(robot, "watches", "no 'cat'")
    assert "alert_1: roma_tiny knows no 'dog' or 'barks'" in message
    robot.play(3)
    answer = robot.roma.ask("is the postman here?")
    assert answer
    assert answer.warning.startswith("roma_tiny knows no 'postman'; it knows")
    assert robot.roma.ask("what do you hear now?").warning == ""
    assert robot.roma.unwatch("cat")
    until(lambda: "cat" not in robot.diagnostics["watches"].message, "the warning goes")


def test_a_strict_node_refuses_what_the_model_does_not_know(make_roma, robot):
    make_roma({"strict": True, "use_image": False})
    assert robot.roma.wait_until_active()
    reply = robot.roma.watch("alert me when a dog barks")
    assert reply.outcome is Outcome.REFUSED
    assert "roma_tiny knows no 'dog' or 'barks'" in reply.message
    reply = robot.roma.watch("alert me when a star appears")
    assert reply.outcome is Outcome.REFUSED
    assert "needs video, and the stream has none" in reply.message
    answer = robot.roma.ask("is the postman here?")
    assert answer.outcome is Outcome.REFUSED
    assert "no 'postman'" in answer.message
    assert robot.roma.watch("alert me when you hear a beep")


def test_an_alert_in_words_is_refused_by_the_node(make_roma, robot):
    make_roma()
    assert robot.roma.wait_until_active()
    reply = robot.roma.watch("alert me when you hear a beep", reply=True)
    assert reply.outcome is Outcome.REFUSED
    assert "was not trained to put an alert in words" in reply.message


def test_a_model_that_judges_nothing_is_an_error(make_roma, robot, monkeypatch):
    """With the embedded checkpoint, whose speak head is damaged while it runs."""
    monkeypatch.setattr("roma_ros.nodes.diagnostics.STALLED", 1.0)
    roma = make_roma({"model": "roma_tiny", "alert.instructions": ["alert me when a beep sounds"]})
    robot.meet(roma)
    head = roma._configured.assistant.thinker.speak_head
    torch.nn.init.constant_(head.fc2.bias, float("nan"))

    def see_error() -> bool:
        robot.publish_second()
        status = robot.diagnostics.get("units")
        return status is not None and status.level == DiagnosticStatus.ERROR

    until(see_error, "an error in the diagnostics")
    message = robot.diagnostics["units"].message
    assert "no unit was processed for" in message
    assert "could not step: JudgementError: p(speak) is nan" in message
    assert robot.probabilities() == []
    assert int(robot.diagnostic("units", "units failed")) > 0


def test_a_silent_input_shows_in_the_diagnostics(make_roma, robot, monkeypatch):
    monkeypatch.setattr("roma_ros.nodes.input_monitor.SILENCE", 0.5)
    make_roma()
    assert robot.roma.wait_until_active()
    status = until(
        lambda: (
            "inputs" in robot.diagnostics
            and robot.diagnostics["inputs"].level == DiagnosticStatus.WARN
            and robot.diagnostics["inputs"]
        ),
        "a warning",
    )
    assert f"{robot.namespace}/image" in status.message
    assert f"{robot.namespace}/audio" in status.message
