"""Provenance of a measurement: files and hashes of the checkpoint, machine and versions."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from roma_ros import __version__

__all__ = ["checkpoint_files", "checkpoint_hashes", "machine"]


def checkpoint_files(folder: Path) -> dict[str, int]:
    """Return the size in bytes of each file of a checkpoint by name, Python files left out."""
    return {
        path.name: path.stat().st_size
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }


def checkpoint_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each safetensors file of a checkpoint by name."""
    hashes = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while piece := file.read(1 << 20):
                digest.update(piece)
        hashes[path.name] = digest.hexdigest()
    return hashes


def machine() -> dict[str, Any]:
    """Return time, commit, CPU, platform and library versions of this process."""
    return {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": _commit(),
        "roma_ros": __version__,
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "transformers", "numpy")},
    }


def _commit() -> str:
    """Return the short commit of the source checkout; empty outside a checkout."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return answer.stdout.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
