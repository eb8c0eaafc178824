"""Events of a file or a journal: where it is, and what comes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from roma_ros.cli import main
from roma_ros.cli.event_reader import EventTail
from roma_ros.journal import DamagedLine, EventJournal, JournalConfig, encode

from .recorded import HEADER, RECORDS

Out = pytest.CaptureFixture[str]


def test_a_tail_reads_on_over_files_and_half_lines(tmp_path: Path) -> None:
    first, second = (tmp_path / f"events-{number:012d}.jsonl" for number in (1, 3))
    tail = EventTail(tmp_path)
    assert list(tail.poll()) == []
    first.write_bytes(encode(HEADER) + encode(RECORDS[0])[:20])
    assert list(tail.poll()) == [HEADER]
    assert list(tail.poll()) == []
    first.write_bytes(encode(HEADER) + encode(RECORDS[0]) + encode(RECORDS[1]) + b"{")
    assert list(tail.poll()) == RECORDS[:2]
    second.write_bytes(encode(HEADER) + encode(RECORDS[2]))
    damaged, *rest = tail.poll()
    assert isinstance(damaged, DamagedLine)
    assert (damaged.path, damaged.number) == (first, 4)
    assert rest == [HEADER, RECORDS[2]]
    first.unlink()
    assert list(tail.poll()) == []


def test_the_journal_of_the_only_node_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv("ROS_HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert main(["events"]) == 2
    assert "no node has a journal on this machine" in capsys.readouterr().err
    for number, name in enumerate(("roma", "other.roma")):
        folder = tmp_path / "roma" / name / "journal"
        journal = EventJournal(JournalConfig(folder=folder), HEADER)
        for record in RECORDS:
            journal.append(record.event, record.seconds)
        journal.close()
        assert main(["events", "--kind", "alert", "--since", "10m"]) == (0 if number == 0 else 2)
        captured = capsys.readouterr()
        if number == 0:
            today = time.strftime("%Y-%m-%d ")
            assert captured.out.startswith(today)
            assert captured.out.endswith("+00:00  alert door: the <door>\n")
        else:
            assert f"several nodes have a journal; give one as PATH: {folder}" in captured.err
