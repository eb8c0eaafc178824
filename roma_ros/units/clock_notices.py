"""Log messages about the sensors' clocks."""

from __future__ import annotations

from collections import deque

from roma_ros.units.stamp_relation import Relation
from roma_ros.units.stream_clock import Modality
from roma_ros.units.unit import NS_PER_SECOND

__all__ = ["SENSORS", "ClockNotices", "duration_text"]

SENSORS = {Modality.VIDEO: "camera", Modality.AUDIO: "microphone"}
MAX_NOTICES = 16


class ClockNotices:
    """Messages that wait to be logged; of more than 16 the oldest are dropped."""

    def __init__(self) -> None:
        self._messages: deque[str] = deque(maxlen=MAX_NOTICES)

    def take(self) -> list[str]:
        """Return the messages since the last call, oldest first."""
        messages = list(self._messages)
        self._messages.clear()
        return messages

    def aligned(self, relation: Relation, shifted: Modality, *, by_parameter: bool) -> None:
        """Report that one sensor's stamps are shifted to the other's."""
        apart = relation.difference * (1 if shifted is Modality.VIDEO else -1)
        lead = "ahead of" if apart < 0 else "behind"
        other = Modality.AUDIO if shifted is Modality.VIDEO else Modality.VIDEO
        why = " (clock_alignment is arrival)" if by_parameter else ""
        self._messages.append(
            f"the {SENSORS[shifted]}'s stamps are {duration_text(abs(apart))} {lead} the "
            f"{SENSORS[other]}'s: it is aligned by the time at which its messages arrive{why}"
        )

    def ahead(self, nanoseconds: int) -> None:
        """Report that both sensors share a clock that is ahead of the node's."""
        self._messages.append(
            f"all stamps are {duration_text(nanoseconds)} ahead of this node's clock; events are "
            "stamped earlier by as much, since they cannot be of the future"
        )

    def agree_again(self) -> None:
        """Report that no stamps are shifted any more."""
        self._messages.append(
            "the stamps of camera and microphone agree again, and are used as they are"
        )

    def drifts(self, rate: float) -> None:
        """Report a drift between the clocks, s per s."""
        self._messages.append(
            f"the clocks of camera and microphone drift apart by {rate * 1e6:+.0f} ppm: the "
            "camera's stamps are corrected by that from here on"
        )

    def jumped(self, sensor: Modality, nanoseconds: int) -> None:
        """Report a jump of one sensor's clock."""
        self._messages.append(
            f"the {SENSORS[sensor]}'s clock has jumped by {duration_text(nanoseconds)}"
        )

    def unusable(self, sensor: Modality, why: str) -> None:
        """Report that a sensor's stamps are not used any more; `why` is a clause about them."""
        self._messages.append(
            f"the {SENSORS[sensor]}'s stamps {why}: it is aligned by the time at which its "
            "messages arrive"
        )

    def usable_again(self, sensor: Modality) -> None:
        """Report that a sensor's stamps are used again."""
        self._messages.append(
            f"the {SENSORS[sensor]}'s stamps advance with time again, and are used"
        )


def duration_text(nanoseconds: int) -> str:
    """Format a duration: s, days or years."""
    seconds = nanoseconds / NS_PER_SECOND
    if abs(seconds) < 3600:
        return f"{seconds:.3f} s"
    days = seconds / 86_400
    return f"{days:.1f} days" if abs(days) < 730 else f"{days / 365.25:.1f} years"
