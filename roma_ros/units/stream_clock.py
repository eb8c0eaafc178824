"""Judges stamps: in time, late, or a jump of the clock; and finds where the stream starts."""

import enum

from roma_ros.units.errors import StampError
from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["Arrival", "Modality", "StreamClock"]


class Modality(enum.Enum):
    """What an item of the stream is."""

    VIDEO = "video"
    AUDIO = "audio"


class Arrival(enum.Enum):
    """What a stamp says about its item."""

    IN_TIME = "in time"
    LATE = "late"
    JUMP = "jump"
    """Too far from all others: the clock jumped, the stream paused, or the stamp is wrong."""


class StreamClock:
    """The time of one stream, driven by stamps alone.

    Args (ns):
        lateness: how much older than the newest of its modality an item may be.
        settled: how far the newest stamp is from the first when the start is final.
        max_backward: older still, and it is a jump.
        max_gap: how much newer than all others an item of the same stream may be.
        doubt: how much newer it may be and be believed at once.
    """

    def __init__(
        self,
        *,
        lateness: int,
        max_backward: int,
        max_gap: int,
        doubt: int,
        settled: int | None = None,
    ) -> None:
        self._lateness = lateness
        self._settled = lateness if settled is None else settled
        self._max_backward = max_backward
        self._max_gap = max_gap
        self._doubt = doubt
        self._newest: dict[Modality, int] = {}  # stamps
        self._reach: dict[Modality, int] = {}  # ends
        self.newest: int | None = None
        """Newest stamp of all, None before the first."""
        self.start = 0
        """The first stamp: where unit 0 starts. May still grow smaller until `started`."""

    @property
    def started(self) -> bool:
        """Whether an item earlier than `start` would be too late."""
        return self.newest is not None and self.newest - self.start >= self._settled

    @property
    def reach(self) -> int:
        """Up to where anything has come: a piece of audio reaches further than its stamp."""
        return max(self._reach.values(), default=0)

    def newest_of(self, modality: Modality) -> int | None:
        """Newest stamp of a modality, None before the first."""
        return self._newest.get(modality)

    def reach_of(self, modality: Modality) -> int | None:
        """Up to where a modality has come, None before the first."""
        return self._reach.get(modality)

    def set_lateness(self, lateness: int, *, max_backward: int) -> None:
        """Changes these arguments."""
        self._lateness, self._max_backward = lateness, max_backward

    @property
    def skew(self) -> float:
        """How much further the audio has come than the video: seconds, 0 if one is missing."""
        if len(self._reach) < len(Modality):
            return 0.0
        return (self._reach[Modality.AUDIO] - self._reach[Modality.VIDEO]) / NS_PER_SECOND

    def judge(self, modality: Modality, stamp: int) -> Arrival:
        """Says what to do with an item, and changes nothing.

        Raises:
            StampError: negative, or zero where zero can only mean that nobody set it.
        """
        own = self._newest.get(modality)
        self._check_set(modality, stamp)
        if self.newest is None:
            return Arrival.IN_TIME
        # Against its own modality: a camera that is always a second behind has not jumped.
        behind = (self.newest if own is None else own) - stamp
        if stamp - self.reach > self._doubt:
            return Arrival.JUMP
        if behind > (self._max_gap if own is None else self._max_backward):
            return Arrival.JUMP
        return Arrival.LATE if own is not None and behind > self._lateness else Arrival.IN_TIME

    def accept(self, modality: Modality, stamp: int, end: int) -> None:
        """Moves on to the stamp and the end of an item that is taken."""
        if self.newest is None:
            self.start = stamp
        elif not self.started and self.newest - stamp <= self._settled:
            self.start = min(self.start, stamp)
        self._newest[modality] = max(self._newest.get(modality, stamp), stamp)
        self._reach[modality] = max(self._reach.get(modality, end), end)
        self.newest = max(self._newest.values())

    def is_short_gap(self, stamp: int) -> bool:
        """Whether an item ahead of all others may still be of this stream."""
        return 0 <= stamp - self.reach <= self._max_gap

    def _check_set(self, modality: Modality, stamp: int) -> None:
        if stamp < 0:
            raise StampError(f"the {modality.value} stamp is {stamp} ns; expected 0 or more")
        under_way = self.newest is not None and self.newest > self._max_backward
        if stamp == 0 and (under_way or modality in self._newest):
            raise StampError(
                f"the {modality.value} stamp is 0 in a stream under way; expected the sensor's "
                "time: the driver does not fill in header.stamp"
            )
