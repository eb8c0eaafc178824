"""One sensor's stamps against the arrival of its items: do they go on, jump, or stand still?"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from roma_ros.units.item import Item, end_of
from roma_ros.units.stream_clock import Modality
from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["STEP", "Reading", "SensorLine", "goes_on"]

STEP = NS_PER_SECOND // 2
"""Stamps that are further than this from where they should be have jumped."""
STILL_COUNT, STILL_TIME = 4, NS_PER_SECOND
"""So many repetitions of one stamp over so long: the stamps stand still."""
STEADY_TIME = 5 * NS_PER_SECOND
"""Unusable stamps that have gone on for so long are used again."""
STEPS, STEPS_TIME = 4, 10 * NS_PER_SECOND
"""So many jumps in so long: the stamps mean nothing."""
SILENT = 2 * NS_PER_SECOND
"""A sensor that has been silent for longer, and twice its usual interval, does not run."""
BLOCK, BLOCKS = 10 * NS_PER_SECOND, 90
"""The drift is taken from the medians of blocks of 10 s, over at most 15 min."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """An item with what the clocks showed when it came, ns.

    Attributes:
        arrival: a clock that never jumps.
        clock: the node's clock, that stamps should be of; None: not known.
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
        """When its last sample, or its frame, was taken by its stamps."""
        return end_of(self.item)

    @property
    def lead(self) -> int:
        """The end before its arrival; only differences mean anything."""
        return self.end - self.arrival

    @property
    def latency(self) -> int:
        """From its end until its arrival by the node's clock, or by that of arrival."""
        return (self.arrival if self.clock is None else self.clock) - self.end


def goes_on(before: Reading, after: Reading) -> bool:
    """Whether stamps go on: either without a gap, or by as much as time has passed.

    The first is so however fast a recording is played, the second after a pause of the sensor.
    """
    gap = after.stamp - before.end
    return abs(gap) <= STEP or abs(after.lead - before.lead) <= STEP


class SensorLine:
    """What is known of the stamps of one sensor.

    Attributes:
        last: the newest item on the line; None before the first.
        suspects: items whose stamps have jumped, and are not believed so far.
        overtaken: the last items in a row that are older than the newest, but not by much.
        held: items that wait for the first decision.
        fault: why its stamps are not used at all; empty: they are.
    """

    def __init__(self, modality: Modality) -> None:
        self.modality = modality
        self.last: Reading | None = None
        self.suspects: list[Reading] = []
        self.overtaken: list[Reading] = []
        self.held: list[Reading] = []
        self.fault = ""
        self._raw: Reading | None = None  # the item before, whether on the line or not
        self._repeated = 0
        self._still_since = 0
        self._steady_since: Reading | None = None
        self._interval = 0
        self._leads: deque[int] = deque(maxlen=15)
        self._steps: deque[int] = deque(maxlen=STEPS)
        self._carry: int | None = None  # common time minus arrival, while stamps are not used
        self._carried_end: int | None = None
        self._block: list[int] = []
        self._block_from = 0
        self._blocks: deque[tuple[float, float]] = deque(maxlen=BLOCKS)

    # What comes in

    def notice(self, reading: Reading) -> str:
        """Look at an item before anything else does.

        Returns:
            Why the stamps of the sensor cannot be used from here on; empty: nothing new.
        """
        before, self._raw = self._raw, reading
        if before is None:
            self._steady_since = reading
            return ""
        self._interval = max(reading.arrival - before.arrival, self._interval * 9 // 10)
        if reading.stamp != before.stamp:
            self._repeated = 0
            if not goes_on(before, reading):
                self._steady_since = reading
            return ""
        self._steady_since = reading
        if not self._repeated:
            self._still_since = before.arrival
        self._repeated += 1
        if reading.stamp == 0 and not self.fault:
            return "are zero: the driver does not fill in header.stamp"
        still = reading.arrival - self._still_since >= STILL_TIME
        if self._repeated >= STILL_COUNT and still and not self.fault:
            return f"stand still at {reading.stamp / NS_PER_SECOND:.3f} s"
        return ""

    @property
    def repeats(self) -> bool:
        """Whether the item that came last has the stamp of the one before it."""
        return self._repeated > 0

    def has_recovered(self, now: int) -> bool:
        """Whether stamps that were unusable have gone on with time for 5 s."""
        since, raw = self._steady_since, self._raw
        if since is None or raw is None or now - since.arrival < STEADY_TIME:
            return False
        return (raw.end - since.end) >= (now - since.arrival) // 5

    def take(self, reading: Reading) -> None:
        """The item is on the line."""
        if self.last is None or reading.end >= self.last.end or not goes_on(self.last, reading):
            self.last = reading
        self._leads.append(reading.lead)
        self._collect(reading)

    def jump_to(self, readings: Sequence[Reading]) -> None:
        """The line goes on elsewhere, with these items."""
        self._leads.clear()
        self._leads.extend(reading.lead for reading in readings)
        self.last = readings[-1]
        self._block.clear()
        self._blocks.clear()

    def count_step(self, now: int) -> bool:
        """Note a jump of this sensor alone; True: it has jumped too often."""
        self._steps.append(now)
        return len(self._steps) == STEPS and now - self._steps[0] <= STEPS_TIME

    def runs(self, now: int) -> bool:
        """Whether it has not fallen silent."""
        return self._raw is not None and now - self._raw.arrival <= max(SILENT, 2 * self._interval)

    def tells_since(self, then: int, now: int, patience: int) -> bool:
        """Whether an item has come since then, or has failed to come when it was due."""
        if self._raw is None or self._raw.arrival >= then:
            return True
        return now - self._raw.arrival > self._interval * 3 // 2 + patience

    # What is known

    @property
    def lead(self) -> int | None:
        """Median of the last 15 items; None before the first."""
        return round(median(self._leads)) if self._leads else None

    @property
    def drift(self) -> float | None:
        """How much faster its stamps run than arrival does, parts per million; None: too early."""
        if len(self._blocks) < 3:
            return None
        times, leads = np.array(self._blocks).T
        slope = float(np.polyfit(times - times[0], leads - leads[0], 1)[0])
        return slope * 1e6 if abs(slope) < 0.01 else None

    def _collect(self, reading: Reading) -> None:
        if not self._block:
            self._block_from = reading.arrival
        if len(self._block) < 512:
            self._block.append(reading.lead)
        if reading.arrival - self._block_from >= BLOCK:
            middle = (self._block_from + reading.arrival) / 2
            self._blocks.append((middle / NS_PER_SECOND, median(self._block) / NS_PER_SECOND))
            self._block.clear()

    # Stamps by arrival

    def stamp_by_arrival(self, reading: Reading, carry: int | None, offset: int) -> int:
        """A stamp for an item whose own is not used, ns.

        Audio is counted on by its samples, since arrival would tear it.

        Args:
            carry: common time minus arrival; None: the one before, or what the stamps last meant.
            offset: what was added to stamps then, ns.
        """
        if carry is None:
            carry = self._carry
        if carry is None:
            lead = self.lead
            carry = reading.lead if lead is None else lead + offset
        self._carry = carry
        end, length = reading.arrival + carry, reading.end - reading.stamp
        counted = self._carried_end
        if length and counted is not None and abs(counted - (end - length)) <= STEP // 5:
            end = counted + length + (end - length - counted) // 50
        self._carried_end = end
        return end - length
