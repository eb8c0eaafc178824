"""Event journal of the node, and the service `~/events_since` that reads it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from rclpy.node import Node

from roma_ros.events import Alert, Answer, Event, Fault, Narration, SpeakProbability, StreamStarted
from roma_ros.journal import (
    MAX_PAGE,
    EventJournal,
    Header,
    JournalConfig,
    JournalPage,
    JournalStatus,
    Record,
    encode,
)
from roma_ros.msg import JournalEvent
from roma_ros.nodes import qos
from roma_ros.nodes.conversions import header_message
from roma_ros.nodes.rclpy_compat import Respond, create_deferred_service
from roma_ros.nodes.stamps import stamp_of, time_of
from roma_ros.srv import EventsSince
from roma_ros.watch import Watch, WatchKind

__all__ = ["NodeJournal", "journal_event_message"]

UNIT = 1_000_000_000  # ns
MAX_KINDS = 32  # in one request
MAX_WAITING = 16  # requests that wait for the reader's thread
MAX_TEXT = 2**20  # bytes of JSON in one response


class NodeJournal:
    """Event journal of a node, which may be closed, and the service `~/events_since`.

    Args:
        node: the roma node.
        why_not: returns why the node is not configured, for responses without a journal.

    Attributes:
        open_error: why the journal cannot be opened; empty: no error.
    """

    def __init__(self, node: Node, why_not: Callable[[], str]) -> None:
        self.open_error = ""
        self._log = node.get_logger()
        self._why_not = why_not
        self._journal: EventJournal | None = None
        self._begin: tuple[int, int] | None = None  # a stream, and where it began
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="events_since")
        self._waiting = 0
        create_deferred_service(
            node, EventsSince, "~/events_since", self._on_events_since, qos.QUESTIONS
        )

    def open(self, config: JournalConfig | None, header: Header) -> None:
        """Open the journal; an error is logged, and events are then not written.

        Args:
            config: settings of the journal; `None`: no journal.
            header: header of its files.
        """
        self.close()
        if config is None:
            return
        try:
            self._journal = EventJournal(config, header, self._log.error)
        except OSError as error:
            where = f"{config.folder}: {error.strerror}" if error.strerror else str(error)
            self.open_error = f"the event journal cannot be opened: {where}"
            self._log.error(f"{self.open_error}; events are published, but not written")
        else:
            self._log.info(f"events are written to {config.folder}")

    def close(self) -> None:
        """Write pending events, and close the files."""
        journal, self._journal = self._journal, None
        self.open_error = ""
        if journal is not None:
            journal.close()

    def destroy(self) -> None:
        """Close the journal and end the reader's thread."""
        self.close()
        self._reader.shutdown(wait=False, cancel_futures=True)

    def append(self, event: Event) -> int:
        """Write an event before it is published; from any thread.

        Returns:
            Its number in the journal; 0 if it was not written.
        """
        journal = self._journal
        if journal is None:
            return 0
        try:
            return journal.append(event, self._seconds(event))
        except Exception as error:  # the event is to be published all the same
            self._log.error(f"{type(event).__name__} cannot be written to the journal: {error!r}")
            return 0

    def take_unpublished(self, watches: Sequence[Watch]) -> list[Alert]:
        """Return the alerts that an earlier run did not publish, and forget them."""
        journal = self._journal
        if journal is None:
            return []
        unpublished, journal.unpublished = journal.unpublished, ()
        alerts = {watch.id: watch for watch in watches if watch.kind is WatchKind.ALERT}
        return [
            Alert(
                stream=event.stream,
                stamp=event.stamp,
                unit=event.unit,
                watch=event.watch,
                instruction=alerts[event.watch].instruction,
                text="",
                p_speak=event.p_speak,
                finished=False,
            )
            for event in unpublished
            if event.watch in alerts
        ]

    def status(self) -> JournalStatus | None:
        """Return the status of the journal; `None` without one."""
        return None if self._journal is None else self._journal.status()

    def _seconds(self, event: Event) -> float | None:
        """Return the time from the stream's start to the end of the event's unit, s, if known."""
        if isinstance(event, StreamStarted):
            self._begin = event.stream, event.stamp - UNIT
        if self._begin is None or self._begin[0] != event.stream:
            return None
        return (event.stamp - self._begin[1]) / 1e9

    # --- the service ---

    def _on_events_since(self, request: EventsSince.Request, respond: Respond) -> None:
        journal = self._journal
        refusal = self._refusal(request, journal)
        if journal is None or refusal:
            respond(EventsSince.Response(success=False, message=refusal))
            return
        self._waiting += 1
        self._reader.submit(self._find, journal, request, respond)

    def _refusal(self, request: EventsSince.Request, journal: EventJournal | None) -> str:
        if journal is None:
            return (
                self.open_error or self._why_not() or "journal.folder is empty: there is no journal"
            )
        if not 1 <= request.limit <= MAX_PAGE:
            return f"limit is {request.limit}; expected 1 to {MAX_PAGE} events"
        if len(request.kinds) > MAX_KINDS:
            return f"there are {len(request.kinds)} kinds; expected at most {MAX_KINDS}"
        try:
            JournalConfig(folder=journal.config.folder, kinds=tuple(request.kinds))
        except ValueError as error:
            return str(error)
        newest = journal.status().newest
        if request.sequence > newest:
            return (
                f"sequence is {request.sequence}, and the newest event is {newest}: this is "
                "another journal, or one that was begun anew; ask from 0"
            )
        if self._waiting >= MAX_WAITING:
            return f"{MAX_WAITING} requests wait; ask again when one of them is answered"
        return ""

    def _find(self, journal: EventJournal, request: EventsSince.Request, respond: Respond) -> None:
        """Read the journal and respond; runs in the reader's thread."""
        try:
            page = journal.since(
                request.sequence,
                stamp=stamp_of(request.since),
                kinds=frozenset(request.kinds),
                limit=request.limit,
            )
            response = _response(page)
        except Exception as error:  # every request gets a response
            response = EventsSince.Response(
                success=False, message=f"the journal cannot be read: {error}"
            )
        finally:
            self._waiting -= 1
        respond(response)


def _response(page: JournalPage) -> EventsSince.Response:
    """Convert a page to a response, with at most `MAX_TEXT` bytes of JSON."""
    messages: list[JournalEvent] = []
    size, after, more = 0, page.next, page.more
    for record in page.records:
        if not _fits(record):
            continue
        message = journal_event_message(record)
        size += len(message.json)
        if messages and size > MAX_TEXT:
            after, more = messages[-1].sequence, True
            break
        messages.append(message)
    return EventsSince.Response(
        success=True,
        events=messages,
        more=more,
        next=after,
        oldest=page.oldest,
        newest=page.newest,
    )


def _fits(record: Record) -> bool:
    """Return whether the numbers are in the range of the message's fields.

    Those of a damaged line may not be; rclpy does not check them, and fails to send the message.
    """
    seconds = (record.event.stamp // UNIT, (record.wall_ns or 0) // UNIT)
    return all(-(2**31) <= each < 2**31 for each in seconds) and (
        getattr(record.event, "unit", 0) >= 0
    )


def journal_event_message(record: Record) -> JournalEvent:
    """Convert a record of the journal to a message."""
    event = record.event
    message = JournalEvent(
        header=header_message(event.stamp),
        sequence=record.sequence,
        kind=record.kind,
        written=time_of(record.wall_ns or 0),
        stream=event.stream,
        p_speak=math.nan,
        json=encode(record).decode().rstrip("\n"),
    )
    if not isinstance(event, StreamStarted) and hasattr(event, "watch"):
        message.watch = event.watch
    if isinstance(event, Alert | Narration | Answer | SpeakProbability):
        message.unit = event.unit
    if isinstance(event, Alert | Narration | Answer):
        message.text = event.text
    if isinstance(event, Alert | Narration | SpeakProbability):
        message.p_speak = event.p_speak
    if isinstance(event, Alert | Narration):
        message.instruction = event.instruction
    if isinstance(event, Fault):
        message.text = event.error
    elif not message.text:
        message.text = getattr(event, "message", "")
    return message
