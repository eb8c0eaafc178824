"""Each of many questions at once gets a reply, whatever the quality of service of its client."""

from __future__ import annotations

import pytest
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_services_default
from roma_ros.srv import Ask

from roma_ros.nodes import qos

from .conftest import until

CLIENTS, QUESTIONS = 20, 50


@pytest.mark.long
@pytest.mark.parametrize("profile", [qos_profile_services_default, qos.QUESTIONS])
def test_each_of_a_thousand_questions_gets_a_reply(
    make_roma, robot, ros, spin, namespace, profile: QoSProfile
):
    robot.meet(make_roma({"max_questions": 8, "answer_tokens": 8}))
    robot.play(3)
    clients = [
        spin(Node(f"asker_{number}", context=ros, namespace=namespace)).create_client(
            Ask, "roma/ask", qos_profile=profile
        )
        for number in range(CLIENTS)
    ]
    for client in clients:
        assert client.wait_for_service(timeout_sec=30.0)
    replies = [
        client.call_async(Ask.Request(question=f"What about {number}?"))
        for number in range(QUESTIONS)
        for client in clients
    ]
    until(lambda: all(reply.done() for reply in replies), "a reply to each", timeout=60.0)
    answered = [reply.result() for reply in replies if reply.result().success]
    refused = {reply.result().message for reply in replies if not reply.result().success}
    assert len(answered) >= 8
    assert refused == {
        "8 questions wait, which is the limit; ask again when one of them is answered"
    }
