"""Checks of this machine: model, GPU, cameras, microphones, speech, shared memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from roma_ros import machine
from roma_ros.doctor import library_probe, model_probe
from roma_ros.doctor.check import Check, Section, Status
from roma_ros.doctor.probe import Attempt

__all__ = ["device_checks", "main_job_checks", "shared_memory_check"]

REINSTALL = (
    "repair the libraries above; then, in the checkout: pip install --force-reinstall --no-deps ."
)
MB = 1_000_000
SHARED_MEMORY = 256 * MB
"""Bytes of /dev/shm that a robot needs; config/fastdds.xml takes 35 MB for each process."""
SHM = Path("/dev/shm")
VIDEO = Path("/dev")
TEGRA = Path("/etc/nv_tegra_release")


def main_job_checks(model: Mapping[str, Attempt]) -> Iterator[Check]:
    """Yield the checks that `roma run` works: roma_tiny loads, and processes a clip."""
    for name, attempt_name in (("model", model_probe.LOAD), ("clip", model_probe.UNIT)):
        attempt = model.get(attempt_name) or Attempt(False, f"not tried: {_first_failure(model)}")
        yield Check(
            section=Section.MAIN_JOB,
            name=name,
            status=Status.OK if attempt.ok else Status.FAILED,
            detail=attempt.detail,
            remedy="" if attempt.ok else REINSTALL,
        )


def _first_failure(attempts: Mapping[str, Attempt]) -> str:
    failed = (f"{name}: {one.detail}" for name, one in attempts.items() if not one.ok)
    return next(failed, "the process did not start")


def device_checks(
    model: Mapping[str, Attempt], libraries: Mapping[str, Attempt]
) -> Iterator[Check]:
    """Yield the checks of CPU, GPU, kernels, cameras, microphones and speech synthesis."""
    yield _device("CPU", Status.OK, f"{machine.cores()} cores, {machine.architecture()}")
    yield _cuda_check(model.get(model_probe.CUDA))
    yield _kernel_check(model.get(model_probe.KERNELS))
    yield _camera_check()
    yield _microphone_check(libraries.get(library_probe.MICROPHONES))
    yield _speech_check(libraries.get(library_probe.SPEECH))


def _device(name: str, status: Status, detail: str, remedy: str = "") -> Check:
    return Check(section=Section.DEVICES, name=name, status=status, detail=detail, remedy=remedy)


def _cuda_check(attempt: Attempt | None) -> Check:
    if attempt is not None and attempt.ok and attempt.detail:
        return _device("GPU", Status.OK, "; ".join(attempt.detail.splitlines()))
    why = "" if attempt is None or attempt.ok else f": {attempt.detail}"
    if TEGRA.exists():
        remedy = "install NVIDIA's torch for JetPack; see docs/jetson.md"
        return _device("GPU", Status.WARNING, f"a Jetson, but torch has no CUDA{why}", remedy)
    if shutil.which("nvidia-smi") or Path("/dev/nvidia0").exists():
        remedy = "install a torch that is built for the driver's CUDA (`nvidia-smi` shows it)"
        return _device("GPU", Status.WARNING, f"an NVIDIA GPU, but torch has no CUDA{why}", remedy)
    return _device(
        "GPU",
        Status.ABSENT,
        "none; roma_tiny needs none, 3B and 7B models do for real time",
        "`roma plan` shows which device a model needs",
    )


def _kernel_check(attempt: Attempt | None) -> Check:
    if attempt is not None and attempt.ok:
        return _device("quantised kernels", Status.OK, attempt.detail)
    detail = "not tried: torch does not work" if attempt is None else attempt.detail
    remedy = "pip install 'roma_ros[quantize]'; on a Jetson see docs/jetson.md"
    return _device("quantised kernels", Status.ABSENT, detail, remedy)


def _camera_check() -> Check:
    cameras = sorted(VIDEO.glob("video*"))
    names = ", ".join(map(str, cameras))
    if not cameras:
        remedy = "connect one; in a container: docker run --device /dev/video0"
        return _device("cameras", Status.ABSENT, f"no {VIDEO}/video*; files and URLs work", remedy)
    if not all(os.access(camera, os.R_OK | os.W_OK) for camera in cameras):
        remedy = "sudo usermod -aG video $USER, and log in again"
        return _device("cameras", Status.WARNING, f"{names}: no permission", remedy)
    return _device("cameras", Status.OK, names)


def _microphone_check(attempt: Attempt | None) -> Check:
    if attempt is not None and attempt.ok and attempt.detail:
        return _device("microphones", Status.OK, ", ".join(attempt.detail.splitlines()))
    if attempt is not None and attempt.ok:
        remedy = "connect one (`arecord -l` lists them); in a container: --device /dev/snd"
        return _device("microphones", Status.ABSENT, "none found", remedy)
    detail = "not tried" if attempt is None else attempt.detail
    remedy = "pip install sounddevice"
    if "PortAudio" in detail:
        remedy = "apt install libportaudio2"
    return _device("microphones", Status.ABSENT, detail, remedy)


def _speech_check(attempt: Attempt | None) -> Check:
    if attempt is not None and attempt.ok:
        return _device("espeak-ng", Status.OK, attempt.detail)
    detail = "not tried" if attempt is None else attempt.detail
    return _device("espeak-ng", Status.ABSENT, detail, "pip install 'roma_ros[world]'")


def shared_memory_check() -> Check:
    """Return the check that /dev/shm has room for the images of several processes."""
    name = "shared memory"
    try:
        found = os.statvfs(SHM)
    except OSError as error:
        return Check(
            section=Section.ROS,
            name=name,
            status=Status.WARNING,
            detail=f"{SHM}: {error}",
            remedy="in a container: docker run --ipc=host",
        )
    total, free = found.f_frsize * found.f_blocks, found.f_frsize * found.f_bavail
    enough = min(total, free) >= SHARED_MEMORY
    detail = f"{SHM}: {free / MB:.0f} of {total / MB:.0f} MB free"
    return Check(
        section=Section.ROS,
        name=name,
        status=Status.OK if enough else Status.WARNING,
        detail=detail if enough else f"{detail}; Fast DDS takes 35 MB for each process",
        remedy="" if enough else "in a container: docker run --ipc=host, or --shm-size=1g",
    )
