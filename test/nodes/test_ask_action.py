"""The action ~/ask: text as it comes, and cancel."""

from __future__ import annotations

import threading
import time

import pytest
from lifecycle_msgs.msg import Transition

from roma_ros.assistant.question_queue import AnswerDecoder
from roma_ros.nodes.client import Outcome, PendingAnswer

from .conftest import BASE, SECOND, until
from .test_roma_node import state
from .test_transitions import request_transition


@pytest.fixture(scope="session")
def endless(tiny, tmp_path_factory) -> str:
    """A checkpoint whose answers hardly ever end."""
    folder = tmp_path_factory.mktemp("checkpoint")
    tiny.save_pretrained(folder)
    return str(folder)


class Slices(threading.Semaphore):
    """How many slices may be decoded still, and the answers that have begun."""

    def __init__(self):
        super().__init__(0)
        self.answers: list[AnswerDecoder] = []


@pytest.fixture
def slices(monkeypatch):
    """A semaphore: each release lets one slice of an answer be decoded."""
    allowed = Slices()
    decode = AnswerDecoder.decode

    def decode_when_allowed(answering):
        if answering not in allowed.answers:
            allowed.answers.append(answering)
        assert allowed.acquire(timeout=30)
        return decode(answering)

    monkeypatch.setattr(AnswerDecoder, "decode", decode_when_allowed)
    yield allowed
    allowed.release(1000)


def test_the_text_comes_slice_by_slice_and_the_result_as_by_the_service(make_roma, robot, endless):
    robot.meet(make_roma({"model": endless, "answer_tokens": 32}))
    robot.play(3)
    texts: list[str] = []
    reply = robot.roma.ask("What was there?", on_text=texts.append)
    assert reply.outcome is Outcome.SUCCEEDED, reply.message
    assert reply.stamp == BASE + 2 * SECOND
    assert 0 < reply.latency < 30
    assert len(texts) == 4, "32 tokens, 8 a slice"
    assert [len(text) for text in texts] == sorted(len(text) for text in texts)
    assert reply.answer.startswith(texts[0])
    assert texts[-1] == reply.answer.rstrip("\ufffd")
    assert robot.roma.ask("What was there?").answer == reply.answer


def test_an_answer_under_way_can_be_cancelled_and_its_place_is_free(
    make_roma, robot, endless, slices
):
    roma = make_roma({"model": endless, "max_questions": 1})
    robot.meet(roma)
    robot.play(3)

    def begin(question: str, waiting: int) -> PendingAnswer:
        """Ask, and wait until so many goals are there and so many questions wait."""
        goals = len(roma._ask_action._asked) + 1
        pending = robot.roma.begin_ask(question)
        until(lambda: len(roma._ask_action._asked) == goals, "the goal")
        until(lambda: roma._configured.assistant.status().questions == waiting, "its question")
        return pending

    first = begin("What was there?", 0)
    until(lambda: slices.answers, "its first slice")
    second = begin("And before?", 1)
    refused = robot.roma.begin_ask("And after?").wait()
    assert refused.outcome is Outcome.REFUSED
    assert "1 questions wait, which is the limit" in refused.message

    second.cancel()
    cancelled = second.wait(10.0)
    assert cancelled.outcome is Outcome.CANCELLED
    assert cancelled.message == "the question was cancelled before the answer"
    third = begin("And after?", 1)

    first.cancel()
    until(lambda: slices.answers[0].question.future.cancel_requested, "the cancel")
    slices.release()  # the slice at hand
    assert first.wait(10.0).outcome is Outcome.CANCELLED
    slices.release(1000)
    assert third.wait().outcome is Outcome.SUCCEEDED
    until(lambda: not roma._ask_action._asked, "nothing is kept of them")


def test_the_executor_rests_and_serves_while_answers_are_decoded(make_roma, robot, slices):
    roma = make_roma()
    robot.meet(roma)
    robot.play(3)
    asked = [robot.roma.begin_ask(f"What about {number}?") for number in range(5)]
    until(lambda: roma._configured.assistant.status().questions == 4, "four wait")
    used, begin = time.process_time(), time.monotonic()
    until(lambda: time.monotonic() - begin > 0.5, "half a second")
    assert time.process_time() - used < 0.4, "somebody waits busily"
    assert state(robot) == "active"
    slices.release(1000)
    assert [pending.wait().outcome for pending in asked] == [Outcome.SUCCEEDED] * 5


def test_a_question_without_an_answer_in_time_is_cancelled(make_roma, robot, endless, slices):
    roma = make_roma({"model": endless})
    robot.meet(roma)
    robot.play(3)
    reply = robot.roma.ask("What was there?", on_text=print, timeout=0.5)
    assert reply.outcome is Outcome.TIMED_OUT
    until(lambda: slices.answers[0].question.future.cancel_requested, "the cancel")
    slices.release()
    until(lambda: not roma._ask_action._asked, "it is given up after the slice at hand")


def test_questions_that_are_refused_say_why(make_roma, robot):
    robot.meet(make_roma())
    for question, watch, word in (
        ("", "", "empty"),
        ("x" * 2001, "", "2001"),
        ("What is there?", "nobody", "nobody"),
    ):
        reply = robot.roma.ask(question, watch=watch, on_text=print)
        assert reply.outcome is Outcome.REFUSED
        assert word in reply.message


def test_deactivate_gives_questions_up_and_says_so(make_roma, robot, endless, slices):
    roma = make_roma({"model": endless})
    robot.meet(roma)
    robot.play(3)
    asked = robot.roma.begin_ask("What was there?")
    until(lambda: roma._ask_action._asked, "the goal")
    deactivated = request_transition(robot, Transition.TRANSITION_DEACTIVATE)
    until(lambda: roma._configured.assistant._stopped, "the assistant is told to stop")
    slices.release()
    reply = asked.wait(10.0)
    assert reply.outcome is Outcome.REFUSED
    assert reply.message == "the assistant was stopped before the answer; ask again"
    until(deactivated.done, "the transition")
    assert robot.roma.begin_ask("And now?").wait().message == "the node is not active; activate it"


def test_goals_and_kept_results_are_bounded(make_roma, robot, monkeypatch):
    monkeypatch.setattr("roma_ros.nodes.ask_action.MAX_GOALS", 3)
    robot.meet(make_roma())
    replies = [robot.roma.ask("", on_text=print) for _ in range(4)]
    assert [reply.message for reply in replies] == [
        *["the question is empty; ask it in words"] * 3,
        "the node has too many questions; ask again later",
    ]
