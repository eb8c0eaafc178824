"""Thread that turns received messages into units, apart from the executor's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from roma_ros.nodes.input_errors import InputErrors
from roma_ros.nodes.rclpy_compat import join_thread
from roma_ros.sources import Item
from roma_ros.sources.bounded_queue import BoundedQueue
from roma_ros.units import AudioChunk, Modality, MultimodalUnit, SensorClockStatus, UnitAssembler

__all__ = ["InputThread", "ReceivedMessage"]

JOIN_TIMEOUT = 5.0  # s that decoding the last message may take
CAPACITY = 256  # queued messages: one to two seconds of a camera and a microphone
MAX_QUEUED_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class ReceivedMessage:
    """A message of a sensor, to be decoded.

    Attributes:
        topic: full name of its topic, for errors.
        read: converts the message to a frame, several or no frames, or audio; may raise UnitsError.
        arrival: monotonic time of arrival, ns; `None`: not known.
        clock: time of arrival on the node's clock, ns; `None`: not known.
        size: bytes of the message.
    """

    topic: str
    read: Callable[[], Item | Sequence[Item]]
    arrival: int | None = None
    clock: int | None = None
    size: int = 0


class InputThread:
    """Thread that decodes messages, passes them to the assembler, and passes on its units.

    Images are decoded here, and only those that a unit keeps.

    Args:
        assembler: used by this thread alone until `close`, except through the methods here.
        on_unit: called in this thread with each unit, and with no unit of the old stream once
            `reset` has returned; it must return quickly and not use this object.
        errors: where bad input is counted.
        on_notice: called in this thread with each of the assembler's notices about stamps.
    """

    def __init__(
        self,
        assembler: UnitAssembler,
        on_unit: Callable[[MultimodalUnit], None],
        errors: InputErrors,
        on_notice: Callable[[str], object] | None = None,
    ) -> None:
        self._on_notice = on_notice
        self._assembler = assembler
        self._on_unit = on_unit
        self._errors = errors
        self._frames_topic = ""  # topic of the frames that the assembler has yet to decode
        self._lock = threading.Lock()
        self._queue: BoundedQueue[ReceivedMessage] = BoundedQueue(CAPACITY, MAX_QUEUED_BYTES)
        self._thread = threading.Thread(target=self._work, name="input", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Number of messages that were dropped because the queue was full."""
        return self._queue.dropped

    def put(self, message: ReceivedMessage) -> None:
        """Queue a message; never blocks."""
        self._queue.put(message, message.size)

    def reset(self) -> None:
        """End the stream; the next message starts a new one."""
        with self._lock:
            self._assembler.reset()

    def set_absent(self, modalities: Iterable[Modality]) -> None:
        """Set the modalities that units do not wait for, because no data of them will come."""
        with self._lock:
            self._assembler.set_absent(modalities)

    def set_lateness(self, lateness: float | Literal["auto"]) -> None:
        """Set how long units wait for late data, s."""
        with self._lock:
            self._assembler.set_lateness(lateness)

    def sensor_clocks(self) -> list[SensorClockStatus]:
        """Return how the stamps of each sensor relate to the time of arrival."""
        with self._lock:
            return self._assembler.sensor_clocks()

    def close(self) -> None:
        """End the thread; waits at most `JOIN_TIMEOUT` for the message that is being decoded."""
        self._queue.close()
        join_thread(self._thread, JOIN_TIMEOUT)

    def _work(self) -> None:
        for message in self._queue:
            with self._lock:
                for unit in self._process(message):
                    self._on_unit(unit)
                notices = self._assembler.notices()
            if self._on_notice is not None:
                for notice in notices:
                    self._on_notice(notice)

    def _process(self, message: ReceivedMessage) -> list[MultimodalUnit]:
        stats = self._assembler.stats
        bad = stats.frames_bad
        try:
            items = message.read()
            for item in items if isinstance(items, Sequence) else (items,):
                self._add(item, message)
        except Exception as error:  # whatever a driver sends, the next message may be fine
            self._errors.report(message.topic, type(error).__name__, str(error))
        units = self._assembler.units()
        if stats.frames_bad > bad:
            self._errors.report(self._frames_topic, "ImageError", stats.last_error)
        return units

    def _add(self, item: Item, message: ReceivedMessage) -> None:
        if not isinstance(item, AudioChunk):
            self._frames_topic = message.topic
        self._assembler.add(item, arrival=message.arrival, clock=message.clock)
