"""Stamps of two sensors onto one line of time, whatever clocks they are of.

As long as the stamps of both may be of one clock, they are left as they are. Where they cannot be,
the stamps of one sensor are shifted by a constant, so that what arrives together belongs together;
the shift follows the drift of the clocks. Where the stamps of a sensor mean nothing at all, the
time of arrival stands for them. docs/sensors.md has the rules and their limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from roma_ros.units.audio import AudioChunk
from roma_ros.units.clock_notices import ClockNotices, duration_text
from roma_ros.units.frame import RestampedFrame
from roma_ros.units.item import Item
from roma_ros.units.sensor_line import STEP, Reading, SensorLine, goes_on
from roma_ros.units.stamp_offsets import StampOffsets, other_than
from roma_ros.units.stamp_relation import EPOCH, SLACK, Relation, same_epoch
from roma_ros.units.stats import AssemblerStats
from roma_ros.units.stream_clock import Modality
from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["AlignedItem", "ClockAlignment", "SensorClockStatus"]

HOLD = NS_PER_SECOND // 2
"""What disagrees or has jumped waits so long for more of its kind before it is judged."""
MAX_HELD = {Modality.VIDEO: 32, Modality.AUDIO: 128}
"""Items that may wait for a judgement."""
THINNED = NS_PER_SECOND // 5
"""Of pictures that wait, five a second are kept: memory, and units show two."""
MAX_OVERTAKEN = 6
"""So many older items in a row, in their order, were not overtaken: the stamps have jumped."""
STRAGGLING = 10 * NS_PER_SECOND
"""A single item that is older than those around it by less is late; else its stamp is wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class AlignedItem:
    """An item that may go on.

    Attributes:
        item: with its stamp on the common line of time.
        clock: the node's clock at its arrival, ns; None: not known.
        restart: it begins a new stream.
        straggler: it is older than what has come before it, and is no jump.
        waited: it was held back, so that it says nothing of how late things are.
    """

    modality: Modality
    item: Item
    clock: int | None
    restart: bool = False
    straggler: bool = False
    waited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorClockStatus:
    """How a sensor's stamps lie.

    Attributes:
        by_arrival: whether it is aligned by the arrival of its items.
        offset: what is added to its stamps, s.
        latency: from its stamps until arrival by the node's clock, s; None: stamps and clock are
            not of one epoch, or nothing has come.
        drift: of its stamps against arrival, parts per million; None: not known yet.
        lateness: how long units wait for it at present, s.
        fault: why its stamps cannot be used; empty: they can, or were aligned.
    """

    modality: Modality
    by_arrival: bool
    offset: float
    latency: float | None
    drift: float | None
    lateness: float
    fault: str


class ClockAlignment:
    """Puts the stamps of two sensors on one line of time.

    Args:
        mode: "auto" or "arrival", as AssemblerConfig.clock_alignment.
        longest: the longest latency that is believed, ns.
        stats: where wrong stamps are counted.
    """

    def __init__(self, *, mode: str, longest: int, stats: AssemblerStats) -> None:
        self._longest = longest
        self._stats = stats
        self._notices = ClockNotices()
        self._offsets = StampOffsets(mode=mode, longest=longest, stats=stats, notices=self._notices)
        self._lines = {modality: SensorLine(modality) for modality in Modality}
        self._turn: Modality | None = None  # the sensor that came last
        self._holding: SensorLine | None = None  # it waits for the first judgement
        self._restart = False  # the next item begins a new stream

    @property
    def is_undecided(self) -> bool:
        """Whether a sensor's first items are held back, for half a second at most."""
        return self._holding is not None

    def notices(self) -> list[str]:
        """What there is to say since the last call: each jump and each change once."""
        return self._notices.take()

    def status(self, modality: Modality, lateness: float) -> SensorClockStatus:
        """How a sensor's stamps lie; `lateness` in s."""
        line, offset = self._lines[modality], self._offsets.of[modality]
        last = line.last
        latency = None
        if last is not None and line.lead is not None and same_epoch(last.latency):
            latency = (last.latency + last.lead - line.lead) / NS_PER_SECOND
        fault = f"its stamps {line.fault}" if line.fault else ""
        if not fault and abs(offset) > EPOCH:
            fault = f"its stamps are of another epoch ({duration_text(offset)} are added)"
        return SensorClockStatus(
            modality=modality,
            by_arrival=bool(line.fault) or modality is self._offsets.shifted,
            offset=offset / NS_PER_SECOND,
            latency=latency,
            drift=line.drift,
            lateness=lateness,
            fault=fault,
        )

    def add(
        self, modality: Modality, item: Item, arrival: int, clock: int | None
    ) -> list[AlignedItem]:
        """Take an item, and give those that may go on, in their order.

        Args:
            arrival: a clock that never jumps, ns.
            clock: the node's clock at arrival, ns; None: not known.
        """
        if item.stamp < 0:
            return [AlignedItem(modality, item, clock)]  # which will be refused
        line, reading = self._lines[modality], Reading(modality, item, arrival, clock)
        fault = line.notice(reading)
        if fault:
            self._give_up(line, fault)
        if line.fault and line.has_recovered(arrival):
            self._use_again(line, reading)
        return [*self._take(line, reading), *self._settle(arrival)]

    def flush(self) -> list[AlignedItem]:
        """What is still held back at the end, and can be placed."""
        ready: list[AlignedItem] = []
        if self._holding is not None:
            ready += self._release(self._holding.held[-1].arrival)
        for line in self._lines.values():
            suspects, line.suspects = line.suspects, []
            if suspects and line.last is not None and suspects[0].end > line.last.end:
                ready += [self._place(suspect) for suspect in suspects]
            else:
                self._stats.stamps_bad += len(suspects)
        return ready

    def forget_held(self) -> None:
        """Drop what is held back; what is known of the sensors stays."""
        for line in self._lines.values():
            line.suspects, line.held = [], []
        self._holding = None

    def _take(self, line: SensorLine, reading: Reading) -> list[AlignedItem]:
        if line.fault:
            return [self._place_by_arrival(line, reading)]
        if line.repeats:
            self._count_repeated(line.modality)
            return []
        if line.last is None or goes_on(line.last, reading):
            line.overtaken.clear()
            return [*self._late(line), *self._on_line(line, reading)]
        if 0 < line.last.end - reading.end <= self._longest + SLACK and not line.suspects:
            return self._overtaken(line, reading)
        return self._jumped(line, reading)

    # Items on their sensor's line

    def _on_line(self, line: SensorLine, reading: Reading) -> list[AlignedItem]:
        other, now = self._other(line), reading.arrival
        line.take(reading)
        if self._turn is not line.modality and other.last is not None and not other.fault:
            self._offsets.add_pair(now, Relation.of(reading, other.last))
        self._turn = line.modality
        if self._offsets.is_decided:
            lost = self._offsets.review(now)
            if lost is not None:
                self._give_up(self._lines[lost], "do not go on with time")
                return self._take(line, reading)
        elif self._offsets.difference is not None and self._holding is None:
            if self._offsets.agree:
                self._offsets.decide(now)
            else:
                self._holding = line
        if self._holding is line:
            _keep(line.held, reading)
            return []
        return [self._place(reading)]

    def _settle(self, now: int) -> list[AlignedItem]:
        """Judge what has waited for long enough."""
        ready: list[AlignedItem] = []
        holding = self._holding
        if holding is not None and _is_due(holding.held, now):
            ready += self._release(now)
        for line in self._lines.values():
            if len(line.suspects) >= 2 and self._is_known_alone(line, now):
                ready += self._jumped_alone(line, now)
        return ready

    def _release(self, now: int) -> list[AlignedItem]:
        """The first judgement of two sensors that disagree."""
        line, self._holding = self._holding, None
        assert line is not None
        if self._offsets.difference is not None:  # else the other's stamps were given up
            self._offsets.decide(now)
        held, line.held, lead = line.held, [], line.lead
        good = [item for item in held if lead is None or abs(item.lead - lead) <= STEP]
        self._stats.stamps_bad += len(held) - len(good)
        return [self._place(reading, waited=True) for reading in good]

    def _place(
        self, reading: Reading, *, straggler: bool = False, waited: bool = False
    ) -> AlignedItem:
        restart, self._restart = self._restart, False
        item = _restamped(reading.item, reading.stamp + self._offsets.of[reading.modality])
        return AlignedItem(reading.modality, item, reading.clock, restart, straggler, waited)

    # Jumps

    def _overtaken(self, line: SensorLine, reading: Reading) -> list[AlignedItem]:
        """An item that later ones have overtaken; several in their order are a jump back."""
        row = line.overtaken
        if row and not (row[-1].stamp < reading.stamp and goes_on(row[-1], reading)):
            row.clear()
        row.append(reading)
        if len(row) < MAX_OVERTAKEN:
            return [self._place(reading, straggler=True)]
        line.suspects, line.overtaken = row[:-1], []
        return self._jumped(line, reading)

    def _late(self, line: SensorLine) -> Iterable[AlignedItem]:
        """Suspects after which the line has gone on as before: they were late, or wrong."""
        suspects, line.suspects = line.suspects, []
        for suspect in suspects:
            if line.last is not None and 0 <= line.last.end - suspect.end <= STRAGGLING:
                yield self._place(suspect, straggler=True)
            else:
                self._stats.stamps_bad += 1

    def _jumped(self, line: SensorLine, reading: Reading) -> list[AlignedItem]:
        """An item whose stamp has jumped: believed if the other sensor's has jumped as well."""
        if self._is_beside(self._other(line), reading):
            return self._jumped_together(line, reading)
        if line.suspects and not goes_on(line.suspects[-1], reading):
            self._stats.stamps_bad += len(line.suspects)
            line.suspects.clear()
            if line.count_step(reading.arrival):
                self._give_up(line, "jump to and fro")
                return [self._place_by_arrival(line, reading)]
        _keep(line.suspects, reading)
        return []

    def _is_beside(self, other: SensorLine, reading: Reading) -> bool:
        """Whether an item lies beside the newest of the other sensor as items have before."""
        expected = self._offsets.difference
        newest = [*other.suspects[-1:], *filter(None, [other.last])]
        return expected is not None and any(
            abs(Relation.of(reading, there).difference - expected) <= STEP for there in newest
        )

    def _jumped_together(self, line: SensorLine, reading: Reading) -> list[AlignedItem]:
        line.suspects.append(reading)
        self._offsets.forget_pairs()
        ready: list[AlignedItem] = []
        for moved in (self._other(line), line):
            suspects, moved.suspects = moved.suspects, []
            if suspects:
                moved.jump_to(suspects)
                ready += [self._place(suspect, waited=True) for suspect in suspects]
        video, audio = (self._lines[modality].last for modality in Modality)
        if video is not None and audio is not None:
            self._offsets.add_pair(reading.arrival, Relation.of(video, audio))
        return ready

    def _is_known_alone(self, line: SensorLine, now: int) -> bool:
        """Whether the other sensor has shown by now that it has not jumped, or does not run."""
        suspects, other = line.suspects, self._other(line)
        if other.last is None or len(suspects) >= MAX_HELD[line.modality]:
            return True
        return _is_due(suspects, now) and other.tells_since(suspects[0].arrival, now, HOLD)

    def _jumped_alone(self, line: SensorLine, now: int) -> list[AlignedItem]:
        """The suspects are right: the sensor has another clock than before."""
        suspects, line.suspects = line.suspects, []
        other, last = self._other(line).last, line.last
        assert last is not None
        jump = suspects[0].lead - last.lead
        if not (self._runs(self._other(line), now)):
            other = None
        if (other is not None or jump < 0) and line.count_step(now):
            self._give_up(line, "jump to and fro")
            return [self._place_by_arrival(line, suspects[-1])]
        line.jump_to(suspects)
        self._offsets.forget_pairs()
        self._offsets.withdraw()
        if other is None:  # there is nobody to disagree with
            self._offsets.of[line.modality] = 0
        else:
            for suspect in suspects:
                self._offsets.add_pair(suspect.arrival, Relation.of(suspect, other))
            self._notices.jumped(line.modality, jump)
            self._offsets.decide(now)
            self._restart = True
        return [self._place(suspect, waited=True) for suspect in suspects]

    # Stamps that are not used

    def _give_up(self, line: SensorLine, fault: str) -> None:
        """The stamps of a sensor mean nothing: go by arrival."""
        line.fault = fault
        self._stats.stamps_bad += len(line.suspects) + len(line.held)
        line.suspects, line.held = [], []
        if self._holding is line:
            self._holding = None
        self._offsets.forget_pairs()
        self._offsets.withdraw()
        self._notices.unusable(line.modality, fault)

    def _use_again(self, line: SensorLine, reading: Reading) -> None:
        line.fault = ""
        line.jump_to([reading])
        self._offsets.of[line.modality] = 0
        self._offsets.withdraw()
        self._restart = True
        self._notices.usable_again(line.modality)

    def _place_by_arrival(self, line: SensorLine, reading: Reading) -> AlignedItem:
        other, carry = self._other(line), None
        if other.lead is not None and self._runs(other, reading.arrival):
            carry = other.lead + self._offsets.of[other.modality]
        elif reading.clock is not None:
            carry = reading.clock - reading.arrival
        stamp = line.stamp_by_arrival(reading, carry, self._offsets.of[line.modality])
        restart, self._restart = self._restart, False
        item = _restamped(reading.item, stamp)
        return AlignedItem(line.modality, item, reading.clock, restart)

    def _count_repeated(self, modality: Modality) -> None:
        if modality is Modality.VIDEO:
            self._stats.frames_duplicate += 1
        else:
            self._stats.audio_overlap += 1

    def _runs(self, line: SensorLine, now: int) -> bool:
        """Whether a sensor runs, with stamps that are used."""
        return line.last is not None and not line.fault and line.runs(now)

    def _other(self, line: SensorLine) -> SensorLine:
        return self._lines[other_than(line.modality)]


def _keep(waiting: list[Reading], reading: Reading) -> None:
    """Lets an item wait."""
    close = bool(waiting) and abs(reading.stamp - waiting[-1].stamp) < THINNED
    if isinstance(reading.item, AudioChunk) or not close:
        waiting.append(reading)


def _is_due(waiting: list[Reading], now: int) -> bool:
    if not waiting:
        return False
    return now - waiting[0].arrival >= HOLD or len(waiting) >= MAX_HELD[waiting[0].modality]


def _restamped(item: Item, stamp: int) -> Item:
    """The item with another stamp; the item itself if it has that."""
    if stamp == item.stamp:
        return item
    if isinstance(item, AudioChunk):
        return replace(item, stamp=stamp)
    return RestampedFrame(stamp, item)
