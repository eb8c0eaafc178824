"""Videos of a folder by the names that annotations give them."""

from __future__ import annotations

import os
from pathlib import Path

from roma_ros.data.errors import DataError
from roma_ros.sources.media_info import VIDEO_SUFFIXES

__all__ = ["VideoFolder"]

MAX_FILES = 2_000_000


class VideoFolder:
    """Index of the video files below a folder.

    A name is looked up as a path below the folder, then as a file name, then without its suffix.
    Nothing outside of the folder is ever found.

    Args:
        folder: the folder; its subfolders are searched as well.

    Raises:
        DataError: it is no folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise DataError(f"{folder} is no folder; expected the folder of the videos")
        self.folder = folder
        self._paths: dict[str, Path] = {}
        files = 0
        for root, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                if Path(name).suffix.lower() not in VIDEO_SUFFIXES or name.startswith("."):
                    continue
                path = Path(root) / name
                below = path.relative_to(folder)
                for key in (str(below), str(below.with_suffix("")), name, path.stem):
                    self._paths.setdefault(key, path)
                files += 1
                if files > MAX_FILES:
                    raise DataError(f"{folder} has more than {MAX_FILES:,} videos")
        self.files = files

    def find(self, name: str) -> Path | None:
        """Return the path of a video, `None` if it is not there."""
        plain = name.replace("\\", "/").removeprefix("./")
        file = plain.rpartition("/")[2]
        stem = file.rpartition(".")[0]
        for key in (plain, plain.rpartition(".")[0], file, stem):
            if key and key in self._paths:
                return self._paths[key]
        return None
