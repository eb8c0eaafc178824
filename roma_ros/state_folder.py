"""Folders of the files that nodes keep: the event journal and the stored watches."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["JOURNAL", "WATCHES", "state_folder", "state_folders"]

JOURNAL = "journal"
WATCHES = "watches.json"


def _root() -> Path:
    return Path(os.environ.get("ROS_HOME") or os.path.expanduser("~/.ros"), "roma")


def state_folder(node: str) -> Path:
    """Return the folder of a node's files: ~/.ros/roma/NAME, or in ROS_HOME if that is set.

    Args:
        node: fully qualified name, such as "/robot/roma"; the folder is then `robot.roma`.
    """
    return _root() / node.strip("/").replace("/", ".")


def state_folders() -> list[Path]:
    """Return the folders of all nodes that have one."""
    root = _root()
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
