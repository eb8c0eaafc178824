"""Removal of Fast DDS shared-memory segments whose process has died.

A killed process leaves its segment behind, 35 MB with config/fastdds.xml. Fast DDS removes it only
if another process had it open; any other stays in /dev/shm until the machine is restarted. The
command `fastdds shm clean` is not part of the ROS wheels, and does not run by itself.

Fast DDS marks a segment as in use by an empty file beside it: the segment's name, which ends in 16
random digits, followed by `_el`. The owner creates that file first and holds an exclusive `flock`
on it; the kernel releases the lock when the process ends, however it ends. So a lock file that can
be locked has no owner. This holds across containers, unlike process ids, and a reader that still
has the memory mapped keeps it.

Ports (`fastrtps_port7411`, 52 kB) are left to Fast DDS: their names are numbers, the next process
that takes the number resets the port, and another process cannot remove it without a race.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FOLDER", "SweepResult", "sweep_dead_segments"]

FOLDER = Path("/dev/shm")
LOCK_OF_SEGMENT = re.compile(r"(fastrtps|fastdds)_[0-9a-f]{16}_el")  # Fast DDS 2 and 3
LOCK_SUFFIX = "_el"
YOUNGEST = 10.0
"""Age in seconds from which a lock file without a lock has no owner: one that is made right now is
locked an instant later."""


@dataclass(frozen=True, slots=True)
class SweepResult:
    """Result of a sweep: number and size of the removed segments.

    Attributes:
        segments: count.
        size: of them together, bytes.
    """

    segments: int = 0
    size: int = 0

    def __str__(self) -> str:
        what = "segment" if self.segments == 1 else "segments"
        return (
            f"removed {self.segments} {what} of shared memory ({self.size / 1e6:.0f} MB) left by "
            "killed processes"
        )


def sweep_dead_segments(folder: Path = FOLDER, *, youngest: float = YOUNGEST) -> SweepResult:
    """Remove Fast DDS's segments of this user whose process has died.

    Never raises: what cannot be removed is left.

    Args:
        folder: where shared memory is.
        youngest: age of a lock file from which on it is looked at [s].
    """
    segments = size = 0
    try:
        names = [name for name in os.listdir(folder) if LOCK_OF_SEGMENT.fullmatch(name)]
    except OSError:
        return SweepResult()
    for name in names:
        with suppress(OSError), _locked(folder / name, youngest):
            segment = folder / name.removesuffix(LOCK_SUFFIX)
            with suppress(FileNotFoundError):
                found = segment.lstat()
                if not _is_ours(found):
                    continue
                segment.unlink()
                segments, size = segments + 1, size + found.st_size
            (folder / name).unlink()
    return SweepResult(segments, size)


@contextmanager
def _locked(path: Path, youngest: float) -> Iterator[None]:
    """Hold a lock file's lock.

    Raises:
        OSError: the file is young, another's, or locked by a process that still runs.
    """
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(file)
        if not _is_ours(found) or time.time() - found.st_mtime < youngest:
            raise PermissionError
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.lstat(path).st_ino != found.st_ino:
            raise FileNotFoundError  # removed by another meanwhile, and made anew
        yield
    finally:
        os.close(file)


def _is_ours(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and stat.S_ISREG(found.st_mode)
