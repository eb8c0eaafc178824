from __future__ import annotations

import itertools
import threading
import time

from roma_ros.nodes.paced_replies import MAX_WAITING, PacedReplies

from .conftest import until


def test_replies_go_in_order_with_a_pause_after_each():
    sent: list[tuple[int, float]] = []
    replies = PacedReplies(period=0.02)
    for number in range(5):
        replies.put(lambda number=number: sent.append((number, time.monotonic())))
    until(lambda: len(sent) == 5, "the replies")
    assert [number for number, _ in sent] == list(range(5))
    times = [when for _, when in sent]
    assert all(later - earlier >= 0.02 for earlier, later in itertools.pairwise(times))
    replies.close()


def test_what_waits_is_sent_when_it_is_closed():
    sent: list[int] = []
    replies = PacedReplies(period=0.05)
    for number in range(100):
        replies.put(lambda number=number: sent.append(number))
    began = time.monotonic()
    replies.close()
    assert sent == list(range(100))
    assert time.monotonic() - began < 2.0, "without pauses"


def test_a_reply_that_cannot_be_sent_costs_no_other():
    sent: list[str] = []
    replies = PacedReplies(period=0.0)

    def fail() -> None:
        raise RuntimeError("the client has gone")

    replies.put(fail)
    replies.put(lambda: sent.append("sent"))
    replies.close()
    assert sent == ["sent"]


def test_more_than_may_wait_are_sent_by_who_brings_them():
    sent: list[str] = []
    go_on = threading.Event()
    replies = PacedReplies(period=0.0)
    replies.put(go_on.wait)
    until(lambda: replies._waiting.empty(), "the thread has it")
    for _ in range(MAX_WAITING):
        replies.put(lambda: None)
    replies.put(lambda: sent.append(threading.current_thread().name))
    assert sent == [threading.current_thread().name]
    go_on.set()
    replies.close()
