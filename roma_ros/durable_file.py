"""Files that survive a crash: written whole or not at all, and locked against a second writer."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["FileInUseError", "lock_file", "make_private_folder", "sync_folder", "write_durably"]


class FileInUseError(OSError):
    """Raised when the file is locked, by another process or by this one."""


def make_private_folder(folder: Path) -> None:
    """Make a folder and its parents with mode 0700; one that exists stays as it is.

    Raises:
        OSError: the folder cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def lock_file(path: Path, what: str) -> int:
    """Lock a file until the returned descriptor is closed, or the process ends.

    Args:
        path: path of the lock file; made if it is missing.
        what: name of what the lock protects, for the error message.

    Returns:
        A file descriptor.

    Raises:
        FileInUseError: the file is locked already.
        OSError: the file cannot be made.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise FileInUseError(f"{what} is in use by another node") from None
    except OSError:
        os.close(lock)
        raise
    return lock


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file's contents; a crash or power cut leaves the old or the new contents, whole.

    Raises:
        OSError: the contents cannot be written; the file is as before.
    """
    draft = path.with_name(path.name + ".new")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    finally:
        os.close(file)
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Sync a folder's entries to the disk, so that new and renamed files survive a power cut.

    Raises:
        OSError: the folder cannot be synced.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
