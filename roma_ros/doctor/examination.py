"""All checks, run side by side in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from roma_ros.doctor.check import Check, Report
from roma_ros.doctor.libraries import LIBRARIES, library_checks, python_check
from roma_ros.doctor.machine import device_checks, main_job_checks
from roma_ros.doctor.model_probe import TORCH, TRANSFORMERS
from roma_ros.doctor.probe import Attempt, run_probe
from roma_ros.doctor.ros import has_rclpy, ros_checks

__all__ = ["examine"]

TIMEOUT = 120.0
"""Seconds for each process: torch takes a minute to import from a Jetson's slow card."""
HEAVY = (TORCH, TRANSFORMERS)
"""Modules that the model's probe imports, so that they are imported once."""


def examine() -> Report:
    """Check everything; takes about ten seconds, and does not raise."""
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
        return Report.of(_checks(found, ros.result() if ros else {}))


def _checks(found: dict[str, Attempt], ros: dict[str, Attempt]) -> Iterator[Check]:
    """Args: found: attempts of both probes; their names differ."""
    for name in (one.module for one in LIBRARIES if not one.extra):
        found.setdefault(name, Attempt(False, "not tried: a library before it ended the process"))
    yield python_check()
    yield from library_checks(found)
    yield from main_job_checks(found)
    yield from device_checks(found, found)
    yield from ros_checks(ros)
