"""While the model is being loaded the node answers, and can be ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState

from roma_ros.nodes.client import Outcome
from roma_ros.thinker import RomaThinker

from .conftest import until
from .test_roma_node import change_state, set_parameter, state


@pytest.fixture
def loaded(monkeypatch):
    """Set it, and the model is loaded; before, loading goes on."""
    go_on = threading.Event()
    load = RomaThinker.from_pretrained

    def load_slowly(*arguments, **settings):
        assert go_on.wait(60)
        return load(*arguments, **settings)

    monkeypatch.setattr(RomaThinker, "from_pretrained", load_slowly)
    yield go_on
    go_on.set()


def request_transition(robot, transition: int):
    """The future of the response."""
    client = robot.node.create_client(ChangeState, f"{robot.namespace}/roma/change_state")
    assert client.wait_for_service(timeout_sec=30.0)
    return client.call_async(ChangeState.Request(transition=Transition(id=transition)))


def test_diagnostics_and_services_go_on_and_say_that_it_loads(make_roma, robot, loaded):
    statuses: list[tuple[float, DiagnosticStatus]] = []

    def note(array: DiagnosticArray) -> None:
        mine = f"{robot.namespace.lstrip('/')}/roma: state"
        now = time.monotonic()
        statuses.extend((now, status) for status in array.status if status.name == mine)

    robot.node.create_subscription(DiagnosticArray, "/diagnostics", note, 10)
    roma = make_roma()
    until(lambda: state(robot) == "configuring", "the node configures")
    until(lambda: len([s for _, s in statuses if "loading" in s.message]) >= 3, "diagnostics")
    begun = [when for when, status in statuses if "loading" in status.message]
    assert (begun[2] - begun[0]) / 2 == pytest.approx(1.0, abs=0.5), "they beat once a second"
    last = statuses[-1][1]
    assert last.level == DiagnosticStatus.WARN
    assert last.message.startswith("loading roma_tiny on cpu, for ")

    for reply in (
        robot.roma.ask("What is there?"),
        robot.roma.ask("What is there?", on_text=print),
        robot.roma.watch("A dog barks."),
        robot.roma.enable(False),
        robot.roma.reset(),
    ):
        assert reply.outcome is Outcome.REFUSED
        assert "loading roma_tiny on cpu" in reply.message
    assert "configuring" in set_parameter(robot, "model", "other")
    assert set_parameter(robot, "alert.threshold", 0.125) == ""
    assert not change_state(robot, Transition.TRANSITION_ACTIVATE)

    loaded.set()
    robot.meet(roma)
    assert robot.roma.watch("A dog barks.", name="dog")
    robot.play(2)
    assert robot.probabilities("dog")[0].threshold == pytest.approx(0.125)


def test_a_configure_by_service_is_answered_when_the_model_is_loaded(make_roma, robot, loaded):
    make_roma({"autostart": False})
    configured = request_transition(robot, Transition.TRANSITION_CONFIGURE)
    until(lambda: state(robot) == "configuring", "the node configures")
    assert not change_state(robot, Transition.TRANSITION_CONFIGURE)
    assert not configured.done()
    loaded.set()
    until(configured.done, "the response")
    assert configured.result().success
    assert change_state(robot, Transition.TRANSITION_ACTIVATE), "at once"
    assert state(robot) == "active"


def test_shutdown_ends_a_configure(make_roma, robot, loaded):
    roma = make_roma({"autostart": False})
    configured = request_transition(robot, Transition.TRANSITION_CONFIGURE)
    until(lambda: state(robot) == "configuring", "the node configures")
    began = time.monotonic()
    assert change_state(robot, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert time.monotonic() - began < 2.0
    assert state(robot) == "finalized"
    until(configured.done, "the response")
    assert not configured.result().success
    loaded.set()
    until(lambda: not roma.has_unstoppable_thread, "the model that nobody wants is let go")


def test_shutdown_ends_a_configure_that_has_only_just_begun(make_roma, robot, loaded, monkeypatch):
    """The load itself begins a moment after the state is "configuring"."""
    roma = make_roma({"autostart": False})
    begun = threading.Event()
    configure = roma.on_configure

    def configure_late(previous):
        begun.set()
        time.sleep(0.3)
        return configure(previous)

    monkeypatch.setitem(roma._callbacks, State.TRANSITION_STATE_CONFIGURING, configure_late)
    configured = request_transition(robot, Transition.TRANSITION_CONFIGURE)
    assert begun.wait(10)
    began = time.monotonic()
    assert change_state(robot, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert time.monotonic() - began < 2.0
    until(configured.done, "the response")
    assert not configured.result().success


SLOW_NODE = """
import sys, time
from roma_ros.nodes import node_state, roma_node
node_state.RomaThinker.from_pretrained = staticmethod(lambda *_, **__: time.sleep(600))
sys.exit(roma_node.main(["--ros-args", "-p", "device:=cpu"]))
"""


def test_a_signal_while_loading_ends_the_process_within_two_seconds():
    node = subprocess.Popen(
        [sys.executable, "-c", SLOW_NODE], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert node.stderr is not None
    lines = iter(node.stderr.readline, "")
    assert any("loading roma_tiny on cpu" in line for line in lines)
    began = time.monotonic()
    node.send_signal(signal.SIGINT)
    output, errors = node.communicate(timeout=20)
    assert time.monotonic() - began < 2.0
    assert node.returncode == 0
    assert "Traceback" not in output + errors
