"""Runs all checks, in parallel processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from roma_ros.doctor.check import Check, DoctorReport
from roma_ros.doctor.libraries import LIBRARIES, library_checks, python_check
from roma_ros.doctor.machine import device_checks, main_job_checks
from roma_ros.doctor.model_probe import TORCH, TRANSFORMERS
from roma_ros.doctor.probe import Attempt, run_probe
from roma_ros.doctor.ros import has_rclpy, ros_checks

__all__ = ["examine"]

TIMEOUT = 120.0
"""Seconds for each process: importing torch takes a minute from a Jetson's slow SD card."""
HEAVY = (TORCH, TRANSFORMERS)
"""Modules that only the model's probe imports, since that takes long."""


def examine() -> DoctorReport:
    """Run all checks. Takes about ten seconds; raises nothing."""
    light = [one.module for one in LIBRARIES if not one.extra and one.module not in HEAVY]
    with ThreadPoolExecutor() as pool:
        model = pool.submit(run_probe, "roma_ros.doctor.model_probe", timeout=TIMEOUT)
        libraries = pool.submit(run_probe, "roma_ros.doctor.library_probe", light, timeout=TIMEOUT)
        ros = (
            pool.submit(run_probe, "roma_ros.doctor.ros_probe", timeout=TIMEOUT)
            if has_rclpy()
            else None
        )
        found = {**libraries.result(), **model.result()}
        return DoctorReport.of(_checks(found, ros.result() if ros else {}))


def _checks(found: dict[str, Attempt], ros: dict[str, Attempt]) -> Iterator[Check]:
    """Yield all checks; `found` has the attempts of both probes, whose names differ."""
    for name in (one.module for one in LIBRARIES if not one.extra):
        found.setdefault(name, Attempt(False, "not tried: an earlier library ended the process"))
    yield python_check()
    yield from library_checks(found)
    yield from main_job_checks(found)
    yield from device_checks(found, found)
    yield from ros_checks(ros)
