"""Alerts and narrations for those who have no messages of ours, and in the log."""

from __future__ import annotations

from lifecycle_msgs.msg import Transition
from rclpy.node import Node
from std_msgs.msg import String

from roma_ros.events import Alert, Narration
from roma_ros.nodes import qos

from .conftest import BASE, SECOND, until
from .test_roma_node import change_state, set_parameter


def spoken(kind, **changes):
    fields = {
        "stream": 1,
        "stamp": BASE + SECOND,
        "unit": 7,
        "watch": "kettle",
        "instruction": "The kettle\nboils.",
        "text": "",
        "p_speak": 0.875,
    }
    return kind(**{**fields, **changes})


def test_text_topics_say_the_words_or_else_the_instruction(make_roma, robot, ros, spin, namespace):
    roma = make_roma()
    robot.meet(roma)
    texts: dict[str, list[str]] = {"alert_text": [], "narration_text": []}
    listener = Node("listener", context=ros, namespace=namespace)
    for topic, heard in texts.items():
        listener.create_subscription(
            String, f"roma/{topic}", lambda message, heard=heard: heard.append(message.data), 10
        )
    spin(listener)
    until(lambda: robot.node.count_subscribers(f"{namespace}/roma/narration_text"), "a subscriber")
    for name in texts:
        (publisher,) = (p for p in roma.publishers if p.topic_name.endswith(f"/{name}"))
        until(publisher.get_subscription_count, "it is known")
    roma._publish_event(spoken(Alert))
    roma._publish_event(spoken(Alert, text="It boils over."))
    roma._publish_event(spoken(Narration, watch="room", text="It is dark."))
    until(lambda: len(texts["alert_text"]) == 2 and texts["narration_text"], "the texts")
    assert texts == {
        "alert_text": ["kettle: The kettle\nboils.", "kettle: It boils over."],
        "narration_text": ["room: It is dark."],
    }
    late: list[String] = []
    latecomer = Node("latecomer", context=ros, namespace=namespace)
    latecomer.create_subscription(String, "roma/alert_text", late.append, qos.ALERTS)
    spin(latecomer)
    until(lambda: len(late) == 2, "who comes late learns of the last alerts")


def test_the_log_has_a_line_for_each_alert_and_narration(make_roma, robot, capfd):
    roma = make_roma()
    robot.meet(roma)
    capfd.readouterr()
    roma._publish_event(spoken(Alert))
    roma._publish_event(spoken(Narration, watch="room", text="x" * 5_000))
    lines = capfd.readouterr().err.splitlines()
    said = [line.partition("]: ")[2] for line in lines if "p(speak)" in line]
    assert said == [
        "alert kettle: The kettle boils. (p(speak) 0.88, stream 1, unit 7)",
        f"narration room: {'x' * 200} (p(speak) 0.88, stream 1, unit 7)",
    ]


def test_the_log_tells_of_transitions_and_of_watches_and_who_changed_them(make_roma, robot, capfd):
    robot.meet(make_roma({"alert.instructions": ["A dog barks."]}))
    assert robot.roma.watch("A cat.", name="cat", threshold=0.5)
    assert set_parameter(robot, "alert.threshold", 0.75) == ""
    assert robot.roma.unwatch("cat")
    assert change_state(robot, Transition.TRANSITION_DEACTIVATE)
    assert change_state(robot, Transition.TRANSITION_CLEANUP)
    lines = [line.partition("]: ")[2] for line in capfd.readouterr().err.splitlines()]
    for line in (
        "loading roma_tiny on cpu",
        "configured: roma_tiny is loaded",
        "watch alert_1 added by configure: "
        "alert 'A dog barks.' (threshold 0.5, window 1, cooldown 0)",
        f"active with roma_tiny on {robot.namespace}/image and {robot.namespace}/audio",
        "watch cat added by ~/watch: alert 'A cat.' (threshold 0.5, window 1, cooldown 0)",
        "watch alert_1 adjusted by parameters: threshold 0.5 -> 0.75",
        "watch cat removed by ~/unwatch",
        "inactive: unsubscribed from the sensors, the model stays loaded",
        "cleaned up: the model is freed",
    ):
        assert line in lines
