"""The event journal: numbered, on disk before it is told, and found again, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roma_ros.durable_file import FileInUseError
from roma_ros.events import Alert, Event, Narration, SpeakProbability, StreamStart, StreamStarted
from roma_ros.journal import (
    EventJournal,
    Header,
    JournalConfig,
    JournalConfigError,
    Record,
    read_lines,
)
from roma_ros.journal.event_journal import MEMORY
from roma_ros.journal.files import JournalFiles, journal_paths

HEADER = Header(source=("/roma",), model="roma_tiny", versions={})
STARTED = StreamStarted(stream=0, stamp=10**9, reason=StreamStart.FIRST)


def alert(unit: int) -> Alert:
    return Alert(
        stream=0,
        stamp=(unit + 1) * 10**9,
        unit=unit,
        watch="door",
        instruction="i" * 200,
        text="",
        p_speak=0.75,
    )


def narration(unit: int) -> Narration:
    said = alert(unit)
    return Narration(
        **{name: getattr(said, name) for name in ("stream", "stamp", "unit", "watch")},
        instruction="tell",
        text="a dog",
        p_speak=0.5,
    )


def probability(unit: int) -> SpeakProbability:
    return SpeakProbability(
        stream=0,
        stamp=(unit + 1) * 10**9,
        unit=unit,
        watch="door",
        p_speak=0.5,
        threshold=0.5,
        triggered=False,
    )


def until(condition: Callable[[], Any], timeout: float = 20.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


Make = Callable[..., EventJournal]


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
def make(tmp_path: Path, reports: list[str]) -> Iterator[Make]:
    made: list[EventJournal] = []

    def make(**config: Any) -> EventJournal:
        config = {"folder": tmp_path / "journal", "append_timeout": 5.0, **config}
        made.append(EventJournal(JournalConfig(**config), HEADER, reports.append))
        return made[-1]

    yield make
    for journal in made:
        journal.close()


def written(journal: EventJournal) -> list[Record]:
    paths = journal_paths(journal.config.folder)
    lines = [line for path in paths for line in read_lines(path)]
    return [line for line in lines if isinstance(line, Record)]


def test_an_event_is_on_disk_with_its_number_when_append_returns(make: Make) -> None:
    journal = make()
    for unit in range(20):
        event: Event = alert(unit) if unit % 2 else narration(unit)
        assert journal.append(event, seconds=unit + 1.0) == unit + 1
        last = written(journal)[-1]
        assert (last.sequence, last.event, last.seconds) == (unit + 1, event, unit + 1.0)
        assert last.wall_ns is not None
        assert abs(last.wall_ns - time.time_ns()) < 60e9
    assert journal.status().late == 0


def test_alerts_alone_wait_for_the_disk_itself(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = make()
    journal.append(narration(0))  # a file is synced when it is begun
    synced: list[int] = []
    real = os.fsync

    def fsync(file: int) -> None:
        synced.append(file)
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    journal.append(narration(1))
    assert synced == []
    journal.append(alert(2))
    assert len(synced) == 1


def test_kinds_that_are_not_kept_have_no_number(make: Make) -> None:
    journal = make()
    assert journal.append(probability(0)) == 0
    assert journal.append(alert(0)) == 1
    assert journal.append(replace(probability(1), triggered=True)) == 2  # its alert is on its way
    other = make(folder=journal.config.folder.parent / "b", kinds=("speak_probability",))
    assert other.append(probability(0)) == 1
    assert other.append(STARTED) == 0
    assert other.append(alert(0)) == 2  # always


def test_what_triggered_and_was_never_told_is_found_by_the_next_run(make: Make) -> None:
    journal = make()
    first, second, third = (replace(probability(unit), triggered=True) for unit in (0, 1, 2))
    for event in (first, alert(0), second, third, narration(2)):
        journal.append(event)
    assert journal.unpublished == ()
    journal.close()
    journal = make()
    assert journal.unpublished == (second,)
    journal.append(replace(alert(1), finished=False))
    journal.close()
    assert make().unpublished == ()


def test_numbers_go_on_after_a_restart(make: Make) -> None:
    for session in range(3):
        journal = make()
        assert journal.status().newest == 2 * session
        assert journal.append(STARTED) == 2 * session + 1
        assert journal.append(alert(session)) == 2 * session + 2
        journal.close()
        assert journal.append(alert(9)) == 0
    records = written(journal)
    assert [record.sequence for record in records] == [1, 2, 3, 4, 5, 6]
    assert records[-1].event == alert(2)


def test_two_journals_do_not_share_a_folder(make: Make) -> None:
    make()
    with pytest.raises(FileInUseError):
        make()


@pytest.mark.parametrize("restarted", [False, True])
def test_what_was_missed_is_found_page_by_page(make: Make, restarted: bool) -> None:
    """From memory, and after a restart from several files."""
    journal = make(max_bytes=2**16)
    for unit in range(400):
        journal.append(STARTED if unit % 4 == 0 else alert(unit))
    if restarted:
        journal.close()
        journal = make(max_bytes=2**16)
        assert len(journal_paths(journal.config.folder)) > 1
        journal.append(alert(400))
    after, found = 10, []
    while True:
        page = journal.since(after, kinds={"alert"}, limit=50)
        assert len(page.records) <= 50
        assert (page.oldest, page.newest) == (1, 401 if restarted else 400)
        found += page.records
        after = page.next
        if not page.more:
            break
    wanted = [n for n in range(11, 401) if (n - 1) % 4] + [401] * restarted
    assert [record.sequence for record in found] == wanted
    assert all(record.event == alert(record.sequence - 1) for record in found)
    assert journal.since(page.next).records == ()
    by_stamp = journal.since(stamp=398 * 10**9).records
    assert [record.sequence for record in by_stamp] == [398, 399, 400] + [401] * restarted


def test_what_was_rotated_away_is_said(make: Make) -> None:
    journal = make(max_bytes=2**16, files=1)
    for unit in range(1_000):
        journal.append(alert(unit) if unit % 100 == 99 else STARTED)
    journal.close()
    journal = make(max_bytes=2**16, files=1)
    page = journal.since(5, limit=1)
    assert page.oldest > 100
    assert page.records[0].sequence == page.next == page.oldest
    assert page.newest == 1_000


def test_pages_are_whole_while_events_come(make: Make) -> None:
    journal = make(max_bytes=2**16, files=100)
    ended = threading.Event()

    def write() -> None:
        for unit in range(3_000):
            journal.append(alert(unit) if unit % 100 == 0 else STARTED)
        ended.set()

    thread = threading.Thread(target=write)
    thread.start()
    after, found = 0, []
    while not (ended.is_set() and after == 3_000):
        page = journal.since(after, limit=100)
        found += [record.sequence for record in page.records]
        after = page.next
    thread.join()
    assert found == list(range(1, 3_001))


def test_a_full_disk_is_said_and_what_waited_is_written_once_there_is_room(
    make: Make, monkeypatch: pytest.MonkeyPatch, reports: list[str]
) -> None:
    """A disk that takes half of each write, and then no more."""
    monkeypatch.setattr("roma_ros.journal.event_journal.RETRY_PERIOD", 0.05)
    journal = make()
    journal.append(alert(0))
    full, real = threading.Event(), os.write
    full.set()

    def write(file: int, data: Any) -> int:
        if full.is_set() and os.path.realpath(f"/proc/self/fd/{file}").endswith(".jsonl"):
            if len(data) < 200:
                raise OSError(28, "No space left on device")
            return real(file, data[: len(data) // 2])
        return real(file, data)

    monkeypatch.setattr(os, "write", write)
    begin = time.monotonic()
    numbers = [journal.append(alert(unit)) for unit in range(1, 50)]
    assert time.monotonic() - begin < 2.0  # nobody waits for a disk that fails
    assert numbers == list(range(2, 51))
    status = journal.status()
    assert status.error.endswith("No space left on device")
    assert (status.waiting, status.lost, status.late) == (49, 0, 49)
    assert [record.sequence for record in journal.since(40).records] == list(range(41, 51))
    assert written(journal) == [journal.since(limit=1).records[0]]
    full.clear()
    until(lambda: not journal.status().waiting)
    assert [record.sequence for record in written(journal)] == list(range(1, 51))
    until(lambda: len(reports) == 2)
    assert "cannot be written" in reports[0]
    assert "No space left" in reports[0]
    assert "written again; 0 events were lost" in reports[1]
    assert journal.status().error == ""


def test_more_than_memory_holds_is_lost_and_counted(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roma_ros.journal.event_journal.RETRY_PERIOD", 0.05)
    journal = make()
    journal.append(alert(0))
    broken = threading.Event()
    real = JournalFiles.append

    def append(files: JournalFiles, lines: bytes, sequence: int) -> None:
        if broken.is_set():
            raise OSError(5, "Input/output error")
        real(files, lines, sequence)

    monkeypatch.setattr(JournalFiles, "append", append)
    broken.set()
    for unit in range(1, MEMORY + 101):
        journal.append(alert(unit))
    until(lambda: journal.status().lost == 100)
    broken.clear()
    until(lambda: not journal.status().waiting)
    assert [r.sequence for r in written(journal)] == [1, *range(102, MEMORY + 102)]


def test_a_disk_that_hangs_holds_nobody_up_for_long(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = make(append_timeout=0.1)
    hanging = threading.Event()
    real = JournalFiles.sync

    def sync(files: JournalFiles) -> None:
        hanging.wait(30.0)
        real(files)

    monkeypatch.setattr(JournalFiles, "sync", sync)
    begin = time.monotonic()
    for unit in range(5):
        assert journal.append(alert(unit)) == unit + 1
    assert 0.09 < time.monotonic() - begin < 0.4  # once, not for each
    assert journal.status().late == 5
    assert len(journal.since().records) == 5
    hanging.set()
    until(lambda: len(written(journal)) == 5)


def test_a_sync_that_fails_writes_no_alert_twice(
    make: Make, monkeypatch: pytest.MonkeyPatch, reports: list[str]
) -> None:
    monkeypatch.setattr("roma_ros.journal.event_journal.RETRY_PERIOD", 0.05)
    journal = make()
    failures = iter([OSError(5, "Input/output error")] * 3)
    real = JournalFiles.sync

    def sync(files: JournalFiles) -> None:
        for error in failures:
            raise error
        real(files)

    monkeypatch.setattr(JournalFiles, "sync", sync)
    journal.append(alert(0))
    assert "Input/output error" in reports[0]
    for unit in range(1, 10):
        journal.append(alert(unit))
    until(lambda: not journal.status().waiting and not journal.status().error)
    assert [record.sequence for record in written(journal)] == list(range(1, 11))


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        EventJournal(JournalConfig(folder=tmp_path / "file" / "journal"), HEADER)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"max_bytes": 5}, "max_bytes is 5; expected 65536 to"),
        ({"files": 0}, "files is 0; expected 1 to 1000"),
        (
            {"kinds": ("alert", "hum")},
            "'hum' is unknown; expected some of speak_probability, alert",
        ),
    ],
)
def test_settings_out_of_range_are_refused(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(JournalConfigError, match=says):
        replace(JournalConfig(folder=tmp_path), **change)


KILLED = """
import sys
from pathlib import Path
from roma_ros.durable_file import FileInUseError
from roma_ros.journal import Header
from roma_ros.events import Alert
from roma_ros.journal import EventJournal, JournalConfig
config = JournalConfig(folder=Path(sys.argv[1]), append_timeout=60.0)
journal = EventJournal(config, Header(source=(), model=""))
unit = journal.status().newest
while True:
    event = Alert(stream=0, stamp=1, unit=unit, watch="w", instruction="i", text="", p_speak=1.0)
    print(journal.append(event), flush=True)
    unit += 1
"""


@pytest.mark.slow
def test_no_number_that_was_told_is_missing_or_given_twice_after_kills(tmp_path: Path) -> None:
    """A real process, killed in the middle of its writing, again and again."""
    told: list[int] = []
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told += [int(process.stdout.readline()) for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().split("\n")[:-1]]
        process.wait()
    assert sorted(set(told)) == told
    lines = [line for path in journal_paths(tmp_path) for line in read_lines(path)]
    records = [line for line in lines if isinstance(line, Record)]
    numbers = [record.sequence for record in records]
    assert sorted(set(numbers)) == numbers
    assert set(told) <= set(numbers)
    assert sum(isinstance(line, Header) for line in lines) == 4
