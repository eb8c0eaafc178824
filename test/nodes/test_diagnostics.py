from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus

from roma_ros.nodes.diagnostics import (
    LagMemory,
    input_status,
    state_status,
    thinker_status,
    unit_status,
)
from roma_ros.nodes.faults import Faults
from roma_ros.nodes.input_monitor import InputMonitor
from roma_ros.status import AssistantStatus
from roma_ros.units import AssemblerStats, Modality, SensorClockStatus


def values(status: DiagnosticStatus) -> dict[str, str]:
    return {value.key: value.value for value in status.values}


def test_lost_units_are_remembered_for_a_while(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    memory = LagMemory()
    seen = [memory.is_recent(0), memory.is_recent(2)]
    now[0] += 9.0
    seen.append(memory.is_recent(2))
    now[0] += 2.0
    seen.append(memory.is_recent(2))
    seen.append(memory.is_recent(3))
    assert seen == [False, True, True, False, True]


def test_a_thinker_that_is_late_is_a_warning():
    calm, waiting = AssistantStatus(), AssistantStatus(lag=1.5)
    assert thinker_status("roma", "tiny", calm, late=False).level == DiagnosticStatus.OK
    assert thinker_status("roma", "tiny", calm, late=True).level == DiagnosticStatus.WARN
    assert thinker_status("roma", "tiny", waiting, late=False).level == DiagnosticStatus.WARN
    assert float(values(thinker_status("roma", "tiny", calm, False))["process memory [MiB]"]) > 1


def test_a_fault_shows_as_a_warning_with_its_reason_and_its_count():
    faults = Faults(lambda line: None)
    monitor = InputMonitor("/image", "sensor_msgs/msg/Image")
    monitor.arrived(0.01)
    assert input_status("roma", [monitor], faults, 0).level == DiagnosticStatus.OK
    faults.report("/image", "ImageError", "wrong step")
    status = input_status("roma", [monitor], faults, 3)
    assert status.level == DiagnosticStatus.WARN
    assert status.message == "/image: wrong step"
    assert values(status)["/image: ImageError"] == "1"
    assert values(status)["messages lost before they were read"] == "3"


def clock(**changes) -> SensorClockStatus:
    fields = {
        "modality": Modality.VIDEO,
        "by_arrival": False,
        "offset": 0.0,
        "latency": 0.03,
        "drift": None,
        "lateness": 0.15,
        "fault": "",
    }
    return SensorClockStatus(**{**fields, **changes})


def test_stamps_that_cannot_be_used_are_a_warning_and_a_small_offset_is_a_note():
    def shown(*clocks):
        return input_status("roma", [], Faults(lambda line: None), 0, clocks)

    honest = shown(clock(), clock(modality=Modality.AUDIO, drift=12.0))
    assert (honest.level, honest.message) == (DiagnosticStatus.OK, "data comes in")
    assert values(honest)["camera aligned by"] == "stamps"
    assert values(honest)["camera latency [s]"] == "0.030"
    assert values(honest)["camera lateness in use [s]"] == "0.150"
    assert values(honest)["microphone clock drift [ppm]"] == "12.000"
    shifted = shown(clock(by_arrival=True, offset=-0.7))
    assert shifted.level == DiagnosticStatus.OK
    assert "camera aligned by arrival (-0.700 s)" in shifted.message
    frozen = shown(clock(by_arrival=True, fault="its stamps stand still at 3.000 s"))
    assert frozen.level == DiagnosticStatus.WARN
    assert frozen.message == "camera: its stamps stand still at 3.000 s"


def test_units_are_counted_with_those_that_were_dropped_anywhere():
    stats = AssemblerStats(units=9, units_dropped=1, frames_late=4)
    shown = values(unit_status("roma", stats, AssistantStatus(units_dropped=2), skew=0.25))
    assert shown["units made"] == "9"
    assert shown["units dropped"] == "3"
    assert shown["frames late"] == "4"
    assert shown["audio-video skew [s]"] == "0.250"


def test_a_node_that_could_not_be_configured_says_why():
    assert state_status("roma", "inactive", "").level == DiagnosticStatus.OK
    failed = state_status("roma", "unconfigured", "no such folder")
    assert failed.level == DiagnosticStatus.ERROR
    assert failed.message == "no such folder"
