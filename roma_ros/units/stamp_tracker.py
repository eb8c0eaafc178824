"""Tracking of one sensor's stamps against the arrival of its items."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from roma_ros.units.item import Item, end_of
from roma_ros.units.stream_clock import Modality
from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["STEP", "StampTracker", "TimedItem", "is_continuous"]

STEP = NS_PER_SECOND // 2
"""Stamps that are further than this from where they are expected have jumped, ns."""
REPEAT_COUNT, REPEAT_TIME = 4, NS_PER_SECOND
"""So many repetitions of one stamp over so long (ns): the stamps stand still."""
STEADY_TIME = 5 * NS_PER_SECOND
"""Unusable stamps that advance for so long are used again, ns."""
STEPS, STEPS_TIME = 4, 10 * NS_PER_SECOND
"""So many jumps in so long (ns): the stamps are unusable."""
SILENT = 2 * NS_PER_SECOND
"""Time without items after which a sensor does not run, ns; at least twice its usual interval."""
BLOCK, BLOCKS = 10 * NS_PER_SECOND, 90
"""The drift is estimated from the medians of blocks of 10 s, over at most 15 min."""


@dataclass(frozen=True, slots=True, eq=False)
class TimedItem:
    """An item and its time of arrival.

    Attributes:
        modality: of the item.
        item: a frame or an audio chunk.
        arrival: time of arrival by a clock that never jumps, ns.
        clock: time of arrival by the node's clock, of which stamps should be, ns; None: not known.
    """

    modality: Modality
    item: Item
    arrival: int
    clock: int | None

    @property
    def stamp(self) -> int:
        return self.item.stamp

    @property
    def end(self) -> int:
        """Stamp at which the item ends, ns."""
        return end_of(self.item)

    @property
    def lead(self) -> int:
        """End minus arrival, ns. The clocks differ, so only differences of leads mean anything."""
        return self.end - self.arrival

    @property
    def latency(self) -> int:
        """Arrival minus end, ns: by the node's clock where it is known."""
        return (self.arrival if self.clock is None else self.clock) - self.end


def is_continuous(before: TimedItem, after: TimedItem) -> bool:
    """Return whether the stamps of two consecutive items are continuous.

    They are if there is no gap between the items, at whatever speed a recording is played, or if
    they advance as much as the time of arrival, as after a pause of the sensor.
    """
    gap = after.stamp - before.end
    return abs(gap) <= STEP or abs(after.lead - before.lead) <= STEP


class StampTracker:
    """State of the stamps of one sensor.

    Args:
        modality: of the sensor.

    Attributes:
        last: the newest item whose stamp was accepted; None before the first.
        suspects: items whose stamps have jumped and are not accepted so far.
        overtaken: the last consecutive items that are a little older than the newest.
        held: items that wait for the first decision.
        fault: why the stamps are not used at all; empty: they are.
    """

    def __init__(self, modality: Modality) -> None:
        self.modality = modality
        self.last: TimedItem | None = None
        self.suspects: list[TimedItem] = []
        self.overtaken: list[TimedItem] = []
        self.held: list[TimedItem] = []
        self.fault = ""
        self._raw: TimedItem | None = None  # the previous item, accepted or not
        self._repeated = 0
        self._repeated_since = 0
        self._steady_since: TimedItem | None = None
        self._interval = 0
        self._leads: deque[int] = deque(maxlen=15)
        self._steps: deque[int] = deque(maxlen=STEPS)
        self._common_offset: int | None = None  # common time minus arrival, without stamps
        self._counted_end: int | None = None
        self._block: list[int] = []
        self._block_from = 0
        self._blocks: deque[tuple[float, float]] = deque(maxlen=BLOCKS)

    # Adding items

    def check_repeats(self, item: TimedItem) -> str:
        """Check whether the stamps stand still. Call this first with each item.

        Returns:
            Why the stamps of the sensor cannot be used from now on; empty: nothing new.
        """
        before, self._raw = self._raw, item
        if before is None:
            self._steady_since = item
            return ""
        self._interval = max(item.arrival - before.arrival, self._interval * 9 // 10)
        if item.stamp != before.stamp:
            self._repeated = 0
            if not is_continuous(before, item):
                self._steady_since = item
            return ""
        self._steady_since = item
        if not self._repeated:
            self._repeated_since = before.arrival
        self._repeated += 1
        if item.stamp == 0 and not self.fault:
            return "are zero: the driver does not fill in header.stamp"
        lasts = item.arrival - self._repeated_since >= REPEAT_TIME
        if self._repeated >= REPEAT_COUNT and lasts and not self.fault:
            return f"stand still at {item.stamp / NS_PER_SECOND:.3f} s"
        return ""

    @property
    def repeats(self) -> bool:
        """Whether the last item has the stamp of the one before it."""
        return self._repeated > 0

    def has_recovered(self, now: int) -> bool:
        """Return whether unusable stamps have advanced with time for 5 s at `now`, ns."""
        since, raw = self._steady_since, self._raw
        if since is None or raw is None or now - since.arrival < STEADY_TIME:
            return False
        return (raw.end - since.end) >= (now - since.arrival) // 5

    def accept(self, item: TimedItem) -> None:
        """Accept the stamp of an item."""
        if self.last is None or item.end >= self.last.end or not is_continuous(self.last, item):
            self.last = item
        self._leads.append(item.lead)
        self._collect(item)

    def jump_to(self, items: Sequence[TimedItem]) -> None:
        """Accept a jump, to the stamps of these items."""
        self._leads.clear()
        self._leads.extend(item.lead for item in items)
        self.last = items[-1]
        self._block.clear()
        self._blocks.clear()

    def count_step(self, now: int) -> bool:
        """Count a jump of this sensor alone; return whether it has jumped too often."""
        self._steps.append(now)
        return len(self._steps) == STEPS and now - self._steps[0] <= STEPS_TIME

    def runs(self, now: int) -> bool:
        """Return whether the sensor still gives items at `now` (ns)."""
        return self._raw is not None and now - self._raw.arrival <= max(SILENT, 2 * self._interval)

    def seen_since(self, then: int, now: int, tolerance: int) -> bool:
        """Return whether an item has arrived since `then`, or is overdue at `now`.

        Args:
            then, now: times of arrival, ns.
            tolerance: how late an item may be, ns.
        """
        if self._raw is None or self._raw.arrival >= then:
            return True
        return now - self._raw.arrival > self._interval * 3 // 2 + tolerance

    # Estimates

    @property
    def lead(self) -> int | None:
        """Median lead of the last 15 items, ns; None before the first."""
        return round(median(self._leads)) if self._leads else None

    @property
    def drift(self) -> float | None:
        """Drift of the stamps against the time of arrival, ppm; None: not known yet."""
        if len(self._blocks) < 3:
            return None
        times, leads = np.array(self._blocks).T
        slope = float(np.polyfit(times - times[0], leads - leads[0], 1)[0])
        return slope * 1e6 if abs(slope) < 0.01 else None

    def _collect(self, item: TimedItem) -> None:
        if not self._block:
            self._block_from = item.arrival
        if len(self._block) < 512:
            self._block.append(item.lead)
        if item.arrival - self._block_from >= BLOCK:
            middle = (self._block_from + item.arrival) / 2
            self._blocks.append((middle / NS_PER_SECOND, median(self._block) / NS_PER_SECOND))
            self._block.clear()

    # Stamps from arrival

    def stamp_by_arrival(self, item: TimedItem, common_offset: int | None, offset: int) -> int:
        """Return a stamp for an item from its time of arrival, ns.

        Audio is stamped by counting samples, because arrival times would leave gaps.

        Args:
            item: whose own stamp is not used.
            common_offset: common time minus arrival, ns; None: the last one, or the one that the
                stamps had.
            offset: what was added to the sensor's stamps, ns.
        """
        if common_offset is None:
            common_offset = self._common_offset
        if common_offset is None:
            lead = self.lead
            common_offset = item.lead if lead is None else lead + offset
        self._common_offset = common_offset
        end, length = item.arrival + common_offset, item.end - item.stamp
        counted = self._counted_end
        if length and counted is not None and abs(counted - (end - length)) <= STEP // 5:
            end = counted + length + (end - length - counted) // 50
        self._counted_end = end
        return end - length
