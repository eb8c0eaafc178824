"""How the stamps of a camera and a microphone lie to one another: of one clock, or not?"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

from roma_ros.units.sensor_line import Reading
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
"""Stamps may be this far in the future: clocks tremble, and a simulation's goes by steps."""
SLACK = 150 * NS_PER_SECOND // 1000
"""Added to the longest latency that is believed, for jitter."""
SHARED = 300 * NS_PER_SECOND // 1000
"""Sensors of a clock that is ahead of the node's may differ by this much in their latencies."""
EPOCH = 60 * NS_PER_SECOND
"""Stamps further than this from a clock are not of that clock."""
WINDOW, WINDOW_COUNT = 5 * NS_PER_SECOND, 6
"""Pairs are kept for 5 s, and at least six of them."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Latencies by the node's clock, ns; medians, or of one pair.

    Attributes:
        difference: how much later the video arrives, by the stamps, than the audio.
    """

    video: int
    audio: int
    difference: int
    explicit: bool

    @classmethod
    def of(cls, one: Reading, other: Reading) -> Relation:
        """Of two items of different sensors that arrived one soon after the other."""
        video, audio = (one, other) if one.modality is Modality.VIDEO else (other, one)
        return cls(
            video.latency,
            audio.latency,
            audio.lead - video.lead,
            video.clock is not None and audio.clock is not None,
        )

    def latency(self, modality: Modality) -> int:
        return self.video if modality is Modality.VIDEO else self.audio


class StampRelation:
    """The relation of two sensors over the last seconds."""

    def __init__(self) -> None:
        self._pairs: deque[tuple[int, Relation]] = deque(maxlen=1024)

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def add(self, now: int, pair: Relation) -> None:
        """Take a pair; `now` is when it arrived, ns."""
        self._pairs.append((now, pair))
        while len(self._pairs) > WINDOW_COUNT and self._pairs[0][0] < now - WINDOW:
            self._pairs.popleft()

    def clear(self) -> None:
        self._pairs.clear()

    def is_settled(self, count: int, span: int) -> bool:
        """Whether there are at least so many pairs over so long (ns)."""
        return len(self._pairs) >= count and self._pairs[-1][0] - self._pairs[0][0] >= span

    @property
    def middle(self) -> Relation:
        """The medians. There must be a pair."""
        pairs = [pair for _, pair in self._pairs]
        return Relation(
            round(median(pair.video for pair in pairs)),
            round(median(pair.audio for pair in pairs)),
            round(median(pair.difference for pair in pairs)),
            all(pair.explicit for pair in pairs),
        )


def same_epoch(latency: int) -> bool:
    """Whether stamps of such a latency by a clock may be of that clock."""
    return abs(latency) <= EPOCH


def _place(latency: int, longest: int) -> int:
    """-1: stamps are of the future; 0: they may be of the clock; 1: later than believed."""
    if latency < -AHEAD:
        return -1
    return int(latency > longest + SLACK)


def are_of_one_clock(relation: Relation, longest: int) -> bool:
    """Whether the stamps of both sensors may be of one clock, and mean what they say.

    A stamp is never of the future. A latency of 0 to `longest` (ns) is believed, and it cannot be
    told from stamps that are wrong by as much.
    """
    apart = abs(relation.difference)
    if not (same_epoch(relation.video) or same_epoch(relation.audio)):
        return apart <= longest + SLACK  # a recording: the clock that both are of has gone
    video, audio = _place(relation.video, longest), _place(relation.audio, longest)
    if video != audio:
        return apart <= AHEAD
    if video < 0:
        return apart <= SHARED
    return apart <= longest + SLACK


def reference_of(relation: Relation, longest: int) -> Modality:
    """The sensor whose stamps define those of the units where both disagree.

    The one whose stamps may be of the node's clock; else the one that is nearer to it; the
    microphone where that says nothing.
    """
    video, audio = relation.video, relation.audio
    epoch = same_epoch(audio) and same_epoch(video)
    if not (relation.explicit or epoch):
        return Modality.AUDIO
    on_clock = _place(video, longest) == 0, _place(audio, longest) == 0
    if on_clock == (True, False):
        return Modality.VIDEO
    if on_clock == (False, True):
        return Modality.AUDIO
    return Modality.VIDEO if abs(video) < abs(audio) else Modality.AUDIO
