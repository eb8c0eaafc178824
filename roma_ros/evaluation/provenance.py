"""Provenance of a measurement: files and hashes of the checkpoint, machine and versions."""

from __future__ import annotations

import hashlib
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from roma_ros import __version__
from roma_ros.machine import commit, cores, libraries, processor, python_version

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
        "commit": commit(mark_changes=False),
        "roma_ros": __version__,
        "cpu": processor(),
        "cores": cores(),
        "platform": platform.platform(),
        "python": python_version(),
        **libraries(("torch", "transformers", "numpy")),
    }
