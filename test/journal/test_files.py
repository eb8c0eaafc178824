"""The journal's folder: appended to, rotated, locked, and mended after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from roma_ros.durable_file import FileInUseError
from roma_ros.journal.files import (
    JournalFiles,
    journal_paths,
    line_sequence,
    lines_after,
    sequence_of,
)

HEAD = b'{"event": "header"}\n'


def line(sequence: int, size: int = 60) -> bytes:
    return (b'{"sequence": %d, "event": "' % sequence).ljust(size - 3, b"x") + b'"}\n'


def files(folder: Path, *, max_bytes: int = 1_000, number: int = 3) -> JournalFiles:
    return JournalFiles(folder, max_bytes=max_bytes, files=number, head=HEAD)


def test_an_empty_folder_begins_a_file_with_the_header(tmp_path: Path) -> None:
    journal = files(tmp_path / "a" / "b")
    assert journal.open() == 0
    assert journal_paths(tmp_path / "a" / "b") == []
    journal.append(line(1) + line(2), 1)
    (path,) = journal_paths(tmp_path / "a" / "b")
    assert path.name == "events-000000000001.jsonl"
    assert path.read_bytes() == HEAD + line(1) + line(2)
    assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0
    journal.close()


def test_it_goes_on_in_the_same_file_and_says_where(tmp_path: Path) -> None:
    for session in range(3):
        journal = files(tmp_path)
        assert journal.open() == session
        journal.append(line(session + 1), session + 1)
        journal.close()
    (path,) = journal_paths(tmp_path)
    assert path.read_bytes() == HEAD + line(1) + HEAD + line(2) + HEAD + line(3)


def test_files_are_bounded_in_size_and_number(tmp_path: Path) -> None:
    journal = files(tmp_path)
    journal.open()
    for sequence in range(1, 101):
        journal.append(line(sequence), sequence)
        assert len(journal_paths(tmp_path)) <= 3
    journal.close()
    paths = journal_paths(tmp_path)
    assert all(path.stat().st_size <= 1_000 for path in paths)
    assert all(path.read_bytes().startswith(HEAD + line(sequence_of(path))) for path in paths)
    kept = [line_sequence(each) for path in paths for each in path.read_bytes().splitlines()]
    numbers = [sequence for sequence in kept if sequence]
    assert numbers == list(range(numbers[0], 101))
    assert len(numbers) > 32  # two full files, and more


@pytest.mark.parametrize("rest", [b'{"sequence": 3, "eve', b"\0" * 500, b"{"])
def test_a_file_that_a_crash_has_left_is_mended_and_no_number_is_given_twice(
    tmp_path: Path, rest: bytes
) -> None:
    path = tmp_path / "events-000000000001.jsonl"
    path.write_bytes(HEAD + line(1) + line(2) + rest)
    journal = files(tmp_path)
    newest = journal.open()
    assert newest == (3 if b"sequence" in rest else 2)
    journal.append(line(newest + 1), newest + 1)
    journal.close()
    assert path.read_bytes() == HEAD + line(1) + line(2) + rest + b"\n" + HEAD + line(newest + 1)


def test_a_file_without_a_readable_line_counts_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "events-000000000041.jsonl").write_bytes(b"\0" * 300_000)
    journal = files(tmp_path)
    assert journal.open() == 40
    journal.close()


def test_a_folder_has_one_writer(tmp_path: Path) -> None:
    first, second = files(tmp_path), files(tmp_path)
    first.open()
    with pytest.raises(FileInUseError, match=f"{tmp_path} is in use by another node"):
        second.open()
    first.close()
    second.open()
    second.close()


def test_a_file_that_is_deleted_is_begun_anew(tmp_path: Path) -> None:
    journal = files(tmp_path)
    journal.open()
    journal.append(line(1), 1)
    journal_paths(tmp_path)[0].unlink()
    journal.append(line(2), 2)
    journal.close()
    (path,) = journal_paths(tmp_path)
    assert path.name == "events-000000000002.jsonl"
    assert path.read_bytes() == HEAD + line(2)


@pytest.mark.parametrize("after", [0, 1, 2, 777, 4_999, 5_000, 6_000])
def test_lines_after_a_number_are_found_in_a_long_file(tmp_path: Path, after: int) -> None:
    path = tmp_path / "events-000000000001.jsonl"
    damage = b"\xff" * 70 + b"\n"
    path.write_bytes(
        HEAD + b"".join(line(n) + (HEAD + damage if n % 50 == 0 else b"") for n in range(1, 5_001))
    )
    found = list(lines_after(path, after))
    assert [number for number, _ in found] == list(range(after + 1, 5_001))
    assert all(text == line(number) for number, text in found)
    assert list(lines_after(tmp_path / "gone", after)) == []
