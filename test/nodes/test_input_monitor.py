import pytest

from roma_ros.nodes import input_monitor
from roma_ros.nodes.input_monitor import InputMonitor


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_rate_and_age_are_those_of_late(clock):
    monitor = InputMonitor("/image", "sensor_msgs/msg/Image")
    for _ in range(100):
        clock[0] += 0.1
        monitor.arrived(delay=0.02)
    assert monitor.rate == pytest.approx(10.0, abs=0.3)
    assert monitor.count == 100
    assert monitor.delay == 0.02
    clock[0] += 2.0
    assert monitor.age == pytest.approx(2.0)
    clock[0] += 10.0
    assert monitor.rate == 0.0


def test_silence_is_noticed_from_the_beginning_and_warned_of_once_in_a_while(clock):
    monitor = InputMonitor("/image", "sensor_msgs/msg/Image")
    silent = [monitor.silent]
    clock[0] += input_monitor.SILENCE + 0.1
    silent.append(monitor.silent)
    due = [monitor.warning_is_due(10.0), monitor.warning_is_due(10.0)]
    clock[0] += 10.0
    due.append(monitor.warning_is_due(10.0))
    monitor.arrived(0.0)
    silent.append(monitor.silent)
    assert silent == [False, True, False]
    assert due == [True, False, True]
