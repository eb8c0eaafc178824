"""This machine, this process and the installed software: the one place that reads them."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path

from roma_ros import __version__

__all__ = [
    "architecture",
    "board",
    "commit",
    "cores",
    "describe_versions",
    "libraries",
    "library_version",
    "load",
    "peak_resident_bytes",
    "processor",
    "python_version",
    "resident_bytes",
    "total_memory",
]

LIBRARIES = ("torch", "transformers", "numpy", "av", "opencv-python-headless")
"""Distributions whose versions decide how a model behaves."""
BAKED = Path(__file__).with_name("commit.txt")
"""Written by setup.py into a wheel."""
DEVICE_TREE_MODEL = Path("/proc/device-tree/model")
"""Names the board on a Jetson and on other ARM boards."""
CPU_INFO = Path("/proc/cpuinfo")
PROCESS_STATUS = Path("/proc/self/status")


# --- hardware ---


def processor() -> str:
    """Return the name of the CPU, or its architecture where the kernel gives no name (ARM)."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def architecture() -> str:
    """Return the CPU's architecture, such as "x86_64" or "aarch64"."""
    return platform.machine()


def cores() -> int | None:
    """Return the number of logical CPU cores; `None` if unknown."""
    return os.cpu_count()


def load() -> float:
    """Return the load average of the last minute."""
    return os.getloadavg()[0]


def total_memory() -> int:
    """Return the bytes of main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def board() -> str:
    """Return the name of the board as the device tree gives it; empty on a PC."""
    try:
        return DEVICE_TREE_MODEL.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except OSError:
        return ""


# --- this process ---


def resident_bytes() -> int:
    """Return the bytes of this process that are in RAM now; 0 where there is no /proc."""
    return _status_bytes("VmRSS")


def peak_resident_bytes() -> int:
    """Return the most bytes of this process that have been in RAM at once."""
    # ru_maxrss, unlike VmHWM, begins with what the parent process had.
    return _status_bytes("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _status_bytes(name: str) -> int:
    try:
        lines = PROCESS_STATUS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    found = [line.split() for line in lines if line.startswith(f"{name}:")]
    return int(found[0][1]) * 1024 if found else 0


# --- software ---


def python_version() -> str:
    """Return the version of Python, such as "3.12.3"."""
    return platform.python_version()


def library_version(name: str) -> str:
    """Return the version of an installed distribution, without importing it; empty if missing.

    Args:
        name: name of the distribution on PyPI, such as "opencv-python-headless".
    """
    try:
        return importlib.metadata.version(name) or ""
    except importlib.metadata.PackageNotFoundError:
        return ""


def libraries(names: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Return versions by distribution name, of those that are installed; imports none of them."""
    return {name: version for name in names if (version := library_version(name))}


def commit(*, mark_changes: bool = True) -> str:
    """Return the commit of this code, such as "1a2b3c4".

    Args:
        mark_changes: append "+changes" for a checkout with uncommitted changes.

    Returns:
        An empty string if it is neither a checkout nor a wheel that was built from one.
    """
    checkout = Path(__file__).resolve().parents[1]
    if (checkout / ".git").exists() and (checkout / "package.xml").is_file():
        head = _git(checkout, "rev-parse", "--short", "HEAD")
        if head and mark_changes:
            changed = _git(checkout, "status", "--porcelain", "--untracked-files=no")
            return f"{head}+changes" if changed else head
        if head:
            return head
    try:
        return BAKED.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def describe_versions() -> str:
    """Return a line for roma_ros and its commit, one for Python, and one for each library."""
    lines = [f"roma {__version__} (commit {commit() or 'unknown'})"]
    lines.append(f"python {python_version()}")
    lines += [f"{name} {version}" for name, version in libraries().items()]
    return "\n".join(lines)


def _git(folder: Path, *arguments: str) -> str:
    """Run git and return its output; empty if it is not installed, fails or times out."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=5.0,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
