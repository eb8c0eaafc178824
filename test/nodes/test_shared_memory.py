"""Shared memory that killed processes leave behind."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from roma_ros.nodes.shared_memory import FOLDER, LOCK_OF_SEGMENT, SweepResult, sweep_dead_segments

from ..clips import Clip, write_clip
from .conftest import until

NAME = "fastrtps_0123456789abcdef"


def segment(folder: Path, name: str = NAME, *, age: float = 60.0) -> tuple[Path, Path]:
    """A segment of 1 MB as Fast DDS has it, with its lock file; neither is held."""
    memory, lock = folder / name, folder / f"{name}_el"
    memory.write_bytes(bytes(1_000_000))
    lock.touch()
    made = time.time() - age
    os.utime(lock, (made, made))
    return memory, lock


@pytest.mark.parametrize("name", [NAME, "fastdds_0123456789abcdef"])
def test_a_segment_whose_lock_nobody_holds_is_removed(tmp_path, name):
    memory, lock = segment(tmp_path, name)
    swept = sweep_dead_segments(tmp_path)
    assert swept == SweepResult(1, 1_000_000)
    assert not memory.exists()
    assert not lock.exists()
    assert str(swept).startswith("removed 1 segment of shared memory (1 MB)")


def test_a_segment_whose_owner_lives_is_left(tmp_path):
    memory, lock = segment(tmp_path)
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert sweep_dead_segments(tmp_path) == SweepResult()
    assert memory.exists()
    assert lock.exists()


def test_a_lock_file_that_is_made_right_now_is_left(tmp_path):
    memory, lock = segment(tmp_path, age=1.0)
    assert sweep_dead_segments(tmp_path) == SweepResult()
    assert memory.exists()
    assert lock.exists()


def test_what_belongs_to_another_user_is_left(tmp_path, monkeypatch):
    memory, _ = segment(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: memory.stat().st_uid + 1)
    assert sweep_dead_segments(tmp_path) == SweepResult()
    assert memory.exists()


def test_a_link_in_place_of_a_lock_is_not_followed(tmp_path):
    memory, lock = segment(tmp_path)
    lock.unlink()
    other = tmp_path / "other"
    other.touch()
    lock.symlink_to(other)
    assert sweep_dead_segments(tmp_path, youngest=0.0) == SweepResult()
    assert memory.exists()
    assert other.exists()


def test_a_lock_file_without_its_segment_is_removed_too(tmp_path):
    memory, lock = segment(tmp_path)
    memory.unlink()
    assert sweep_dead_segments(tmp_path) == SweepResult()
    assert not lock.exists()


@pytest.mark.parametrize(
    "name", ["fastrtps_port7411", "fastrtps_0123", "sem.fastrtps_port7411_mutex", "psm_0123456789"]
)
def test_nothing_else_is_touched(tmp_path, name):
    memory, lock = segment(tmp_path, name)
    assert sweep_dead_segments(tmp_path) == SweepResult()
    assert memory.exists()
    assert lock.exists()


def test_a_folder_that_is_not_there_is_no_error(tmp_path):
    assert sweep_dead_segments(tmp_path / "none") == SweepResult()


def _mapped(process: int) -> set[str]:
    maps = Path(f"/proc/{process}/maps").read_text()
    names = set(re.findall(r"/dev/shm/(\S+)", maps))
    return {name for name in names if LOCK_OF_SEGMENT.fullmatch(f"{name}_el")}


def _start(tmp_path: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "roma_ros.nodes.media_node", "--ros-args"]
    command += ["-p", f"path:={tmp_path / 'film.mp4'}", "-p", "loop:=true"]
    with log.open("wb") as file:
        return subprocess.Popen(command, stderr=file, stdout=file)


def test_the_next_node_removes_what_a_killed_one_has_left(tmp_path):
    """Real processes. The ROS of this test has no segment of the killed one open."""
    write_clip(tmp_path / "film.mp4", Clip(seconds=2.0))
    first = _start(tmp_path, tmp_path / "first.log")
    left = until(lambda: _mapped(first.pid), "the node has shared memory")
    for name in left:
        made = time.time() - 60.0  # it has run for a minute
        os.utime(FOLDER / f"{name}_el", (made, made))
    assert not _removed_by_a_sweep(left)  # it lives
    first.kill()
    first.wait()
    assert {name for name in left if (FOLDER / name).exists()} == left
    second = _start(tmp_path, tmp_path / "second.log")
    try:
        until(
            lambda: (
                not any((FOLDER / name).exists() for name in left)
                and not any((FOLDER / f"{name}_el").exists() for name in left)
            ),
            "the segments and their lock files are gone",
        )
    finally:
        second.kill()  # it may still be starting
        second.wait(timeout=20.0)


def _removed_by_a_sweep(names: set[str]) -> set[str]:
    sweep_dead_segments()
    return {name for name in names if not (FOLDER / name).exists()}
