"""Which version of roma_ros this is, from which commit, and beside which libraries."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path

from roma_ros import __version__

__all__ = ["commit", "describe_versions", "library_versions"]

LIBRARIES = ("torch", "transformers", "numpy", "av", "opencv-python-headless")
"""Distributions whose versions decide how a model behaves."""
BAKED = Path(__file__).with_name("commit.txt")
"""Written by setup.py into a wheel."""


def commit() -> str:
    """The commit that this code is of, such as "1a2b3c4", with "+changes" for an edited checkout.

    Returns:
        An empty string if it is neither a checkout nor a wheel that was built from one.
    """
    checkout = Path(__file__).resolve().parents[1]
    if (checkout / ".git").exists() and (checkout / "package.xml").is_file():
        head = _git(checkout, "rev-parse", "--short", "HEAD")
        if head:
            changed = _git(checkout, "status", "--porcelain", "--untracked-files=no")
            return f"{head}+changes" if changed else head
    try:
        return BAKED.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def library_versions() -> dict[str, str]:
    """Versions by distribution name, of those that are installed; nothing is imported."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def describe_versions() -> str:
    """A line for roma_ros and its commit, and one for each library."""
    of = commit()
    lines = [f"roma {__version__}" + (f" (commit {of})" if of else " (commit unknown)")]
    lines.append(f"python {platform.python_version()}")
    lines += [f"{name} {version}" for name, version in library_versions().items()]
    return "\n".join(lines)


def _git(folder: Path, *arguments: str) -> str:
    """What git says; empty if it is not installed, fails or does not answer."""
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
