"""From messages to units, off the executor's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from roma_ros.nodes.ending import join
from roma_ros.nodes.input_errors import Faults
from roma_ros.sources import Item
from roma_ros.sources.mailbox import Mailbox
from roma_ros.units import AudioChunk, Modality, MultimodalUnit, SensorClockStatus, UnitAssembler

__all__ = ["Arrival", "Intake"]

LAST_MESSAGE = 5.0  # seconds that reading one message may take, once the intake is closed
CAPACITY = 256  # messages that may wait: a second or two of a camera and a microphone
MAX_WAITING_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A message that came in.

    Attributes:
        topic: where, for what there is to say about it.
        read: makes a frame, several or none, or audio of it; may raise UnitsError.
        arrival: when it came, by the monotonic clock, ns; None: not known.
        clock: when it came, by the node's clock, ns; None: not known.
        size: of the message, bytes.
    """

    topic: str
    read: Callable[[], Item | Sequence[Item]]
    arrival: int | None = None
    clock: int | None = None
    size: int = 0


class Intake:
    """A thread that reads messages, gives them to the assembler, and passes on the units.

    Images are decoded here, and only those that a unit keeps.

    Args:
        assembler: nobody else may use it meanwhile, except by the methods here.
        on_unit: called in this thread with each unit.
        faults: where bad input is counted.
        on_notice: called in this thread with what there is to say of stamps, for a log.
    """

    def __init__(
        self,
        assembler: UnitAssembler,
        on_unit: Callable[[MultimodalUnit], None],
        faults: Faults,
        on_notice: Callable[[str], object] | None = None,
    ) -> None:
        self._on_notice = on_notice
        self._assembler = assembler
        self._on_unit = on_unit
        self._faults = faults
        self._frames_topic = ""  # of the frames that wait to be decoded
        self._lock = threading.Lock()
        self._arrivals: Mailbox[Arrival] = Mailbox(CAPACITY, MAX_WAITING_BYTES)
        self._thread = threading.Thread(target=self._work, name="intake", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Messages that were lost because too many waited."""
        return self._arrivals.dropped

    def put(self, arrival: Arrival) -> None:
        """Leave a message; never waits."""
        self._arrivals.put(arrival, arrival.size)

    def reset(self) -> None:
        """Forget the stream; the next message begins a new one."""
        with self._lock:
            self._assembler.reset()

    def set_absent(self, modalities: Iterable[Modality]) -> None:
        """Let units wait no longer for these modalities, which are not to come."""
        with self._lock:
            self._assembler.set_absent(modalities)

    def set_lateness(self, lateness: float | Literal["auto"]) -> None:
        """Change how long units wait for what is late."""
        with self._lock:
            self._assembler.set_lateness(lateness)

    def sensor_clocks(self) -> list[SensorClockStatus]:
        """How the stamps of each sensor lie."""
        with self._lock:
            return self._assembler.sensor_clocks()

    def close(self) -> None:
        """End the thread; wait for the message at hand, but not for ever."""
        self._arrivals.close()
        join(self._thread, LAST_MESSAGE)

    def _work(self) -> None:
        for arrival in self._arrivals:
            with self._lock:
                units = self._take(arrival)
                notices = self._assembler.notices()
            if self._on_notice is not None:
                for notice in notices:
                    self._on_notice(notice)
            for unit in units:
                self._on_unit(unit)

    def _add(self, item: Item, arrival: Arrival) -> None:
        if not isinstance(item, AudioChunk):
            self._frames_topic = arrival.topic
        self._assembler.add(item, arrival=arrival.arrival, clock=arrival.clock)

    def _take(self, arrival: Arrival) -> list[MultimodalUnit]:
        stats = self._assembler.stats
        bad = stats.frames_bad
        try:
            items = arrival.read()
            for item in items if isinstance(items, Sequence) else (items,):
                self._add(item, arrival)
        except Exception as error:  # whatever a driver sends, the next message may be fine
            self._faults.report(arrival.topic, type(error).__name__, str(error))
        units = self._assembler.units()
        if stats.frames_bad > bad:
            self._faults.report(self._frames_topic, "ImageError", stats.last_error)
        return units
