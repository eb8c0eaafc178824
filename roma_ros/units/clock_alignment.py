"""Alignment of the stamps of two sensors, which may be of different clocks.

As long as the stamps of both may be of one clock, they stay as they are. Where they cannot be, an
offset is added to the stamps of one sensor, so that items that arrive together get equal stamps;
the offset follows the drift of the clocks. Where the stamps of a sensor are unusable, the time of
arrival replaces them. docs/sensors.md has the rules and their limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from roma_ros.units.audio import AudioChunk
from roma_ros.units.clock_notices import ClockNotices, duration_text
from roma_ros.units.frame import RestampedFrame
from roma_ros.units.item import Item
from roma_ros.units.stamp_offsets import StampOffsets, other_than
from roma_ros.units.stamp_relation import EPOCH, SLACK, Relation, same_epoch
from roma_ros.units.stamp_tracker import STEP, StampTracker, TimedItem, is_continuous
from roma_ros.units.stats import AssemblerStats
from roma_ros.units.stream_clock import Modality
from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["AlignedItem", "ClockAlignment", "SensorClockStatus"]

HOLD = NS_PER_SECOND // 2
"""Time that items that disagree or have jumped are held back before a decision, ns."""
MAX_HELD = {Modality.VIDEO: 32, Modality.AUDIO: 128}
"""Items of a sensor that may be held back for a decision."""
THINNED = NS_PER_SECOND // 5
"""Least distance of frames that are held back, ns: five a second, since units use two."""
MAX_OVERTAKEN = 6
"""So many older items in a row, in their order, mean that the stamps have jumped back."""
STRAGGLING = 10 * NS_PER_SECOND
"""Age relative to its neighbours beyond which a single old item is wrong, not late, ns."""


@dataclass(frozen=True, slots=True, eq=False)
class AlignedItem:
    """An item with its aligned stamp.

    Attributes:
        modality: of the item.
        item: with its stamp on the common timeline.
        clock: time of arrival by the node's clock, ns; None: not known.
        restart: whether it begins a new stream.
        out_of_order: whether it is older than the items before it without being a jump.
        waited: whether it was held back, so that its lateness does not count.
    """

    modality: Modality
    item: Item
    clock: int | None
    restart: bool = False
    out_of_order: bool = False
    waited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorClockStatus:
    """State of a sensor's stamps.

    Attributes:
        modality: of the sensor.
        by_arrival: whether it is aligned by the arrival of its items.
        offset: what is added to its stamps, s.
        latency: time of arrival minus stamp, by the node's clock, s; None: stamps and clock are not
            of one epoch, or nothing has arrived.
        drift: drift of its stamps against the time of arrival, ppm; None: not known yet.
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
    """Alignment of the stamps of two sensors.

    Args:
        mode: "auto" or "arrival", as AssemblerConfig.clock_alignment.
        longest: longest plausible latency, ns.
        stats: counters to update.
    """

    def __init__(self, *, mode: str, longest: int, stats: AssemblerStats) -> None:
        self._longest = longest
        self._stats = stats
        self._notices = ClockNotices()
        self._offsets = StampOffsets(mode=mode, longest=longest, stats=stats, notices=self._notices)
        self._trackers = {modality: StampTracker(modality) for modality in Modality}
        self._previous: Modality | None = None  # of the last item
        self._holding: StampTracker | None = None  # it waits for the first decision
        self._restart = False  # the next item begins a new stream

    @property
    def is_undecided(self) -> bool:
        """Whether a sensor's first items are held back, for half a second at most."""
        return self._holding is not None

    def notices(self) -> list[str]:
        """Return log messages since the last call: each jump and each change once."""
        return self._notices.take()

    def status(self, modality: Modality, lateness: float) -> SensorClockStatus:
        """Return the state of a sensor's stamps; `lateness` is in s."""
        tracker, offset = self._trackers[modality], self._offsets.of[modality]
        last = tracker.last
        latency = None
        if last is not None and tracker.lead is not None and same_epoch(last.latency):
            latency = (last.latency + last.lead - tracker.lead) / NS_PER_SECOND
        fault = f"its stamps {tracker.fault}" if tracker.fault else ""
        if not fault and abs(offset) > EPOCH:
            fault = f"its stamps are of another epoch ({duration_text(offset)} are added)"
        return SensorClockStatus(
            modality=modality,
            by_arrival=bool(tracker.fault) or modality is self._offsets.shifted,
            offset=offset / NS_PER_SECOND,
            latency=latency,
            drift=tracker.drift,
            lateness=lateness,
            fault=fault,
        )

    def add(
        self, modality: Modality, item: Item, arrival: int, clock: int | None
    ) -> list[AlignedItem]:
        """Add an item, and return the items whose stamps are decided, in their order.

        Args:
            modality: of the item.
            item: a frame or an audio chunk.
            arrival: time of arrival by a clock that never jumps, ns.
            clock: time of arrival by the node's clock, ns; None: not known.
        """
        if item.stamp < 0:
            return [AlignedItem(modality, item, clock)]  # refused later
        tracker, timed = self._trackers[modality], TimedItem(modality, item, arrival, clock)
        fault = tracker.check_repeats(timed)
        if fault:
            self._stop_using(tracker, fault)
        if tracker.fault and tracker.has_recovered(arrival):
            self._use_again(tracker, timed)
        return [*self._take(tracker, timed), *self._settle(arrival)]

    def flush(self) -> list[AlignedItem]:
        """Return the items that are still held back at the end and can be used."""
        ready: list[AlignedItem] = []
        if self._holding is not None:
            ready += self._release(self._holding.held[-1].arrival)
        for tracker in self._trackers.values():
            suspects, tracker.suspects = tracker.suspects, []
            if suspects and tracker.last is not None and suspects[0].end > tracker.last.end:
                ready += [self._place(suspect) for suspect in suspects]
            else:
                self._stats.stamps_bad += len(suspects)
        return ready

    def forget_held(self) -> None:
        """Drop the items that are held back; the state of the sensors stays."""
        for tracker in self._trackers.values():
            tracker.suspects, tracker.held = [], []
        self._holding = None

    def _take(self, tracker: StampTracker, timed: TimedItem) -> list[AlignedItem]:
        if tracker.fault:
            return [self._place_by_arrival(tracker, timed)]
        if tracker.repeats:
            self._count_repeated(tracker.modality)
            return []
        if tracker.last is None or is_continuous(tracker.last, timed):
            tracker.overtaken.clear()
            return [*self._resolve_suspects(tracker), *self._continue(tracker, timed)]
        if 0 < tracker.last.end - timed.end <= self._longest + SLACK and not tracker.suspects:
            return self._overtaken(tracker, timed)
        return self._jumped(tracker, timed)

    # Items with continuous stamps

    def _continue(self, tracker: StampTracker, timed: TimedItem) -> list[AlignedItem]:
        other, now = self._other(tracker), timed.arrival
        tracker.accept(timed)
        if self._previous is not tracker.modality and other.last is not None and not other.fault:
            self._offsets.add_pair(now, Relation.of(timed, other.last))
        self._previous = tracker.modality
        if self._offsets.is_decided:
            lost = self._offsets.review(now)
            if lost is not None:
                self._stop_using(self._trackers[lost], "do not advance with time")
                return self._take(tracker, timed)
        elif self._offsets.difference is not None and self._holding is None:
            if self._offsets.agree:
                self._offsets.decide(now)
            else:
                self._holding = tracker
        if self._holding is tracker:
            _keep(tracker.held, timed)
            return []
        return [self._place(timed)]

    def _settle(self, now: int) -> list[AlignedItem]:
        """Decide on the items that were held back for long enough."""
        ready: list[AlignedItem] = []
        holding = self._holding
        if holding is not None and _is_due(holding.held, now):
            ready += self._release(now)
        for tracker in self._trackers.values():
            if len(tracker.suspects) >= 2 and self._is_known_alone(tracker, now):
                ready += self._jumped_alone(tracker, now)
        return ready

    def _release(self, now: int) -> list[AlignedItem]:
        """Decide for the first time on two sensors that disagree."""
        tracker, self._holding = self._holding, None
        assert tracker is not None
        if self._offsets.difference is not None:  # else the other's stamps are not used
            self._offsets.decide(now)
        held, tracker.held, lead = tracker.held, [], tracker.lead
        good = [item for item in held if lead is None or abs(item.lead - lead) <= STEP]
        self._stats.stamps_bad += len(held) - len(good)
        return [self._place(timed, waited=True) for timed in good]

    def _place(
        self, timed: TimedItem, *, out_of_order: bool = False, waited: bool = False
    ) -> AlignedItem:
        restart, self._restart = self._restart, False
        item = _restamped(timed.item, timed.stamp + self._offsets.of[timed.modality])
        return AlignedItem(timed.modality, item, timed.clock, restart, out_of_order, waited)

    # Jumps

    def _overtaken(self, tracker: StampTracker, timed: TimedItem) -> list[AlignedItem]:
        """Handle an item that later ones have overtaken; several in their order are a jump back."""
        row = tracker.overtaken
        if row and not (row[-1].stamp < timed.stamp and is_continuous(row[-1], timed)):
            row.clear()
        row.append(timed)
        if len(row) < MAX_OVERTAKEN:
            return [self._place(timed, out_of_order=True)]
        tracker.suspects, tracker.overtaken = row[:-1], []
        return self._jumped(tracker, timed)

    def _resolve_suspects(self, tracker: StampTracker) -> Iterable[AlignedItem]:
        """Resolve suspects after which the stamps continued as before: they were late, or wrong."""
        suspects, tracker.suspects = tracker.suspects, []
        for suspect in suspects:
            if tracker.last is not None and 0 <= tracker.last.end - suspect.end <= STRAGGLING:
                yield self._place(suspect, out_of_order=True)
            else:
                self._stats.stamps_bad += 1

    def _jumped(self, tracker: StampTracker, timed: TimedItem) -> list[AlignedItem]:
        """Handle an item whose stamp has jumped: accepted if the other sensor's has jumped too."""
        if self._is_beside(self._other(tracker), timed):
            return self._jumped_together(tracker, timed)
        if tracker.suspects and not is_continuous(tracker.suspects[-1], timed):
            self._stats.stamps_bad += len(tracker.suspects)
            tracker.suspects.clear()
            if tracker.count_step(timed.arrival):
                self._stop_using(tracker, "jump to and fro")
                return [self._place_by_arrival(tracker, timed)]
        _keep(tracker.suspects, timed)
        return []

    def _is_beside(self, other: StampTracker, timed: TimedItem) -> bool:
        """Return whether an item is as far from the other sensor's newest as items were before."""
        expected = self._offsets.difference
        newest = [*other.suspects[-1:], *filter(None, [other.last])]
        return expected is not None and any(
            abs(Relation.of(timed, there).difference - expected) <= STEP for there in newest
        )

    def _jumped_together(self, tracker: StampTracker, timed: TimedItem) -> list[AlignedItem]:
        tracker.suspects.append(timed)
        self._offsets.forget_pairs()
        ready: list[AlignedItem] = []
        for jumped in (self._other(tracker), tracker):
            suspects, jumped.suspects = jumped.suspects, []
            if suspects:
                jumped.jump_to(suspects)
                ready += [self._place(suspect, waited=True) for suspect in suspects]
        video, audio = (self._trackers[modality].last for modality in Modality)
        if video is not None and audio is not None:
            self._offsets.add_pair(timed.arrival, Relation.of(video, audio))
        return ready

    def _is_known_alone(self, tracker: StampTracker, now: int) -> bool:
        """Return whether the other sensor has not jumped by `now` (ns), or does not run."""
        suspects, other = tracker.suspects, self._other(tracker)
        if other.last is None or len(suspects) >= MAX_HELD[tracker.modality]:
            return True
        return _is_due(suspects, now) and other.seen_since(suspects[0].arrival, now, HOLD)

    def _jumped_alone(self, tracker: StampTracker, now: int) -> list[AlignedItem]:
        """Accept the suspects: the sensor has another clock than before."""
        suspects, tracker.suspects = tracker.suspects, []
        other, last = self._other(tracker).last, tracker.last
        assert last is not None
        jump = suspects[0].lead - last.lead
        if not (self._runs(self._other(tracker), now)):
            other = None
        if (other is not None or jump < 0) and tracker.count_step(now):
            self._stop_using(tracker, "jump to and fro")
            return [self._place_by_arrival(tracker, suspects[-1])]
        tracker.jump_to(suspects)
        self._offsets.forget_pairs()
        self._offsets.withdraw()
        if other is None:  # no sensor to disagree with
            self._offsets.of[tracker.modality] = 0
        else:
            for suspect in suspects:
                self._offsets.add_pair(suspect.arrival, Relation.of(suspect, other))
            self._notices.jumped(tracker.modality, jump)
            self._offsets.decide(now)
            self._restart = True
        return [self._place(suspect, waited=True) for suspect in suspects]

    # Stamps that are not used

    def _stop_using(self, tracker: StampTracker, fault: str) -> None:
        """Stop using the stamps of a sensor, and use the time of arrival."""
        tracker.fault = fault
        self._stats.stamps_bad += len(tracker.suspects) + len(tracker.held)
        tracker.suspects, tracker.held = [], []
        if self._holding is tracker:
            self._holding = None
        self._offsets.forget_pairs()
        self._offsets.withdraw()
        self._notices.unusable(tracker.modality, fault)

    def _use_again(self, tracker: StampTracker, timed: TimedItem) -> None:
        tracker.fault = ""
        tracker.jump_to([timed])
        self._offsets.of[tracker.modality] = 0
        self._offsets.withdraw()
        self._restart = True
        self._notices.usable_again(tracker.modality)

    def _place_by_arrival(self, tracker: StampTracker, timed: TimedItem) -> AlignedItem:
        other, common_offset = self._other(tracker), None
        if other.lead is not None and self._runs(other, timed.arrival):
            common_offset = other.lead + self._offsets.of[other.modality]
        elif timed.clock is not None:
            common_offset = timed.clock - timed.arrival
        stamp = tracker.stamp_by_arrival(timed, common_offset, self._offsets.of[tracker.modality])
        restart, self._restart = self._restart, False
        item = _restamped(timed.item, stamp)
        return AlignedItem(tracker.modality, item, timed.clock, restart)

    def _count_repeated(self, modality: Modality) -> None:
        if modality is Modality.VIDEO:
            self._stats.frames_duplicate += 1
        else:
            self._stats.audio_overlap += 1

    def _runs(self, tracker: StampTracker, now: int) -> bool:
        """Return whether a sensor runs at `now` (ns) with stamps that are used."""
        return tracker.last is not None and not tracker.fault and tracker.runs(now)

    def _other(self, tracker: StampTracker) -> StampTracker:
        return self._trackers[other_than(tracker.modality)]


def _keep(waiting: list[TimedItem], timed: TimedItem) -> None:
    """Hold an item back."""
    close = bool(waiting) and abs(timed.stamp - waiting[-1].stamp) < THINNED
    if isinstance(timed.item, AudioChunk) or not close:
        waiting.append(timed)


def _is_due(waiting: list[TimedItem], now: int) -> bool:
    if not waiting:
        return False
    return now - waiting[0].arrival >= HOLD or len(waiting) >= MAX_HELD[waiting[0].modality]


def _restamped(item: Item, stamp: int) -> Item:
    """Return the item with another stamp; the item itself if it has that one."""
    if stamp == item.stamp:
        return item
    if isinstance(item, AudioChunk):
        return replace(item, stamp=stamp)
    return RestampedFrame(stamp, item)
