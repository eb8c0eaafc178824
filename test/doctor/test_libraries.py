"""Libraries against the ranges that the package states of itself."""

from __future__ import annotations

import importlib.metadata
import platform
from types import SimpleNamespace

import pytest

from roma_ros.doctor import Status
from roma_ros.doctor.libraries import LIBRARIES, library_checks, python_check
from roma_ros.doctor.probe import Attempt

INSTALLED = SimpleNamespace(
    metadata={"Requires-Python": ">=3.10"},
    requires=["numpy>=1.26", "av<18,>=14", 'onnx>=1.17; extra == "quantize"'],
)
"""The package as pip would have installed it."""


@pytest.fixture
def versions(monkeypatch) -> dict[str, str]:
    """Of what is installed; to be filled by the test."""
    installed: dict[str, str] = {}

    def version(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib.metadata, "distributions", lambda name: [INSTALLED])
    return installed


def check(name: str, imports: dict[str, Attempt]):
    (found,) = (one for one in library_checks(imports) if one.name == name)
    return found


def test_one_that_fits_shows_its_version_and_range(versions):
    versions["av"] = "17.1.0"
    found = check("av", {"av": Attempt(True, "17.1.0")})
    assert (found.status, found.detail, found.remedy) == (Status.OK, "17.1.0 (<18,>=14)", "")


@pytest.mark.parametrize("version", ["13.1", "18.0.0"])
def test_one_outside_its_range_is_a_warning_with_the_command(versions, version):
    versions["av"] = version
    found = check("av", {"av": Attempt(True, version)})
    assert found.status is Status.WARNING
    assert found.detail == f"{version} was not tested; expected <18,>=14"
    assert found.remedy == "pip install 'av<18,>=14'"


def test_one_that_is_missing_failed(versions):
    found = check("av", {"av": Attempt(False, "ModuleNotFoundError: No module named 'av'")})
    assert found.status is Status.FAILED
    assert found.remedy == "pip install 'av<18,>=14'"


def test_one_that_is_broken_is_to_be_installed_again(versions):
    versions["numpy"] = "2.4.6"
    found = check("numpy", {"numpy": Attempt(False, "the process ended with -11")})
    assert found.status is Status.FAILED
    assert found.detail == "2.4.6, but it cannot be used: the process ended with -11"
    assert found.remedy == "pip install --force-reinstall 'numpy>=1.26'"


def test_sounddevice_without_portaudio_is_no_fault_of_pip(versions):
    versions["sounddevice"] = "0.5.6"
    error = Attempt(False, "OSError: PortAudio library not found")
    found = check("sounddevice", {"sounddevice": error})
    assert found.status is Status.WARNING
    assert found.remedy.startswith("apt install libportaudio2")


def test_an_optional_one_is_absent_and_says_what_for(versions):
    found = check("onnx", {})
    assert found.status is Status.ABSENT
    assert "roma quantize" in found.detail
    assert found.remedy == "pip install 'roma_ros[quantize]'"


def test_a_python_outside_the_range_is_a_warning(versions, monkeypatch):
    assert python_check().status is Status.OK
    monkeypatch.setattr(platform, "python_version", lambda: "3.9.18")
    assert python_check().status is Status.WARNING
    assert "3.9.18; expected >=3.10" in python_check().detail


def test_every_dependency_that_the_package_states_is_looked_at(versions):
    INSTALLED.requires.append("newcomer>=2")
    INSTALLED.requires.append('helper>=3; extra == "world"')
    try:
        versions["helper"] = "2.9"
        assert check("newcomer", {}).status is Status.FAILED
        assert check("newcomer", {}).remedy == "pip install 'newcomer>=2'"
        assert check("helper", {}).detail == "2.9 was not tested; expected >=3"
    finally:
        del INSTALLED.requires[-2:]


def test_modules_of_the_table_are_those_of_the_distributions():
    """Of those that are installed here, by their own list of files."""
    modules = importlib.metadata.packages_distributions()
    for library in LIBRARIES:
        assert library.package.lower() in [name.lower() for name in modules[library.module]]
