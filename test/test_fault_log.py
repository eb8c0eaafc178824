"""Faults are logged once in full, and counted."""

from __future__ import annotations

import logging

import pytest

from roma_ros.fault_log import MAX_KINDS, FaultLog, is_milestone

LOG = logging.getLogger("test_fault_log")


def fail(kind: type[Exception]) -> Exception:
    try:
        raise kind("no luck")
    except Exception as error:
        return error


def test_a_kind_is_logged_in_full_once_and_then_counted(caplog: pytest.LogCaptureFixture) -> None:
    faults = FaultLog(LOG)
    counts = [faults.record("encode", fail(ValueError)) for _ in range(120)]
    assert counts == list(range(1, 121))
    assert faults.record("hear", fail(ValueError)) == 1
    assert faults.record("encode", fail(KeyError)) == 1
    tracebacks = [record for record in caplog.records if record.exc_info]
    assert [record.getMessage() for record in tracebacks] == [
        "could not encode; the assistant continues",
        "could not hear; the assistant continues",
        "could not encode; the assistant continues",
    ]
    counted = [record.getMessage() for record in caplog.records if not record.exc_info]
    assert counted == [
        "could not encode, 10 times so far: ValueError: no luck",
        "could not encode, 100 times so far: ValueError: no luck",
    ]


def test_what_is_expected_is_counted_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    faults = FaultLog(LOG)
    assert [faults.record("hear", fail(ValueError), expected=True) for _ in range(2)] == [1, 2]
    assert not caplog.records


def test_kinds_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    faults = FaultLog(LOG)
    for number in range(10 * MAX_KINDS):
        faults.record(f"job {number}", fail(ValueError))
    assert sum(record.exc_info is not None for record in caplog.records) == MAX_KINDS + 1


def test_milestones() -> None:
    assert [n for n in range(-10, 1_001) if is_milestone(n)] == [1, 10, 100, 1_000]
