"""Events are in the journal before they are published, and are found again by service."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from roma_ros.msg import Alert

from roma_ros.events import Alert as AlertEvent
from roma_ros.events import Fault, SpeakProbability
from roma_ros.journal import EventJournal, Header, JournalConfig, Record, journal_paths, read_lines
from roma_ros.nodes import journal_services
from roma_ros.nodes.client import Message, Outcome
from roma_ros.nodes.stamps import stamp_of

from .conftest import BASE, SECOND, until
from .test_roma_node import change_state

ALERTING = {
    "alert.instructions": ["Tell me when somebody comes in."],
    "alert.threshold": 1e-9,
    "alert.window": 1,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def records(folder: Path) -> list[Record]:
    lines = [line for path in journal_paths(folder) for line in read_lines(path)]
    return [line for line in lines if isinstance(line, Record)]


def test_an_alert_is_in_the_journal_before_it_is_published(make_roma, robot, folder):
    found: list[tuple[Alert, list[Record]]] = []

    def take(message: Message) -> None:
        robot.messages.append(message)
        if isinstance(message, Alert):
            found.append((message, records(folder)))

    robot.roma._on_message = take
    robot.meet(make_roma({**ALERTING, "journal.folder": str(folder)}))
    robot.play(4)
    until(lambda: found, "the alert")
    ((alert, then),) = found  # p(speak) never fell below the threshold since
    (record,) = [record for record in then if record.kind == "alert"]
    assert record.sequence == alert.sequence == 3  # the stream's start is 1, its p(speak) 2
    assert isinstance(record.event, AlertEvent)
    assert record.event.stamp == stamp_of(alert.header.stamp) == BASE + SECOND
    assert (record.event.watch, record.event.unit) == ("alert_1", 0)
    assert record.seconds == 1.0
    header = next(read_lines(journal_paths(folder)[0]))
    assert isinstance(header, Header)
    assert header.source == (f"{robot.namespace}/roma",)
    assert [watch.threshold for watch in header.watches] == [1e-9]
    assert header.model == "roma_tiny"


def test_who_was_late_asks_for_what_was_missed(make_roma, robot, folder):
    robot.meet(
        make_roma(
            {
                "journal.folder": str(folder),
                "journal.kinds": ["alert", "stream_started", "speak_probability"],
            }
        )
    )
    robot.play(2)
    for number in range(3):
        assert robot.roma.watch("A dog barks.", name=f"dog_{number}", threshold=1e-9)
    robot.play(3)
    assert robot.roma.wait_for_alert(timeout=10.0)
    alerts = robot.roma.events_since(kinds=["alert"])
    assert alerts
    assert [event.watch for event in alerts.events] == ["dog_0", "dog_1", "dog_2"]
    assert not alerts.more
    first = alerts.events[0]
    assert (first.kind, first.instruction, first.stream) == ("alert", "A dog barks.", 0)
    line = json.loads(first.json)
    assert (line["sequence"], line["event"], line["watch"]) == (first.sequence, "alert", "dog_0")
    assert line["stamp_ns"] == stamp_of(first.header.stamp)
    rest = robot.roma.events_since(first.sequence, kinds=["alert"], limit=1)
    assert [event.watch for event in rest.events] == ["dog_1"]
    assert rest.more
    assert rest.next == rest.events[0].sequence
    everything = robot.roma.events_since(limit=1000)
    numbers = [event.sequence for event in everything.events]
    assert numbers == list(range(1, everything.newest + 1))
    assert everything.events[0].kind == "stream_started"
    by_stamp = robot.roma.events_since(since=BASE + 2 * SECOND, kinds=["speak_probability"])
    assert by_stamp.events
    assert all(stamp_of(event.header.stamp) >= BASE + 2 * SECOND for event in by_stamp.events)
    assert all(0 < event.p_speak < 1 for event in by_stamp.events)


def test_what_makes_no_sense_is_refused(make_roma, robot, folder):
    robot.meet(make_roma({"journal.folder": str(folder)}))
    for arguments, word in (
        ({"limit": 0}, "limit is 0; expected 1 to 1000"),
        ({"limit": 1001}, "limit is 1001"),
        ({"kinds": ["hum"]}, "'hum' is unknown; expected some of speak_probability, alert"),
        ({"kinds": ["x" * 10_000]}, "is unknown"),
        ({"kinds": ["alert"] * 33}, "33 kinds; expected at most 32"),
        ({"sequence": 2**63}, "the newest event is 0: this is another journal"),
    ):
        reply = robot.roma.events_since(**arguments)
        assert reply.outcome is Outcome.REFUSED
        assert word in reply.message
        assert len(reply.message) < 300


def test_without_a_journal_it_is_said_and_alerts_have_no_number(make_roma, robot):
    robot.meet(make_roma({**ALERTING, "journal.folder": ""}))
    robot.play(3)
    alert = robot.roma.wait_for_alert(timeout=10.0)
    assert alert is not None
    assert alert.sequence == 0
    assert robot.roma.events_since().message == "journal.folder is empty: there is no journal"
    until(lambda: "journal" in robot.diagnostics, "diagnostics")
    assert robot.diagnostics["journal"].level == DiagnosticStatus.OK


def test_a_folder_that_cannot_be_used_is_said_and_the_node_goes_on(make_roma, robot, tmp_path):
    (tmp_path / "file").touch()
    robot.meet(make_roma({**ALERTING, "journal.folder": str(tmp_path / "file" / "journal")}))
    robot.play(3)
    assert robot.roma.wait_for_alert(timeout=10.0) is not None
    assert "Not a directory" in robot.roma.events_since().message
    status = until(lambda: robot.diagnostics.get("journal"), "diagnostics")
    assert status.level == DiagnosticStatus.ERROR
    assert "Not a directory" in status.message


def test_a_full_disk_is_said_and_alerts_come_all_the_same(make_roma, robot, folder, monkeypatch):
    real = os.write

    def write(file: int, data: Any) -> int:
        if os.path.realpath(f"/proc/self/fd/{file}").startswith(str(folder)):
            raise OSError(28, "No space left on device")
        return real(file, data)

    monkeypatch.setattr(os, "write", write)
    robot.meet(make_roma({**ALERTING, "journal.folder": str(folder)}))
    robot.play(3)
    alert = robot.roma.wait_for_alert(timeout=10.0)
    assert alert is not None
    status = until(
        lambda: (
            (status := robot.diagnostics.get("journal"))
            and "No space left" in status.message
            and status
        ),
        "diagnostics tell it",
    )
    assert status.level == DiagnosticStatus.ERROR
    (kept,) = robot.roma.events_since(kinds=["alert"]).events
    assert kept.sequence == alert.sequence


def test_the_default_folder_is_by_the_nodes_name(make_roma, robot, monkeypatch, tmp_path):
    monkeypatch.setenv("ROS_HOME", str(tmp_path))
    robot.meet(make_roma())
    robot.play(2)
    name = f"{robot.namespace}/roma".strip("/").replace("/", ".")
    until(lambda: records(tmp_path / "roma" / name / "journal"), "the journal")
    assert (tmp_path / "roma" / name / "watches.json").is_file()


def test_numbers_go_on_after_cleanup(make_roma, robot, folder):
    roma = make_roma({**ALERTING, "journal.folder": str(folder)})
    robot.meet(roma)
    robot.play(3)
    first = robot.roma.wait_for_alert(timeout=10.0)
    assert change_state(robot, Transition.TRANSITION_DEACTIVATE)
    assert change_state(robot, Transition.TRANSITION_CLEANUP)
    assert "not configured" in robot.roma.events_since().message
    assert change_state(robot, Transition.TRANSITION_CONFIGURE)
    assert change_state(robot, Transition.TRANSITION_ACTIVATE)
    robot.meet(roma)
    robot.publish_second()
    robot.play(2)
    second = robot.roma.wait_for_alert(timeout=10.0)
    assert (first.sequence, second.sequence) == (3, 6)
    sequences = [event.sequence for event in robot.roma.events_since().events]
    assert sequences == [1, 2, 3, 4, 5, 6]


def test_an_alert_that_was_about_to_be_told_when_the_node_was_killed_is_told(
    make_roma, robot, folder
):
    """Killed while the words of the reply were made: the journal knows that it triggered."""
    journal = EventJournal(JournalConfig(folder=folder), Header(source=(), model=""))
    journal.append(
        SpeakProbability(
            stream=0,
            stamp=BASE + 7 * SECOND,
            unit=6,
            watch="alert_1",
            p_speak=0.75,
            threshold=0.5,
            triggered=True,
        )
    )
    journal.close()
    roma = make_roma({**ALERTING, "alert.threshold": 1.0, "journal.folder": str(folder)})
    robot.meet(roma)
    (event,) = until(lambda: robot.roma.events_since(kinds=["alert"]).events, "the alert of before")
    assert (event.sequence, event.watch, event.unit, event.p_speak) == (2, "alert_1", 6, 0.75)
    assert event.instruction == "Tell me when somebody comes in."
    assert stamp_of(event.header.stamp) == BASE + 7 * SECOND
    assert json.loads(event.json)["finished"] is False
    assert change_state(robot, Transition.TRANSITION_DEACTIVATE)
    assert change_state(robot, Transition.TRANSITION_ACTIVATE)
    assert robot.roma.events_since().newest == 2  # once


def test_a_page_is_cut_where_it_grows_too_long_and_goes_on_from_there(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_services, "MAX_TEXT", 2_000)
    journal = EventJournal(JournalConfig(folder=tmp_path), Header(source=(), model=""))
    for number in range(10):
        stamp = 2**62 if number == 4 else number  # of no time that a message knows
        journal.append(
            Fault(stream=0, stamp=stamp, watch="", during="step", error="e" * 500, restarted=True)
        )
    journal.close()
    journal = EventJournal(JournalConfig(folder=tmp_path), Header(source=(), model=""))
    after, found, more = 0, [], True
    while more:
        response = journal_services._response(journal.since(after))
        assert len(response.events) <= 3
        found += [event.sequence for event in response.events]
        after, more = response.next, response.more
    journal.close()
    assert found == [1, 2, 3, 4, 6, 7, 8, 9, 10]
