"""The event journal: events are on disk before they are published, and can be read back."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from roma_ros.events import Alert, Answer, Event, Narration, SpeakProbability
from roma_ros.journal.config import JournalConfig
from roma_ros.journal.files import JournalFiles, journal_paths, lines_after, sequence_of
from roma_ros.journal.lines import SchemaError, decode, encode
from roma_ros.journal.record import Header, Record, kind_of

__all__ = ["MAX_PAGE", "EventJournal", "JournalPage", "JournalStatus"]

log = logging.getLogger(__name__)

MAX_PAGE = 1_000  # events in one page
MAX_SCAN = 20_000  # lines that are read for one page
MEMORY = 1_000  # events that are kept in memory, those that could not be written among them
BEGINNING = 64  # bytes of a line, which contain its kind
BATCH = 256  # events in one write
RETRY_PERIOD = 2.0  # seconds between two tries after an error
SYNC_PERIOD = 5.0  # seconds until events other than alerts outlast a power cut
CLOSE_TIMEOUT = 5.0  # seconds that closing waits for the disk
_PUBLISHED = (Alert, Narration, Answer)  # others need not be on disk when they are published


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStatus:
    """Status of a journal.

    Attributes:
        newest: last sequence number; 0 before the first event.
        waiting: events that are not on disk yet.
        lost: events that were never written, because the disk failed for too long.
        late: events that were published before they were on disk, because it was slow or failed.
        error: why events cannot be written now; empty if they can.
    """

    newest: int
    waiting: int
    lost: int
    late: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalPage:
    """Page of events of a journal, oldest first.

    Attributes:
        records: the events.
        next: sequence number up to which the journal was searched; pass it to `since` for the next
            page.
        more: whether there may be more events after `next`.
        oldest: lowest sequence number that is kept; files with lower ones were deleted.
        newest: highest sequence number.
    """

    records: tuple[Record, ...]
    next: int
    more: bool
    oldest: int
    newest: int


@dataclass(slots=True, eq=False)
class _Entry:
    record: Record
    line: bytes
    sync: bool
    done: threading.Event = field(default_factory=threading.Event)


class EventJournal:
    """Writer of numbered events to disk, in a thread of its own. Thread-safe.

    Sequence numbers are unique: they continue those of the folder's last file. When the disk
    fails, events are kept in memory, a bounded number of them, and written once it works again.

    Args:
        config: settings.
        header: written at the start, and at the beginning of each file.
        report: called with a log line when writing fails and when it works again; mostly in the
            journal's thread.

    Attributes:
        unpublished: triggers of an earlier run that ended before the alert or narration was
            published, as one that is killed while the words are decoded; oldest first.

    Raises:
        FileInUseError: another node uses the folder.
        OSError: the folder cannot be made or read.
    """

    def __init__(
        self, config: JournalConfig, header: Header, report: Callable[[str], object] = log.warning
    ) -> None:
        self.config = config
        self._report = report
        self._kinds = frozenset(config.kinds) | {"alert"}
        kept = {**header.settings, "kinds": ",".join(sorted(self._kinds))}
        self._files = JournalFiles(
            config.folder,
            max_bytes=config.max_bytes,
            files=config.files,
            head=encode(replace(header, settings=kept)),
        )
        self._wake = threading.Condition()  # all below is under its lock
        try:
            self._newest = self._files.open()
            self.unpublished = self._find_unpublished()
        except OSError:
            self._files.close()
            raise
        self._memory: deque[_Entry] = deque(maxlen=MEMORY)
        self._pending: deque[_Entry] = deque()
        self._lost = self._late = 0
        self._error = ""
        self._closing = False
        self._stuck: threading.Event | None = None
        self._synced = time.monotonic()
        self._unsynced = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def append(self, event: Event, seconds: float | None = None) -> int:
        """Number an event and write it; an alert is also synced to the disk.

        Waits until that is done, at most `append_timeout`, and not at all for kinds that are not
        published, or while the disk fails or hangs. p(speak) that triggered is written whatever
        the kinds, so that an alert is not lost while its words are decoded.

        Args:
            event: the event.
            seconds: END of its unit from the beginning of the stream; `None` if unknown.

        Returns:
            The event's sequence number; 0 for a kind that is not written, and after `close`.
        """
        triggered = isinstance(event, SpeakProbability) and event.triggered
        if kind_of(event) not in self._kinds and not triggered:
            return 0
        with self._wake:
            if self._closing:
                return 0
            self._newest += 1
            record = Record(
                event=event, sequence=self._newest, seconds=seconds, wall_ns=time.time_ns()
            )
            entry = _Entry(record, encode(record), sync=triggered or isinstance(event, Alert))
            self._memory.append(entry)
            self._pending.append(entry)
            if len(self._pending) > MEMORY:
                self._pending.popleft()
                self._lost += 1
            failing = bool(self._error)
            self._wake.notify_all()
        if isinstance(event, _PUBLISHED):
            stuck = self._stuck is not None and not self._stuck.is_set()
            written = not (failing or stuck) and entry.done.wait(self.config.append_timeout)
            if not (failing or stuck or written):
                self._stuck = entry.done  # until the disk works again no `append` waits
            with self._wake:
                self._late += not written or bool(self._error)
        return record.sequence

    def status(self) -> JournalStatus:
        """Return the journal's status; cheap."""
        with self._wake:
            return JournalStatus(
                newest=self._newest,
                waiting=len(self._pending),
                lost=self._lost,
                late=self._late,
                error=self._error,
            )

    def since(
        self,
        sequence: int = 0,
        *,
        stamp: int = 0,
        kinds: Collection[str] = (),
        limit: int = 100,
    ) -> JournalPage:
        """Return a page of events after a sequence number, from memory or from the files.

        Args:
            sequence: only events with a higher number; 0: from the oldest that is kept.
            stamp: only events with this stamp or a later one, ns on the sensor clock; 0: any.
            kinds: only these; empty: all.
            limit: events in the page, 1 to 1,000; a page may hold fewer although there are more.

        Raises:
            OSError: the files cannot be read.
        """
        with self._wake:
            memory = [entry.record for entry in self._memory]
            newest = self._newest
        first = memory[0].sequence if memory else newest + 1
        oldest = min(first, self._oldest_file())
        page: list[Record] = []
        searched = max(sequence, oldest - 1)
        records = self._records(searched, first, memory, kinds)
        for lines, (number, record) in enumerate(records, start=1):
            searched = number
            if record is not None and record.event.stamp >= stamp:
                page.append(record)
            if len(page) >= min(limit, MAX_PAGE) or lines >= MAX_SCAN:
                break
        else:
            searched = max(searched, newest)
        return JournalPage(
            records=tuple(page),
            next=searched,
            more=searched < newest,
            oldest=oldest,
            newest=newest,
        )

    def close(self) -> None:
        """Write the events that wait, for at most some seconds, and free the folder."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join(CLOSE_TIMEOUT)

    # --- finding ---

    def _find_unpublished(self) -> tuple[SpeakProbability, ...]:
        """Search the last events of the files for triggers without an alert or narration."""
        found: dict[tuple[str, int], SpeakProbability] = {}
        last = self._from_files(max(0, self._newest - MEMORY), self._newest + 1, ())
        for event in (record.event for _, record in last if record is not None):
            if isinstance(event, SpeakProbability) and event.triggered:
                found[event.watch, event.stamp] = event
            elif isinstance(event, Alert | Narration):
                found.pop((event.watch, event.stamp), None)
        return tuple(found.values())

    def _oldest_file(self) -> int:
        paths = journal_paths(self.config.folder)
        return sequence_of(paths[0]) if paths else self._newest + 1

    def _records(
        self, after: int, first: int, memory: list[Record], kinds: Collection[str]
    ) -> Iterator[tuple[int, Record | None]]:
        """Yield numbers above `after` and their records: from files, from `first` on from memory.

        The record is `None` for an event of another kind.
        """
        if after + 1 < first:
            yield from self._from_files(after, first, kinds)
        for record in memory:
            if record.sequence > after:
                yield record.sequence, record if not kinds or record.kind in kinds else None

    def _from_files(
        self, after: int, first: int, kinds: Collection[str]
    ) -> Iterator[tuple[int, Record | None]]:
        marks = tuple(b'"event": "%s"' % kind.encode() for kind in kinds)
        paths = journal_paths(self.config.folder)
        ends = [sequence_of(path) for path in paths[1:]] + [first]
        for path, end in zip(paths, ends, strict=False):
            if end <= after + 1:
                continue
            for number, line in lines_after(path, after):
                if number >= first:
                    return
                if number <= after:
                    continue
                after = number
                if marks and not any(mark in line[:BEGINNING] for mark in marks):
                    yield number, None
                    continue
                with suppress(SchemaError):  # `roma events` reports damaged lines
                    record = decode(line)
                    if isinstance(record, Record):
                        yield number, record

    # --- the journal's thread ---

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(self._has_work, self._pause())
                if self._closing and (not self._pending or self._error):
                    break
                batch = [self._pending.popleft() for _ in range(min(BATCH, len(self._pending)))]
            self._write(batch)
        self._end()

    def _has_work(self) -> bool:
        return self._closing or (bool(self._pending) and not self._error)

    def _pause(self) -> float | None:
        """Return how long to sleep without events [s]; under the lock."""
        if self._error:
            return RETRY_PERIOD
        return SYNC_PERIOD if self._unsynced else None

    def _write(self, batch: list[_Entry]) -> None:
        unwritten = batch
        try:
            if batch:
                self._files.append(b"".join(e.line for e in batch), batch[0].record.sequence)
                unwritten = []
                self._unsynced = True
            self._sync(at_once=any(entry.sync for entry in batch))
        except Exception as error:  # the thread must not end
            self._fail(unwritten, error)
        else:
            self._succeed()
        for entry in batch:
            entry.done.set()

    def _sync(self, *, at_once: bool) -> None:
        if self._unsynced and (at_once or time.monotonic() - self._synced >= SYNC_PERIOD):
            self._files.sync()
            self._unsynced, self._synced = False, time.monotonic()

    def _fail(self, unwritten: list[_Entry], error: Exception) -> None:
        if unwritten:
            self._files.close_after_error()
        with self._wake:
            news = not self._error
            self._error = f"{self.config.folder}: {getattr(error, 'strerror', None) or repr(error)}"
            self._pending.extendleft(reversed(unwritten))
            while len(self._pending) > MEMORY:
                self._pending.popleft()
                self._lost += 1
        if news:
            self._report(
                f"the event journal cannot be written: {self._error}; events are still "
                f"published, and the last {MEMORY} are kept in memory until it can be written"
            )

    def _succeed(self) -> None:
        with self._wake:
            error, self._error = self._error, ""
        if error:
            self._report(f"the event journal is written again; {self._lost} events were lost")

    def _end(self) -> None:
        with self._wake:
            self._lost += len(self._pending)
            lost = len(self._pending)
            self._pending.clear()
        try:
            self._files.sync()
        except OSError as error:
            self._report(f"the event journal could not be synced: {error}")
        self._files.close()
        if lost:
            self._report(f"the event journal is closed; {lost} events could not be written")
