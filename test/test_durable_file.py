"""Files are replaced whole, and have one writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from roma_ros.durable_file import FileInUseError, lock_file, write_durably

OVER_AND_OVER = """
import sys
from pathlib import Path
from roma_ros.durable_file import write_durably
number = 0
while True:
    write_durably(Path(sys.argv[1]), b"%d " % number * 200_000)
    print(number, flush=True)
    number += 1
"""


def test_a_file_is_whole_whenever_the_writer_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "state"
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", OVER_AND_OVER, str(path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        told = [4, *(int(line) for line in process.stdout.read().split())][-1]
        process.wait()
        numbers = set(path.read_bytes().split())
        assert len(numbers) == 1
        assert int(numbers.pop()) in (told, told + 1)


def test_a_write_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    write_durably(path, b"old")

    def full(file: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    write_durably(path, b"new")
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["state"]


def test_a_lock_is_free_again_when_it_is_closed(tmp_path: Path) -> None:
    lock = lock_file(tmp_path / "lock", "the state")
    with pytest.raises(FileInUseError, match="the state is in use by another node"):
        lock_file(tmp_path / "lock", "the state")
    os.close(lock)
    os.close(lock_file(tmp_path / "lock", "the state"))
