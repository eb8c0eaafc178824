"""Queues of events for hooks: who gets what, what is dropped, and how it ends."""

from __future__ import annotations

import threading
import time

import pytest

from roma_ros.events import Alert, Narration
from roma_ros.hooks import DeliveryError, Hook, HookRunner
from roma_ros.journal import Record

from .conftest import alert


def watch_of(record: Record) -> str:
    assert isinstance(record.event, (Alert, Narration))
    return record.event.watch


class Collector(Hook):
    """Keeps what it is given; waits at a gate, and fails as it is told."""

    def __init__(self, attempts: int = 1, failures: int = 0) -> None:
        self.attempts = attempts
        self.gate = threading.Event()
        self.gate.set()
        self.got: list[Record] = []
        self.failures = failures
        self.closed = False

    def deliver(self, record: Record) -> None:
        self.gate.wait(30)
        if self.failures:
            self.failures -= 1
            raise DeliveryError("not now", retry_after=0.0)
        self.got.append(record)

    def close(self) -> None:
        self.closed = True

    def __str__(self) -> str:
        return "collector"


def test_alerts_go_to_all_and_what_a_watch_says_to_its_own(narration) -> None:
    general, own, other = Collector(), Collector(), Collector()
    runner = HookRunner([general], {"story": [own], "garden": [other]})
    runner.submit(narration)
    runner.submit(alert("door"))
    runner.submit(alert("story"))
    runner.close()
    assert [watch_of(record) for record in general.got] == ["door", "story"]
    assert [record.kind for record in own.got] == ["narration", "alert"]
    assert other.got == []
    assert general.closed


def test_a_slow_hook_holds_up_neither_its_caller_nor_another() -> None:
    slow, quick, problems = Collector(), Collector(), []
    slow.gate.clear()
    runner = HookRunner([slow, quick], on_problem=problems.append)
    began = time.monotonic()
    for number in range(400):
        runner.submit(alert(number=number))
        if number % 100 == 0:
            time.sleep(0.05)  # the quick one's thread has its turn
    assert time.monotonic() - began < 2
    assert runner.stats.dropped >= 400 - 256 - 1
    assert "is slow" in problems[0]
    slow.gate.set()
    runner.close()
    numbers = [record.sequence for record in slow.got]
    assert numbers == sorted(numbers)
    assert len(slow.got) + len(quick.got) + runner.stats.lost == 800


@pytest.mark.slow
def test_an_event_that_fails_is_tried_again_and_given_up_in_the_end() -> None:
    passing, failing, problems = Collector(attempts=3, failures=1), Collector(2, 2), []
    runner = HookRunner([passing, failing], on_problem=problems.append)
    runner.submit(alert())
    runner.close(timeout=10)
    assert len(passing.got) == 1
    assert failing.got == []
    assert runner.stats.failed == 1
    assert problems == ["an event was not delivered: not now (tried 2 times)"]


@pytest.mark.slow
def test_what_is_left_at_the_end_is_counted_and_told() -> None:
    stuck, problems = Collector(), []
    stuck.gate.clear()
    runner = HookRunner([stuck], on_problem=problems.append)
    for number in range(3):
        runner.submit(alert(number=number))
    runner.close(timeout=0.2)
    assert runner.stats.dropped == 2
    assert "2 events were not delivered before the end" in problems[-1]
    stuck.gate.set()
