"""Classification of stamps (in time, late, jump), and the start of the stream."""

import enum

from roma_ros.units.errors import StampError
from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["Modality", "StampVerdict", "StreamClock"]


class Modality(enum.Enum):
    """Kind of an item of the stream."""

    VIDEO = "video"
    AUDIO = "audio"


class StampVerdict(enum.Enum):
    """Classification of an item by its stamp."""

    IN_TIME = "in time"
    LATE = "late"
    JUMP = "jump"
    """Far from all others: the clock jumped, the stream paused, or the stamp is wrong."""


class StreamClock:
    """The time of one stream, driven by stamps alone.

    Args:
        lateness: how much older than the newest of its modality an item may be, ns.
        max_backward: items that are older by more than this have jumped, ns.
        max_gap: how much newer than all others an item of the same stream may be, ns.
        unconfirmed_step: items that are newer by more than this count as a jump at first, ns.
        settled: distance of the newest stamp from the first at which the start is final, ns; None:
            `lateness`.
    """

    def __init__(
        self,
        *,
        lateness: int,
        max_backward: int,
        max_gap: int,
        unconfirmed_step: int,
        settled: int | None = None,
    ) -> None:
        self._lateness = lateness
        self._settled = lateness if settled is None else settled
        self._max_backward = max_backward
        self._max_gap = max_gap
        self._unconfirmed_step = unconfirmed_step
        self._newest: dict[Modality, int] = {}  # stamps
        self._reach: dict[Modality, int] = {}  # ends
        self.newest: int | None = None
        """Newest stamp of all, ns; None before the first."""
        self.start = 0
        """The first stamp, at which unit 0 starts, ns. It may decrease until `started`."""

    @property
    def started(self) -> bool:
        """Whether an item earlier than `start` would be too late."""
        return self.newest is not None and self.newest - self.start >= self._settled

    @property
    def reach(self) -> int:
        """The latest end of all items, ns: a chunk of audio ends after its stamp."""
        return max(self._reach.values(), default=0)

    def newest_of(self, modality: Modality) -> int | None:
        """Return the newest stamp of a modality, ns; None before the first."""
        return self._newest.get(modality)

    def reach_of(self, modality: Modality) -> int | None:
        """Return the latest end of a modality's items, ns; None before the first."""
        return self._reach.get(modality)

    def set_lateness(self, lateness: int, *, max_backward: int) -> None:
        """Change these arguments of the constructor."""
        self._lateness, self._max_backward = lateness, max_backward

    @property
    def skew(self) -> float:
        """Latest end of the audio minus latest end of the video, s; 0 if one is missing."""
        if len(self._reach) < len(Modality):
            return 0.0
        return (self._reach[Modality.AUDIO] - self._reach[Modality.VIDEO]) / NS_PER_SECOND

    def judge(self, modality: Modality, stamp: int) -> StampVerdict:
        """Classify an item, without changing anything.

        Raises:
            StampError: the stamp is negative, or zero where that can only mean that it was not set.
        """
        own = self._newest.get(modality)
        self._check_set(modality, stamp)
        if self.newest is None:
            return StampVerdict.IN_TIME
        # Against its own modality: a camera that is always a second behind has not jumped.
        behind = (self.newest if own is None else own) - stamp
        if stamp - self.reach > self._unconfirmed_step:
            return StampVerdict.JUMP
        if behind > (self._max_gap if own is None else self._max_backward):
            return StampVerdict.JUMP
        return (
            StampVerdict.LATE
            if own is not None and behind > self._lateness
            else StampVerdict.IN_TIME
        )

    def accept(self, modality: Modality, stamp: int, end: int) -> None:
        """Advance to the stamp and the end of an item that is used, ns."""
        if self.newest is None:
            self.start = stamp
        elif not self.started and self.newest - stamp <= self._settled:
            self.start = min(self.start, stamp)
        self._newest[modality] = max(self._newest.get(modality, stamp), stamp)
        self._reach[modality] = max(self._reach.get(modality, end), end)
        self.newest = max(self._newest.values())

    def is_short_gap(self, stamp: int) -> bool:
        """Return whether an item ahead of all others may still belong to this stream."""
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
