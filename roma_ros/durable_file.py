"""Files that outlast a crash: written whole or not at all, and locked against a second writer."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["FileInUseError", "lock_file", "make_private_folder", "sync_folder", "write_durably"]


class FileInUseError(OSError):
    """Another process, or another part of this one, holds the lock."""


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it, for its owner alone; one that exists stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def lock_file(path: Path, what: str) -> int:
    """Lock a file until the descriptor that is returned is closed, or the process ends.

    Args:
        path: of the lock; made if it is not there.
        what: is locked by it; named in the error.

    Raises:
        FileInUseError: it is locked already.
        OSError: it cannot be made.
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
    """Replace a file's contents: after a crash or a power cut it has the old ones or the new ones.

    Raises:
        OSError: they cannot be written; the file is as before.
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
    """Wait until new and changed names of a folder would outlast a power cut. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
