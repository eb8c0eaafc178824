from __future__ import annotations

import threading

from roma_ros.nodes.client import Outcome, RomaClient

from .conftest import until


def test_without_a_node_calls_time_out_and_say_so(ros, namespace):
    with RomaClient(f"{namespace}/nobody", context=ros) as roma:
        assert roma.wait_until_active(timeout=0.3).outcome is Outcome.TIMED_OUT
        reply = roma.ask("Is anybody there?", timeout=0.3)
        assert reply.outcome is Outcome.TIMED_OUT
        assert "nobody" in reply.message
        assert not reply
        assert roma.watch("A dog.", timeout=0.3).outcome is Outcome.TIMED_OUT
        assert roma.unwatch("dog", timeout=0.3).outcome is Outcome.TIMED_OUT


def test_waiting_for_an_alert_ends_with_the_alert_or_in_time(make_roma, robot):
    robot.meet(make_roma())
    assert robot.roma.wait_for_alert(timeout=0.1) is None
    assert robot.roma.watch("A dog.", name="dog", threshold=1e-9, window=1, cooldown=0)
    alerts = []
    waiter = threading.Thread(target=lambda: alerts.append(robot.roma.wait_for_alert(timeout=30)))
    waiter.start()
    robot.play(3)
    waiter.join()
    assert alerts[0].watch == "dog"
    assert robot.roma.wait_for_narration(timeout=0.1) is None


def test_a_client_by_itself_has_a_context_of_its_own(make_roma, namespace):
    make_roma()
    with RomaClient(f"{namespace}/roma") as roma:
        assert roma.wait_until_active()
        assert roma.reset()
        assert roma.enable(False)
        assert roma.enable(True)


def test_every_message_is_passed_on(make_roma, robot):
    robot.meet(make_roma({"alert.instructions": ["A dog."], "alert.threshold": 1e-9}))
    robot.play(4)
    until(lambda: len(robot.messages) == 4, "three p(speak) and an alert")
    kinds = sorted(type(message).__name__ for message in robot.messages)
    assert kinds == ["Alert", *["SpeakProbability"] * 3]
