"""Checks of Python and the libraries: installed versions against the required ones."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from roma_ros.doctor.check import Check, Section, Status
from roma_ros.doctor.probe import Attempt
from roma_ros.machine import library_version, python_version

__all__ = ["LIBRARIES", "Library", "library_checks", "python_check"]

PACKAGE = "roma_ros"
NOT_FOR_USERS = ("dev", "docs", "colcon", "ros", "ros-kilted")  # extras


@dataclass(frozen=True, slots=True)
class Library:
    """A library of this package.

    Attributes:
        package: name of the distribution on PyPI.
        module: name of the module to import.
        extra: optional dependency group of pyproject.toml; empty: always required.
        purpose: what an optional library is for.
    """

    package: str
    module: str
    extra: str = ""
    purpose: str = ""


LIBRARIES = (
    Library("torch", "torch"),
    Library("transformers", "transformers"),
    Library("safetensors", "safetensors"),
    Library("numpy", "numpy"),
    Library("av", "av"),
    Library("opencv-python-headless", "cv2"),
    Library("pillow", "PIL"),
    Library("soxr", "soxr"),
    Library("sounddevice", "sounddevice"),
    Library("matplotlib", "matplotlib"),
    Library("rich", "rich"),
    Library("shtab", "shtab"),
    Library("espeakng-loader", "espeakng_loader", "world", "spoken words of synthetic streams"),
    Library("peft", "peft", "train", "`roma train` with adapters"),
    Library("accelerate", "accelerate", "train", "`roma train`, quantised models"),
    Library("bitsandbytes", "bitsandbytes", "quantize", "NF4 and INT8 weights"),
    Library("onnx", "onnx", "quantize", "`roma quantize` of encoders"),
    Library("onnxruntime", "onnxruntime", "quantize", "bundles with INT8 encoders"),
    Library("PyYAML", "yaml", "train", "settings of training and recipes"),
    Library("rosbags", "rosbags", "bags", "ROS 2 bags as a source"),
    Library("httpx", "httpx", "hooks", "webhooks"),
    Library("paho-mqtt", "paho", "hooks", "MQTT messages"),
)
REMEDIES = {
    "PortAudio": "apt install libportaudio2 (needed for microphones only)",
    "libGL": "pip uninstall opencv-python && pip install --force-reinstall opencv-python-headless",
}
"""Remedies by a word of the error, where reinstalling does not help."""


def python_check() -> Check:
    """Return the check of Python's version against the package's range."""
    version = python_version()
    own = _own_distribution()
    wanted = (own.metadata["Requires-Python"] if own else "") or ""
    if wanted and _fits(version, wanted) is False:
        return Check(
            section=Section.LIBRARIES,
            name="python",
            status=Status.WARNING,
            detail=f"{version}; expected {wanted}",
            remedy=f"make a virtual environment with a Python {wanted}",
        )
    return Check(
        section=Section.LIBRARIES,
        name="python",
        status=Status.OK,
        detail=f"{version} ({wanted})" if wanted else version,
    )


def library_checks(imports: Mapping[str, Attempt]) -> Iterator[Check]:
    """Yield one check for each library.

    Args:
        imports: module -> result of importing it, for the libraries that are always required.
    """
    asked = {_normal(one.package): one for one in _requirements()}
    for library in LIBRARIES:
        own = asked.pop(_normal(library.package), None)
        yield _check(library, own.range if own else "", imports)
    for rest in asked.values():  # only in the metadata: its version, without an import
        yield _check(Library(rest.package, "", rest.extra), rest.range, imports)


def _check(library: Library, wanted: str, imports: Mapping[str, Attempt]) -> Check:
    version = library_version(library.package)
    imported = imports.get(library.module)
    pip = f"pip install '{library.package}{wanted}'"
    status, detail, remedy = Status.OK, version, ""
    if imported is not None and imported.ok:
        detail = version or imported.detail or "of unknown version"
    elif imported is not None and version:
        status, detail = Status.FAILED, f"{version}, but it cannot be used: {imported.detail}"
        remedy = next(
            (cure for word, cure in REMEDIES.items() if word in imported.detail),
            f"pip install --force-reinstall '{library.package}{wanted}'",
        )
        if "PortAudio" in imported.detail:
            status = Status.WARNING
    elif imported is not None:
        status, detail, remedy = Status.FAILED, imported.detail, pip
        if f"No module named {library.module!r}" in detail:
            detail = "not installed"
    elif not version:
        purpose = library.purpose or f"optional features [{library.extra}]"
        status, detail = Status.ABSENT, f"not installed; needed for {purpose}"
        remedy = f"pip install '{PACKAGE}[{library.extra}]'"
        if not library.extra:
            status, detail, remedy = Status.FAILED, "not installed", pip
    if status is Status.OK and wanted:
        fits = _fits(detail, wanted)
        detail = f"{detail} ({wanted})"
        if fits is False:
            status, remedy = Status.WARNING, pip
            detail = f"{detail.partition(' ')[0]} was not tested; expected {wanted}"
    return Check(
        section=Section.LIBRARIES,
        name=library.package,
        status=status,
        detail=detail,
        remedy=remedy,
    )


@dataclass(frozen=True, slots=True)
class _Requirement:
    """A requirement of the package's metadata.

    Attributes:
        package: name of the distribution.
        range: range of versions, such as ">=1.26"; empty: any.
        extra: optional dependency group; empty: always required.
    """

    package: str
    range: str
    extra: str


def _requirements() -> Iterator[_Requirement]:
    """Yield the requirements for this Python and machine, without those of developers and ROS."""
    own = _own_distribution()
    for text in (own.requires if own else None) or ():
        wanted, _, marker = text.partition(";")
        named = re.search(r"""extra\s*==\s*["']([^"']+)""", marker)
        extra = named[1] if named else ""
        name = re.match(r"\s*([\w.-]+)\s*(?:\[[^]]*\])?\s*(.*)", wanted)
        if name and extra not in NOT_FOR_USERS and _is_for_here(marker, extra):
            yield _Requirement(name[1], name[2].strip().strip("()"), extra)


def _is_for_here(marker: str, extra: str) -> bool:
    """Return whether an environment marker holds; true if the library packaging is missing."""
    try:
        from packaging.markers import InvalidMarker, Marker
    except ImportError:
        return True
    try:
        return not marker.strip() or Marker(marker).evaluate({"extra": extra})
    except InvalidMarker:
        return True


def _own_distribution() -> importlib.metadata.Distribution | None:
    """Return pip's distribution of this package; colcon's second one has no requirements."""
    found = importlib.metadata.distributions(name=PACKAGE)
    return next((distribution for distribution in found if distribution.requires), None)


def _fits(version: str, wanted: str) -> bool | None:
    """Return whether a version is in a range; `None` if unknown."""
    try:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet
        from packaging.version import InvalidVersion
    except ImportError:
        return None
    try:
        return SpecifierSet(wanted).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return None


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
