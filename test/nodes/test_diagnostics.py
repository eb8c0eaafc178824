from __future__ import annotations

import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from roma_ros.assistant.status import AssistantStatus
from roma_ros.nodes.diagnostics import (
    LagMemory,
    RecentMinute,
    StreamHealth,
    clock_status,
    input_status,
    is_arriving,
    state_status,
    thinker_status,
    unit_status,
    watch_status,
)
from roma_ros.nodes.input_errors import InputErrors
from roma_ros.nodes.input_monitor import InputMonitor
from roma_ros.units import AssemblerStats, Modality, SensorClockStatus

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, to be moved."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def after(
    now: list[float],
    seconds: int,
    *,
    arriving: bool = True,
    status: AssistantStatus | None = None,
    **each_second: int,
) -> tuple[AssemblerStats, StreamHealth]:
    """Counters that grow by so much each second, from the first report on."""
    stats, health = AssemblerStats(), StreamHealth()
    for second in range(seconds + 1):
        counted = AssistantStatus(units_processed=second) if status is None else status
        health.update(stats, counted, arriving=arriving)
        now[0] += 1.0
        for name, growth in each_second.items():
            setattr(stats, name, getattr(stats, name) + growth)
    return stats, health


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
    errors = InputErrors(lambda line: None)
    monitor = InputMonitor("/image", "sensor_msgs/msg/Image")
    monitor.arrived(0.01)
    assert input_status("roma", [monitor], errors, 0).level == DiagnosticStatus.OK
    errors.report("/image", "ImageError", "wrong step")
    status = input_status("roma", [monitor], errors, 3)
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
        return input_status("roma", [], InputErrors(lambda line: None), 0, clocks=clocks)

    honest = shown(clock(), clock(modality=Modality.AUDIO, drift=12.0))
    assert (honest.level, honest.message) == (DiagnosticStatus.OK, "receiving data")
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
    shown = values(
        unit_status("roma", stats, AssistantStatus(units_dropped=2), 0.25, StreamHealth())
    )
    assert shown["units made"] == "9"
    assert shown["units dropped"] == "3"
    assert shown["frames late"] == "4"
    assert shown["audio-video skew [s]"] == "0.250"


def test_a_node_that_could_not_be_configured_says_why():
    assert state_status("roma", "inactive", "").level == DiagnosticStatus.OK
    failed = state_status("roma", "unconfigured", "no such folder")
    assert failed.level == DiagnosticStatus.ERROR
    assert failed.message == "no such folder"


@pytest.mark.parametrize(
    ("part", "whole", "rate", "words"),
    [
        ("units_video_filled", "units", 1, "units without new video"),
        ("units_audio_filled", "units", 1, "units with missing sound"),
        ("frames_late", "frames_in", 15, "frames too late"),
        ("frames_bad", "frames_in", 15, "frames that cannot be decoded"),
        ("frames_duplicate", "frames_in", 15, "frames with the stamp of another"),
        ("audio_late", "audio_in", 10, "audio too late"),
        ("audio_overlap", "audio_in", 10, "audio that overlaps"),
        ("audio_overflow", "audio_in", 10, "audio in no order"),
        ("stamps_bad", "frames_in", 30, "data with bad stamps"),
    ],
)
def test_more_than_a_twentieth_of_a_minute_lost_is_a_warning(now, part, whole, rate, words):
    for lost, level in ((0, OK), (3, OK), (4, WARN), (60, WARN)):
        stats, health = after(now, 60, **{whole: rate})
        setattr(stats, part, lost * rate)
        health.update(stats, AssistantStatus(units_processed=61), arriving=True)
        status = unit_status("roma", stats, AssistantStatus(units_processed=61), 0.0, health)
        assert status.level == level, (lost, status.message)
        share = float(values(status)[f"{words} in a minute [%]"])
        assert share == pytest.approx(100 * lost / 60, abs=3)
        if level == WARN:
            assert words in status.message


def test_one_filled_unit_at_the_start_is_no_warning_and_a_dead_camera_soon_is(now):
    stats, health = after(now, 3, units=1)
    stats.units_video_filled = 1
    health.update(stats, AssistantStatus(units_processed=4), arriving=True)
    assert unit_status("roma", stats, AssistantStatus(), 0.0, health).level == OK
    stats, health = after(now, 5, units=1, units_video_filled=1)
    assert unit_status("roma", stats, AssistantStatus(), 0.0, health).level == WARN


def test_what_was_lost_is_forgotten_after_a_minute(now):
    stats, health = after(now, 20, units=1, units_video_filled=1)
    assert health.shares["units without new video"] > 0.2
    for second in range(70):
        stats.units += 1
        health.update(stats, AssistantStatus(units_processed=100 + second), arriving=True)
        now[0] += 1.0
    assert health.shares["units without new video"] == 0


def test_counters_that_begin_anew_are_counted_anew(now):
    minute = RecentMinute()
    for count in (50, 60, 3, 5):
        minute.update({"units": count})
        now[0] += 1.0
    assert minute.growth("units") == 2
    assert minute.growth("none of it") == 0


def test_no_unit_judged_while_data_arrives_is_an_error(now):
    deaf = AssistantStatus(units_processed=7, faults=9, last_fault="could not encode: odd shape")
    for seconds, arriving, level in ((4, True, OK), (6, True, ERROR), (30, False, OK)):
        _, health = after(now, seconds, arriving=arriving, status=deaf, units=1)
        status = unit_status("roma", AssemblerStats(), deaf, 0.0, health)
        assert status.level == level, (seconds, arriving)
    _, health = after(now, 6, status=AssistantStatus(), units=1)
    status = unit_status("roma", AssemblerStats(), AssistantStatus(), 0.0, health)
    assert status.message == "no unit was processed for 6 s while data arrives"


def test_units_that_fault_are_a_warning_for_a_minute(now):
    health = StreamHealth()
    levels = []
    for second, unjudged in [*enumerate([0, 1, 1]), (80, 1)]:
        now[0] = 200.0 + second
        status = AssistantStatus(
            units_processed=10 + second,
            units_failed=unjudged,
            faults=unjudged,
            last_fault="could not step: NaN",
        )
        health.update(AssemblerStats(), status, arriving=True)
        shown = unit_status("roma", AssemblerStats(), status, 0.0, health)
        thinker = thinker_status("roma", "tiny", status, False, health.minute.growth("faults"))
        levels.append((shown.level, thinker.level))
        if unjudged and shown.level == WARN:
            assert "units failed in a minute: 1; could not step: NaN" in shown.message
    assert levels == [(OK, OK), (WARN, WARN), (WARN, WARN), (OK, OK)]


def test_an_instruction_that_cannot_be_known_is_a_warning():
    assert watch_status("roma", AssistantStatus()).level == OK
    status = watch_status("roma", AssistantStatus(warnings={"dog": "tiny knows no 'dog'"}))
    assert status.level == WARN
    assert status.message == "dog: tiny knows no 'dog'"
    assert values(status)["dog: warning"] == "tiny knows no 'dog'"


def test_disabled_inputs_are_a_warning():
    errors = InputErrors(lambda line: None)
    status = input_status("roma", [], errors, 0, "video is disabled by ~/enable")
    assert status.level == WARN
    assert status.message == "video is disabled by ~/enable"


def test_a_simulation_whose_clock_does_not_tick_is_a_warning():
    assert "/clock has no messages" in clock_status("roma", 0.0, 0).message
    levels = [clock_status("roma", still, now).level for still, now in ((0, 0), (1, 9), (6, 9))]
    assert levels == [WARN, OK, WARN]


def test_data_arrives_while_an_input_is_young(now):
    monitor = InputMonitor("/image", "sensor_msgs/msg/Image")
    seen = [is_arriving([]), is_arriving([monitor])]
    monitor.arrived(0.0)
    seen.append(is_arriving([monitor]))
    now[0] += 3.0
    seen.append(is_arriving([monitor]))
    assert seen == [False, False, True, False]
