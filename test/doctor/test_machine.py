"""Devices, cameras, microphones and shared memory, as they may be found."""

from __future__ import annotations

import os
import shutil
from types import SimpleNamespace

import pytest

from roma_ros.doctor import Status, machine
from roma_ros.doctor.check import Check, DoctorReport, Section
from roma_ros.doctor.machine import device_checks, main_job_checks, shared_memory_check
from roma_ros.doctor.probe import Attempt

GOOD = Attempt(True, "found")


def device(name: str, model=None, libraries=None) -> Check:
    (found,) = (one for one in device_checks(model or {}, libraries or {}) if one.name == name)
    return found


def test_the_main_job_needs_both_the_model_and_the_clip():
    good = DoctorReport.of(main_job_checks({"model": GOOD, "unit": GOOD}))
    assert good.ready
    bad = DoctorReport.of(main_job_checks({"model": GOOD, "unit": Attempt(False, "no codec")}))
    assert not bad.ready
    assert not DoctorReport.of([]).ready


def test_what_was_not_tried_names_what_failed_before():
    checks = list(main_job_checks({"torch": Attempt(False, "ImportError: libgomp")}))
    assert [check.status for check in checks] == [Status.FAILED, Status.FAILED]
    assert checks[1].detail == "not tried: torch: ImportError: libgomp"


def test_a_driver_without_a_torch_for_it_is_a_warning(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    found = device("GPU", {"CUDA": Attempt(True, "")})
    assert found.status is Status.WARNING
    assert "torch" in found.remedy
    assert device("GPU", {"CUDA": Attempt(True, "Orin, 64 GB")}).status is Status.OK


def test_a_jetson_is_sent_to_its_page(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "TEGRA", tmp_path)
    assert "docs/jetson.md" in device("GPU", {"CUDA": Attempt(True, "")}).remedy


def test_cameras_without_permission_name_the_group(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "VIDEO", tmp_path)
    assert device("cameras").status is Status.ABSENT
    (tmp_path / "video0").touch()
    assert device("cameras").status is Status.OK
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    found = device("cameras")
    assert found.status is Status.WARNING
    assert "-aG video" in found.remedy


@pytest.mark.parametrize(
    ("attempt", "status", "word"),
    [
        (Attempt(True, "USB\nHDMI"), Status.OK, ""),
        (Attempt(True, ""), Status.ABSENT, "/dev/snd"),
        (Attempt(False, "OSError: PortAudio library not found"), Status.ABSENT, "libportaudio2"),
        (None, Status.ABSENT, "pip install"),
    ],
)
def test_microphones(attempt, status, word):
    found = device("microphones", libraries={"microphones": attempt} if attempt else {})
    assert found.status is status
    assert word in found.remedy


@pytest.mark.parametrize(("megabytes", "status"), [(64, Status.WARNING), (1024, Status.OK)])
def test_the_64_mb_of_a_container_are_too_small(megabytes, status, monkeypatch):
    blocks = SimpleNamespace(f_frsize=1024, f_blocks=megabytes * 1024, f_bavail=megabytes * 1000)
    monkeypatch.setattr(os, "statvfs", lambda path: blocks)
    found = shared_memory_check()
    assert found.status is status
    assert found.section is Section.ROS
    assert ("--shm-size" in found.remedy) == (status is Status.WARNING)
