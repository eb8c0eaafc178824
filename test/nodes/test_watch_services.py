"""Watches are listed, adjusted, stored, and there again after a cleanup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from roma_ros.msg import WatchInfo

from roma_ros.nodes.client import Outcome
from roma_ros.watch import WatchKind
from roma_ros.watch_state import WatchState

from .conftest import until
from .test_roma_node import change_state, set_parameter


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "watches.json"


def listed(robot) -> dict[str, WatchInfo]:
    reply = robot.roma.list_watches()
    assert reply, reply.message
    return {watch.id: watch for watch in reply.watches}


def settings(watch: WatchInfo) -> tuple[Any, int, Any]:
    return pytest.approx(watch.threshold), watch.window, pytest.approx(watch.cooldown)


def restart(robot, roma) -> None:
    """Through cleanup, which frees everything."""
    if roma.state == "active":
        assert change_state(robot, Transition.TRANSITION_DEACTIVATE)
    assert change_state(robot, Transition.TRANSITION_CLEANUP)
    assert change_state(robot, Transition.TRANSITION_CONFIGURE)


def test_watches_are_listed_with_where_they_come_from(make_roma, robot, tmp_path, state_file):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "version: 1\n"
        "watches:\n"
        "- {id: door, instruction: alert me at the door, threshold: 0.75, window: 2}\n"
        "- {id: story, kind: narration, instruction: Tell me.}\n"
    )
    parameters = {
        "alert.instructions": ["A dog barks."],
        "alert.threshold": 0.25,
        "alert.cooldown": 5.0,
        "watches_file": str(file),
        "watches.state_file": str(state_file),
    }
    robot.meet(make_roma(parameters))
    assert robot.roma.watch("A cat.", name="cat", threshold=0.5, cooldown=3.0)
    watches = listed(robot)
    assert list(watches) == ["alert_1", "door", "story", "cat"]
    dog, door, story, cat = watches.values()
    assert settings(dog) == (0.25, 1, 5.0)
    assert (dog.origin, dog.defaults) == ("parameters", ["cooldown", "threshold", "window"])
    assert settings(door) == (0.75, 2, 5.0)
    assert (door.origin, door.defaults, door.reply) == ("watches_file", ["cooldown"], False)
    assert (story.kind, story.instruction) == (WatchInfo.NARRATION, "Tell me.")
    assert settings(cat) == (0.5, 1, 3.0)
    assert (cat.origin, cat.kind, cat.restored) == ("service", WatchInfo.ALERT, False)
    assert set_parameter(robot, "alert.cooldown", 7.0) == ""
    assert {name: watch.cooldown for name, watch in listed(robot).items()} == {
        "alert_1": 7.0,
        "door": 7.0,
        "story": 0.0,
        "cat": 3.0,
    }


def test_a_watch_is_adjusted_while_its_session_goes_on(make_roma, robot):
    robot.meet(make_roma({"alert.threshold": 0.25}))
    assert robot.roma.watch("A dog barks.", name="dog")
    robot.play(3)
    reply = robot.roma.adjust("dog", threshold=0.75, window=3)
    assert reply
    (dog,) = reply.watches
    assert settings(dog) == (0.75, 3, 0.0)
    assert dog.defaults == ["cooldown"]
    robot.play(2)
    until(lambda: len(robot.probabilities("dog")) >= 4, "p(speak) of the dog")
    thresholds = [message.threshold for message in robot.probabilities("dog")]
    assert thresholds[0] == pytest.approx(0.25)
    assert thresholds[-1] == pytest.approx(0.75)
    units = [message.unit for message in robot.probabilities("dog")]
    assert units == list(range(units[0], units[0] + len(units)))
    (dog,) = robot.roma.adjust("dog", threshold=-2, cooldown=60).watches
    assert settings(dog) == (0.25, 3, 60.0)
    assert dog.defaults == ["threshold"]


def test_an_adjustment_that_makes_no_sense_changes_nothing(make_roma, robot):
    robot.meet(make_roma({"alert.threshold": 0.25}))
    assert robot.roma.watch("A dog barks.", name="dog")
    assert robot.roma.watch("Tell me.", name="story", kind=WatchKind.NARRATION)
    before = listed(robot)
    for name, change, word in (
        ("cat", {"threshold": 0.5}, "there is no watch 'cat'; there are ['dog', 'story']"),
        ("x" * 100_000, {}, "there is no watch 'xxx"),
        ("dog", {"threshold": 2.0}, "threshold is 2"),
        ("dog", {"threshold": float("nan")}, "threshold is nan"),
        ("dog", {"threshold": 0.9, "window": 61}, "window is 61"),
        ("dog", {"cooldown": -3.0}, "cooldown is -3"),
        ("story", {"window": 2}, "expected 1 and 0 for a narration"),
    ):
        reply = robot.roma.adjust(name, **change)
        assert reply.outcome is Outcome.REFUSED
        assert word in reply.message
        assert len(reply.message) < 300
        assert reply.watches == ((before[name],) if name in before else ())
    assert listed(robot) == before


def test_an_id_that_is_none_is_refused(make_roma, robot):
    robot.meet(make_roma())
    for name in ("a b", "x" * 65, "дверь", "../door", "door\n"):
        reply = robot.roma.watch("A dog barks.", name=name)
        assert reply.outcome is Outcome.REFUSED
        assert "expected 1 to 64 of A-Z a-z 0-9 _ . -" in reply.message
    for refused in (robot.roma.unwatch("y" * 10_000), robot.roma.ask("Who?", watch="y" * 10_000)):
        assert refused.outcome is Outcome.REFUSED
        assert len(refused.message) < 300


def test_watches_are_there_again_after_cleanup(make_roma, robot, state_file):
    roma = make_roma(
        {
            "alert.instructions": ["Somebody comes.", "Somebody goes."],
            "alert.threshold": 0.25,
            "watches.state_file": str(state_file),
        }
    )
    robot.meet(roma)
    assert robot.roma.watch("A dog barks.", name="dog", threshold=0.5)
    assert robot.roma.watch("A cat.", name="cat")
    assert robot.roma.watch("Tell me.", kind=WatchKind.NARRATION, threshold=0.75).id == (
        "narration_1"
    )
    assert robot.roma.adjust("alert_2", window=4)
    assert robot.roma.adjust("dog", cooldown=9)
    assert robot.roma.unwatch("cat")
    before = listed(robot)
    restart(robot, roma)
    after = listed(robot)
    assert [watch.restored for watch in after.values()] == [False, True, True, True]
    for watch in (*before.values(), *after.values()):
        watch.restored = False
    assert after == before
    assert set_parameter(robot, "alert.threshold", 0.125) == ""
    assert {name: watch.threshold for name, watch in listed(robot).items()} == {
        "alert_1": 0.125,
        "alert_2": 0.125,
        "dog": 0.5,
        "narration_1": 0.75,
    }


def test_restoring_can_be_switched_off(make_roma, robot, state_file):
    roma = make_roma({"watches.state_file": str(state_file), "watches.restore": False})
    robot.meet(roma)
    assert robot.roma.watch("A dog barks.", name="dog")
    restart(robot, roma)
    assert listed(robot) == {}


def test_a_damaged_state_file_is_said_and_set_aside(make_roma, robot, state_file):
    state_file.write_text('{"schema": 1, "watch')
    roma = make_roma(
        {"alert.instructions": ["Somebody comes."], "watches.state_file": str(state_file)}
    )
    robot.meet(roma)
    assert list(listed(robot)) == ["alert_1"]
    status = until(lambda: robot.diagnostics.get("watch storage"), "diagnostics")
    assert status.level == DiagnosticStatus.WARN
    assert "watches.json is damaged" in status.message
    (aside,) = state_file.parent.glob("watches.json.damaged-*")
    assert aside.read_text() == '{"schema": 1, "watch'
    restart(robot, roma)  # what was written since is whole
    assert list(listed(robot)) == ["alert_1"]


def test_a_watch_that_does_not_fit_any_more_is_said_and_not_forgotten(make_roma, robot, state_file):
    roma = make_roma({"max_watches": 2, "watches.state_file": str(state_file)})
    robot.meet(roma)
    for name in ("dog", "cat"):
        assert robot.roma.watch(f"A {name}.", name=name)
    assert change_state(robot, Transition.TRANSITION_DEACTIVATE)
    assert change_state(robot, Transition.TRANSITION_CLEANUP)
    assert set_parameter(robot, "max_watches", 1) == ""
    assert change_state(robot, Transition.TRANSITION_CONFIGURE)
    assert list(listed(robot)) == ["dog"]
    assert [watch.id for watch in WatchState(state_file).read()] == ["dog", "cat"]
    assert change_state(robot, Transition.TRANSITION_ACTIVATE)
    status = until(lambda: robot.diagnostics.get("watch storage"), "diagnostics")
    until(lambda: robot.diagnostics["watch storage"].level == DiagnosticStatus.WARN, "the warning")
    status = robot.diagnostics["watch storage"]
    assert "'cat' cannot be restored: watch 'cat' is one too many" in status.message
    assert robot.roma.unwatch("cat")  # enough of it
    assert [watch.id for watch in WatchState(state_file).read()] == ["dog"]


def test_a_state_file_that_cannot_be_written_is_said_and_the_watch_runs(make_roma, robot, tmp_path):
    (tmp_path / "file").touch()
    robot.meet(make_roma({"watches.state_file": str(tmp_path / "file" / "x" / "watches.json")}))
    reply = robot.roma.watch("A dog barks.", name="dog")
    assert reply
    assert list(listed(robot)) == ["dog"]
    status = until(lambda: robot.diagnostics.get("watch storage"), "diagnostics")
    assert status.level == DiagnosticStatus.WARN
    assert "would be lost by a crash" in status.message
    assert "Not a directory" in status.message


def test_a_file_of_watches_that_is_wrong_is_said_when_configured(make_roma, robot, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("version: 1\nwatches:\n- {id: door, instruction: the door, threshold: 7}\n")
    make_roma({"watches_file": str(file)})
    status = until(
        lambda: robot.diagnostics.get("state") and robot.diagnostics["state"].message,
        "diagnostics",
    )
    assert "mine.yaml:3: watch 'door': threshold is 7" in until(
        lambda: (
            "threshold" in robot.diagnostics["state"].message and robot.diagnostics["state"].message
        ),
        f"the reason, in place of {status}",
    )
