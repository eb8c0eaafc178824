"""Relation of a camera's stamps to a microphone's: are they of one clock?"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

from roma_ros.units.stamp_tracker import TimedItem
from roma_ros.units.stream_clock import Modality
from roma_ros.units.unit import NS_PER_SECOND

__all__ = [
    "AHEAD",
    "SLACK",
    "Relation",
    "StampRelation",
    "are_of_one_clock",
    "reference_of",
    "same_epoch",
]

AHEAD = 60 * NS_PER_SECOND // 1000
"""Allowed lead of stamps over the clock, ns: clocks jitter, and a simulation's goes by steps."""
SLACK = 150 * NS_PER_SECOND // 1000
"""Added to the longest plausible latency, for jitter, ns."""
SHARED = 300 * NS_PER_SECOND // 1000
"""Difference in the latencies of sensors of one clock that is ahead of the node's, ns."""
EPOCH = 60 * NS_PER_SECOND
"""Stamps further than this from a clock are not of that clock, ns."""
WINDOW, WINDOW_COUNT = 5 * NS_PER_SECOND, 6
"""Pairs are kept for 5 s, at least six of them."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Latencies of a pair of items of both sensors, or their medians over several pairs.

    Attributes:
        video, audio: latency by the node's clock, ns.
        difference: how much later the video arrives than the audio, by the stamps, ns.
        explicit: whether the node's clock was known for both.
    """

    video: int
    audio: int
    difference: int
    explicit: bool

    @classmethod
    def of(cls, one: TimedItem, other: TimedItem) -> Relation:
        """Compare two items of different sensors that arrived one soon after the other."""
        video, audio = (one, other) if one.modality is Modality.VIDEO else (other, one)
        return cls(
            video.latency,
            audio.latency,
            audio.lead - video.lead,
            video.clock is not None and audio.clock is not None,
        )

    def latency(self, modality: Modality) -> int:
        """Return the latency of one sensor, ns."""
        return self.video if modality is Modality.VIDEO else self.audio


class StampRelation:
    """Pairs of items of two sensors over the last 5 s."""

    def __init__(self) -> None:
        self._pairs: deque[tuple[int, Relation]] = deque(maxlen=1024)

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def add(self, now: int, pair: Relation) -> None:
        """Add a pair that arrived at `now` (ns)."""
        self._pairs.append((now, pair))
        while len(self._pairs) > WINDOW_COUNT and self._pairs[0][0] < now - WINDOW:
            self._pairs.popleft()

    def clear(self) -> None:
        """Drop all pairs."""
        self._pairs.clear()

    def is_settled(self, count: int, span: int) -> bool:
        """Return whether there are at least `count` pairs over at least `span` (ns)."""
        return len(self._pairs) >= count and self._pairs[-1][0] - self._pairs[0][0] >= span

    @property
    def middle(self) -> Relation:
        """Medians of the pairs; there must be one."""
        pairs = [pair for _, pair in self._pairs]
        return Relation(
            round(median(pair.video for pair in pairs)),
            round(median(pair.audio for pair in pairs)),
            round(median(pair.difference for pair in pairs)),
            all(pair.explicit for pair in pairs),
        )


def same_epoch(latency: int) -> bool:
    """Return whether stamps with this latency (ns) by a clock may be of that clock."""
    return abs(latency) <= EPOCH


def _plausibility(latency: int, longest: int) -> int:
    """Return -1 for stamps in the future, 0 for a plausible latency, 1 for a longer one (ns)."""
    if latency < -AHEAD:
        return -1
    return int(latency > longest + SLACK)


def are_of_one_clock(relation: Relation, longest: int) -> bool:
    """Return whether the stamps of both sensors may be of one clock.

    A stamp is never in the future. A latency of 0 to `longest` is plausible; stamps that are wrong
    by as much cannot be distinguished from it.

    Args:
        relation: medians of both sensors.
        longest: longest plausible latency, ns.
    """
    apart = abs(relation.difference)
    if not (same_epoch(relation.video) or same_epoch(relation.audio)):
        return apart <= longest + SLACK  # a recording, whose clock is not known
    video, audio = _plausibility(relation.video, longest), _plausibility(relation.audio, longest)
    if video != audio:
        return apart <= AHEAD
    if video < 0:
        return apart <= SHARED
    return apart <= longest + SLACK


def reference_of(relation: Relation, longest: int) -> Modality:
    """Return the sensor whose stamps define those of the units where both disagree.

    It is the one whose stamps may be of the node's clock, else the one that is nearer to it, and
    the microphone where that clock is not known.

    Args:
        relation: medians of both sensors.
        longest: longest plausible latency, ns.
    """
    video, audio = relation.video, relation.audio
    epoch = same_epoch(audio) and same_epoch(video)
    if not (relation.explicit or epoch):
        return Modality.AUDIO
    on_clock = _plausibility(video, longest) == 0, _plausibility(audio, longest) == 0
    if on_clock == (True, False):
        return Modality.VIDEO
    if on_clock == (False, True):
        return Modality.AUDIO
    return Modality.VIDEO if abs(video) < abs(audio) else Modality.AUDIO
