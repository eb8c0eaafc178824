"""What bench/soak_ros.py counts as lost, doubled, not ended and not restored."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import soak_ros
from builtin_interfaces.msg import Time
from roma_ros.msg import Alert, JournalEvent, WatchInfo
from std_msgs.msg import Header

from roma_ros.nodes.client import EventsReply, Outcome, WatchesReply


def alert(sequence: int, second: int) -> Alert:
    return Alert(sequence=sequence, watch="door", header=Header(stamp=Time(sec=second)))


class Journal:
    """Answers as the node does, two events at a time."""

    def __init__(self, *alerts: Alert) -> None:
        self.alerts = alerts

    def events_since(self, sequence: int, **_: Any) -> EventsReply:
        after = [each for each in self.alerts if each.sequence > sequence]
        events = tuple(
            JournalEvent(sequence=each.sequence, watch=each.watch, header=each.header)
            for each in after[:2]
        )
        return EventsReply(
            outcome=Outcome.SUCCEEDED,
            events=events,
            next=events[-1].sequence if events else sequence,
            more=len(after) > 2,
        )


def test_an_alert_that_comes_both_ways_is_taken_once():
    subscriber = soak_ros.Subscriber()
    journal: Any = Journal(alert(3, 1), alert(5, 2), alert(9, 3))
    subscriber.on_message(alert(5, 2))
    subscriber.catch_up(journal)
    subscriber.catch_up(journal)
    assert sorted(subscriber.alerts) == [3, 5, 9]
    assert (subscriber.live, subscriber.found) == (1, 2)
    assert not subscriber.doubled
    assert not subscriber.different


def test_an_alert_that_is_told_twice_or_otherwise_is_noted():
    subscriber = soak_ros.Subscriber()
    subscriber.on_message(alert(5, 2))
    subscriber.on_message(alert(5, 2))
    subscriber.on_message(alert(5, 7))
    assert subscriber.doubled == [5, 5]
    assert subscriber.different == [5]


def test_a_question_without_an_answer_is_lost_unless_the_node_was_killed_meanwhile():
    asker = soak_ros.QuestionThread.__new__(soak_ros.QuestionThread)
    asker.asked = [
        (10.0, 11.5, "succeeded"),
        (20.0, 35.0, "timed out"),  # the node lived all the while
        (95.0, 110.0, "timed out"),  # it was killed at 100
        (105.0, 106.0, "succeeded"),  # of the next incarnation
    ]
    row = soak_ros.Incarnation(1)
    asker.judge(row, 5.0, 100.0)
    assert row.questions == {"succeeded": 1, "timed out": 1, "cut off": 1}
    assert row.slowest_answer_s == 1.5


def test_watches_are_to_be_those_of_before():
    watches = soak_ros.Watches(0, ["alert me when you hear a beep"])
    found: list[WatchInfo] = []

    def watch(_: str, *, name: str, threshold: float, **__: Any) -> bool:
        found.append(WatchInfo(id=name, threshold=threshold))
        return True

    def list_watches(**_: Any) -> WatchesReply:
        return WatchesReply(outcome=Outcome.SUCCEEDED, watches=tuple(found))

    roma: Any = SimpleNamespace(list_watches=list_watches, watch=watch)
    for _ in range(2):
        watches._add(roma)
    assert watches.settle(roma)
    lost = found.pop()
    assert not watches.settle(roma)
    found.append(lost)
    assert not watches.settle(roma)
    assert watches.settle(roma)
